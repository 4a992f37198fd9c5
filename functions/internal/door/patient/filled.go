package patient

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// filled is what a page's form was filled in with, as it came.
type filled url.Values

// readForm reads a form that a browser sends; code says what is wrong with it as a whole.
func readForm(r *http.Request) (f filled, status int, code string) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostBytes))
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
	return filled(values), 0, ""
}

// get is what was typed into a field, without what nobody sees at its ends.
func (f filled) get(field string) string {
	return strings.TrimFunc(url.Values(f).Get(field), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\u200b\u200e\u200f\u2060\ufeff", r)
	})
}

// option is what was chosen of these, or a fault.
func (f filled) option(field string, options ...string) (string, []wrong) {
	switch o := f.get(field); {
	case o == "":
		return "", []wrong{{field, "missing"}}
	case !slices.Contains(options, o):
		return "", []wrong{{field, "not-an-option"}}
	default:
		return o, nil
	}
}

// ticked says that a box was.
func (f filled) ticked(field string) bool { return f.get(field) == "yes" }

// digits are what was typed in the digits that our rules know. Keyboards of many who live in England have others.
func (f filled) digits(field string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range "٠۰०০੦૦０" { // Arabic, Persian and Urdu, Hindi, Bengali, Punjabi, Gujarati, wide
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return r
	}, f.get(field))
}
