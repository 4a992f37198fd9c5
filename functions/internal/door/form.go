package door

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// MostBytes is how many bytes a form of a page or a JSON body may have (fixed point: 32 KiB).
const MostBytes = 32 << 10

// Form is what a form of a page was filled in with, as a browser sent it, field by field.
type Form url.Values

// ReadForm reads a form that a browser sends. A code says what is wrong with it as a whole, with the status to answer:
// form-too-large or not-a-form.
func ReadForm(r *http.Request) (f Form, status int, code string) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MostBytes))
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge, "form-too-large"
	case err != nil:
		return nil, http.StatusBadRequest, "not-a-form"
	case len(body) == 0: // of whatever kind, nothing was filled in
	case media != "application/x-www-form-urlencoded":
		return nil, http.StatusUnsupportedMediaType, "not-a-form"
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest, "not-a-form"
	}
	return Form(values), 0, ""
}

// Get is what was typed into a field, without what nobody sees at its ends.
func (f Form) Get(field string) string { return trim(url.Values(f).Get(field)) }

// All are all values of a field, such as ticked boxes.
func (f Form) All(field string) (all []string) {
	for _, v := range f[field] {
		if v = trim(v); v != "" {
			all = append(all, v)
		}
	}
	return all
}

func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\u200b\u200e\u200f\u2060\ufeff", r)
	})
}

// Ticked says that a box was.
func (f Form) Ticked(field string) bool { return f.Get(field) == "yes" }

// Digits are what was typed in the digits that our rules know. Keyboards of many who live in England have others.
func (f Form) Digits(field string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range "٠۰०০੦૦０" { // Arabic, Persian and Urdu, Hindi, Bengali, Punjabi, Gujarati, wide
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, f.Get(field))
}
