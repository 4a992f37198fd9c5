package patient

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
)

// question is one page of a journey: it asks for one thing, warns of a likely mistake, or is an end without a form.
type question struct {
	name   string
	field  string                                            // its first field that is typed
	option string                                            // its field that is chosen and not typed
	end    bool                                              // nothing to answer: only another way leads on
	asked  func(d Door, j *journey) bool                     // nil: always
	above  func(v view) template.HTML                        // what it shows above its form; nil: nothing
	fields func(v view) template.HTML                        // what it shows in its form, above the button
	typed  func(j *journey) url.Values                       // what was answered, as it was typed
	offers func(d Door, j *journey, typed url.Values) string // what it offers in this journey; adds what fills further blanks
	take   func(d Door, j *journey, f door.Form) []wrong     // writes what was typed into the journey
	fault  func(pointer string, j *journey) string           // field that a fault of the rules is about; "": not of this page
	answer func(d Door, v view, j *journey) (s string)       // what stands on the page with all answers; nil: nothing
}

// questions are all of them, in the order in which they are asked.
var questions = sync.OnceValue(func() []*question {
	return []*question{
		&askChoice, &askWho, &askCapacity, &noCapacity, &askDeclaration, &askName, &askBirthDate, &whoDecides, &sureBirthDate, &sureYoung,
		&askNumber, &whichNumber, &askAddress, &askPractice, &surePractice, &askReply, &askFormat, &whichFormat, &askLanguage, &whichLanguage,
	}
})

func questionNamed(name string) *question {
	for _, q := range questions() {
		if q.name == name {
			return q
		}
	}
	return nil
}

// next is the first page that is not answered yet, and "check" when all are. Whoever changes an answer is taken
// back there, unless the change raises another question.
func (d Door) next(j *journey) string {
	for _, q := range questions() {
		if q.isAsked(d, j) && !j.done(q.name) {
			return q.name
		}
	}
	return "check"
}

func (q *question) isAsked(d Door, j *journey) bool { return q.asked == nil || q.asked(d, j) }

// before is the page that the link back leads to; ok is false where a question before this one is not answered yet.
func (d Door) before(j *journey, q *question) (back string, ok bool) {
	back, ok = shape{language: j.Language}.To("/"), true
	for _, other := range questions() {
		if other == q {
			break
		}
		if other.isAsked(d, j) {
			back, ok = other.name, ok && j.done(other.name)
		}
	}
	if d.next(j) == "check" {
		back = "check"
	}
	return back, ok
}

// shapeOf is that of a page of this journey.
func (d Door) shapeOf(j *journey, page string) shape {
	s := shape{page: page, language: j.Language, who: j.Who, kind: j.Answers.Kind}
	switch {
	case s.kind == "" && j.About != "":
		s.kind = "changed"
	case s.kind == "":
		s.kind = "choice"
	}
	return s
}

// ask is GET /form/{journey}/{page}.
func (d Door) ask(w http.ResponseWriter, r *http.Request) {
	j, ok := d.journeyOf(w, r)
	if !ok {
		return
	}
	page := r.PathValue("page")
	q := questionNamed(page)
	switch next := d.next(j); {
	case page == "sent" && j.Sent != nil:
		d.sent(w, r, j)
	case j.Sent != nil:
		redirect(w, j.at("sent?again=1"))
	case page == "check" && next == "check":
		d.check(w, j, http.StatusOK, "", "")
	case q == nil && page != "check" && page != "sent":
		d.nothingHere(w, r)
	case q == nil || !q.isAsked(d, j):
		redirect(w, j.at(next))
	default:
		if back, reached := d.before(j, q); reached {
			typed := q.typedBy(j)
			typed.Set("q", r.URL.Query().Get("q"))
			d.question(w, http.StatusOK, j, q, back, typed, nil)
		} else {
			redirect(w, j.at(next))
		}
	}
}

// answer is POST /form/{journey}/{page}.
func (d Door) answer(w http.ResponseWriter, r *http.Request) {
	j, ok := d.journeyOf(w, r)
	if !ok {
		return
	}
	page := r.PathValue("page")
	q := questionNamed(page)
	switch {
	case page == "forget":
		drop(w, j.ID)
		redirect(w, shape{language: j.Language}.To("/"))
		return
	case j.Sent != nil:
		redirect(w, j.at("sent?again=1"))
		return
	case page == "check":
		d.send(w, r, j)
		return
	case q == nil:
		d.nothingHere(w, r)
		return
	}
	back, reached := d.before(j, q)
	if !reached || q.end || !q.isAsked(d, j) {
		redirect(w, j.at(d.next(j)))
		return
	}
	f, status, code := door.ReadForm(r)
	if code != "" {
		d.question(w, status, j, q, back, q.typedBy(j), []wrong{{q.first(), code}})
		return
	}
	changed := j.copied()
	faults := q.take(d, changed, f)
	if q.fault != nil {
		_, broken := d.rules().Doubtful(changed.Answers)
		for _, b := range broken {
			field := q.fault(b.Pointer, changed)
			if field != "" && !slices.ContainsFunc(faults, func(w wrong) bool { return w.field == field }) {
				faults = append(faults, wrong{field, b.Code})
			}
		}
	}
	if len(faults) == 0 {
		changed.answered(q.name)
		if err := d.keep(w, r, changed); errors.Is(err, keyring.ErrTooLarge) {
			faults = []wrong{{q.first(), "too-much"}}
		} else if err != nil {
			d.broken(w, r, err)
			return
		}
	}
	if len(faults) > 0 {
		observe.Note(r.Context(), "faults", faults[0].code)
		d.question(w, http.StatusUnprocessableEntity, changed, q, back, url.Values(f), faults)
		return
	}
	redirect(w, j.at(d.next(changed)))
}

// question shows one, with what was typed and what is wrong with it.
func (d Door) question(w http.ResponseWriter, status int, j *journey, q *question, back string, typed url.Values, faults []wrong) {
	s := d.shapeOf(j, q.name)
	s.back = back
	var marks []string
	for _, f := range faults {
		marks = append(marks, f.field+"="+f.code)
	}
	s.wrong = strings.Join(marks, " ")
	if q.offers != nil {
		s.lists = q.offers(d, j, typed)
	}
	s.chosen = strings.Join(typed[q.option], " ")
	d.show(w, status, s, typed.Get)
}

func (q *question) typedBy(j *journey) url.Values {
	if q.typed != nil {
		if t := q.typed(j); t != nil {
			return t
		}
	}
	return url.Values{}
}

// first is the field at which a fault of a whole page is shown.
func (q *question) first() string { return cmp.Or(q.field, q.option, "maincontent") }

func questionBody(v view, q *question) template.HTML {
	page := struct {
		Above, Fields template.HTML
		Action        string // said, so that a fragment of the page's address does not go on to the next page
		Continue      *nhsui.Button
	}{Fields: q.fields(v), Action: q.name}
	if q.above != nil {
		page.Above = q.above(v)
	}
	if !q.end {
		page.Continue = &nhsui.Button{Text: v.Say("page.continue"), PreventDoubleClick: new(true)}
	}
	return execute("question.gohtml", page)
}

// said maps pointers into the answers to the fields of a page.
func said(fields map[string]string) func(string, *journey) string {
	return func(pointer string, _ *journey) string { return fields[pointer] }
}

// journeyOf is the journey of an address; where there is none, a page says what to do.
func (d Door) journeyOf(w http.ResponseWriter, r *http.Request) (*journey, bool) {
	j, err := d.open(r, r.PathValue("journey"))
	if err == nil {
		return j, true
	}
	code := "gone"
	if errors.Is(err, errLate) {
		code = "late"
		drop(w, r.PathValue("journey"))
	}
	d.help(w, r, http.StatusNotFound, code)
	return nil, false
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (d Door) rules() optout.Rules {
	return optout.Rules{Today: d.today(), TestNumbers: d.TestNumbers, Practices: d.Practices}
}

// option is what was chosen of these, or a fault.
func option(f door.Form, field string, options ...string) (string, []wrong) {
	switch o := f.Get(field); {
	case o == "":
		return "", []wrong{{field, "missing"}}
	case !slices.Contains(options, o):
		return "", []wrong{{field, "not-an-option"}}
	default:
		return o, nil
	}
}
