package patient

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/optout"
)

// JourneyLasts is how long answers are kept in a browser after the last one. A limit of more than 20 hours needs no
// way to extend it (WCAG 2.2.1).
const JourneyLasts = 24 * time.Hour

// journey is one person's way through the questions. It lives in a sealed cookie, one for each journey so that two
// tabs are two journeys, and nowhere else until the form is sent.
type journey struct {
	ID       string         `json:"-"`           // in the address and in the cookie's name; what was sealed for one opens for no other
	Language string         `json:"-"`           // tag, from the ID; "" for the first
	Key      string         `json:"k"`           // idempotency key of the form, which nobody but us can read
	Began    int64          `json:"b"`           // seconds
	About    string         `json:"r,omitempty"` // reference of an earlier form that the person came from
	Who      string         `json:"w,omitempty"` // self, child or adult
	Numbered bool           `json:"y,omitempty"` // the NHS number is known
	Lines    [4]string      `json:"n"`           // the address as it stands in its fields
	Done     []string       `json:"d,omitempty"` // questions answered
	Answers  optout.Answers `json:"a"`
	Sent     *sending       `json:"s,omitempty"` // then nothing else is kept
}

// sending is what is left of a journey after its form was sent.
type sending struct {
	Reference string `json:"r"`
	At        int64  `json:"t"` // when it was received, in seconds
	Kind      string `json:"k,omitempty"`
	Who       string `json:"w,omitempty"`
	Practice  bool   `json:"p,omitempty"` // one was named
}

func (j *journey) done(question string) bool { return slices.Contains(j.Done, question) }

// answered marks a question as answered; forget marks some as not answered.
func (j *journey) answered(question string) {
	if !j.done(question) {
		j.Done = append(j.Done, question)
	}
}

func (j *journey) forget(questions ...string) {
	j.Done = slices.DeleteFunc(j.Done, func(q string) bool { return slices.Contains(questions, q) })
}

// at is the address of a page of this journey.
func (j *journey) at(page string) string { return "/form/" + j.ID + "/" + page }

// copied is a journey that can be changed without changing this one.
func (j *journey) copied() *journey {
	c := *j
	c.Done = slices.Clone(j.Done)
	c.Answers.Subject.Address = slices.Clone(j.Answers.Subject.Address)
	if j.Answers.Proxy != nil {
		c.Answers.Proxy = new(*j.Answers.Proxy)
	}
	if j.Answers.Reply != nil {
		c.Answers.Reply = new(*j.Answers.Reply)
		c.Answers.Reply.Safe = slices.Clone(j.Answers.Reply.Safe)
	}
	return &c
}

// address is that of the person: the lines that are filled in.
func (j *journey) address() []string {
	return slices.DeleteFunc(slices.Clone(j.Lines[:]), func(line string) bool { return line == "" })
}

// What can be wrong with a journey's cookie.
var (
	errGone = errors.New("no such journey")        // never begun in this browser, ended, altered, or of another journey
	errLate = errors.New("the journey is too old") // it has expired
)

const cookiePrefix = "__Host-journey-"

// newJourney begins one, in a language that is named in its address: whoever has lost the cookie is still spoken to in
// it.
func (d Door) newJourney(language string) *journey {
	id := strings.ToLower(rand.Text()[:8])
	if language != "" {
		id += "." + language
	}
	return &journey{ID: id, Language: language, Key: rand.Text(), Began: d.Now().Unix()}
}

// languageOf is the tag of the language that a journey was begun in; "" for the first.
func (d Door) languageOf(id string) string {
	_, tag, _ := strings.Cut(id, ".")
	return d.known(tag)
}

// open reads the journey of an address from its cookie: errGone, errLate.
func (d Door) open(r *http.Request, id string) (*journey, error) {
	c, err := r.Cookie(cookiePrefix + id)
	if err != nil {
		return nil, errGone
	}
	return d.unseal(id, c.Value)
}

func (d Door) unseal(id, sealed string) (*journey, error) {
	plain, err := d.Seals.Unseal("journey "+id, sealed, d.Now())
	if errors.Is(err, keyring.ErrExpired) {
		return nil, errLate
	}
	j := &journey{ID: id, Language: d.languageOf(id)}
	if err != nil || json.Unmarshal(plain, j) != nil {
		return nil, errGone
	}
	j.Answers.Subject.Address = j.address()
	return j, nil
}

// keep seals the journey into its cookie, beside which older journeys stay as far as there is room. keyring.ErrTooLarge
// if it would not fit.
func (d Door) keep(w http.ResponseWriter, r *http.Request, j *journey) error {
	once := *j // the address is in its lines
	once.Answers.Subject.Address = nil
	plain, err := json.Marshal(once)
	if err != nil {
		return fmt.Errorf("journey: %w", err)
	}
	sealed, err := d.Seals.Seal("journey "+j.ID, d.Now().Add(JourneyLasts), plain)
	if err != nil {
		return fmt.Errorf("journey: %w", err)
	}
	d.makeRoom(w, r, cookie(j.ID, sealed))
	http.SetCookie(w, cookie(j.ID, sealed))
	return nil
}

// cookie lasts as long as the browser is open, or until the seal expires.
func cookie(id, value string) *http.Cookie {
	return &http.Cookie{Name: cookiePrefix + id, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func drop(w http.ResponseWriter, id string) {
	c := cookie(id, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// mostKept is how many bytes of journeys one browser may keep, two of the longest: all cookies come with every request,
// whose headers API Gateway takes up to 10,240 bytes of.
const mostKept = 2 * (keyring.MostSealed + int64(len(cookiePrefix)+16))

// makeRoom drops what a browser keeps of other journeys, so that there is room for this one: what cannot be opened,
// then what was sent, then the oldest.
func (d Door) makeRoom(w http.ResponseWriter, r *http.Request, next *http.Cookie) {
	type kept struct {
		id        string
		size, age int64
	}
	size := func(c *http.Cookie) int64 { return int64(len(c.Name) + len(c.Value) + 3) }
	var all []kept
	total := size(next)
	for _, c := range r.Cookies() {
		id, ours := strings.CutPrefix(c.Name, cookiePrefix)
		if !ours || c.Name == next.Name {
			continue
		}
		k := kept{id, size(c), 1 << 62}
		if j, err := d.unseal(id, c.Value); err == nil {
			if k.age = d.Now().Unix() - j.Began; j.Sent != nil {
				k.age += 1 << 40
			}
		}
		all, total = append(all, k), total+k.size
	}
	slices.SortFunc(all, func(a, b kept) int { return int(min(1, max(-1, b.age-a.age))) })
	for _, k := range all {
		if total <= mostKept {
			break
		}
		drop(w, k.id)
		total -= k.size
	}
}
