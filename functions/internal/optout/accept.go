package optout

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"example.org/optout/functions/internal/nhs"
)

// RulesVersion names the set of rules below; it is stored with every form they accepted.
const RulesVersion = "3"

// Rules is one rule set for every door, and what of it depends on the door.
type Rules struct {
	Today       nhs.Date  // the day on which the answers are judged
	TestNumbers bool      // take NHS numbers that are never issued (900 000 0000 and up)
	Staff       bool      // answers are entered by staff, who may know the date of signing
	Practices   Practices // nil: every code is taken for a practice
}

// Practices is what rules and routes must know of practices in England.
type Practices interface {
	// Known says whether there is, or was, a practice of this code.
	Known(code nhs.ODSCode) bool
	// Destination is the practice that a form for this one goes to: itself while it is open, else whoever took
	// over. ok is false where a person has to decide.
	Destination(code nhs.ODSCode) (to nhs.ODSCode, ok bool)
}

// Facts are answers that were accepted, or what could be read of answers in doubt.
type Facts struct {
	Kind          string // choice, withdrawal or not-me
	About         Reference
	Choice        string
	Title         nhs.Name
	Surname       nhs.Name
	Forenames     nhs.Name
	OneName       bool // it is the surname
	BirthDate     nhs.Date
	NHSNumber     nhs.Number
	Address       []string
	Postcode      nhs.Postcode
	NoAddress     bool
	ProxyName     nhs.Name // zero: the person signs
	ProxyCapacity string
	Practice      nhs.ODSCode // zero: not known, or NotRegistered
	NotRegistered bool
	SignedOn      nhs.Date
	Reply         *Reply // nil: nothing was said about replies
}

// Accept judges answers: they become Facts, or there is at least one Fault.
func (r Rules) Accept(a Answers) (Facts, []Fault) {
	facts, faults := r.Doubtful(a)
	if len(faults) > 0 {
		return Facts{}, faults
	}
	return facts, nil
}

// Doubtful judges answers on paper that is held until its doubts are cleared up: it gives the facts of every field
// that can be read, leaves those of the others zero, and names all faults.
func (r Rules) Doubtful(a Answers) (Facts, []Fault) {
	to := &reading{r, Facts{
		Kind: "choice", OneName: a.Subject.OneName, NotRegistered: a.NotRegistered, NoAddress: a.Subject.NoAddress, SignedOn: r.Today,
	}}
	if a.Reply != nil {
		to.Reply = &Reply{Safe: a.Reply.Safe[:0:0]} // not to have said is one thing, to have said none another
	}
	err := rules.StructCtx(context.WithValue(context.Background(), readingKey{}, to), a)
	wrong, ok := errors.AsType[validator.ValidationErrors](err)
	if err != nil && !ok { // only a value that is no struct gets here
		panic("rules of answers: " + err.Error())
	}
	if len(to.Address) < len(a.Subject.Address) {
		to.Address = nil // part of an address is another address
	}
	var faults []Fault
	for _, w := range wrong {
		faults = append(faults, to.fault(w))
	}
	return to.Facts, faults
}

// reading is rules at work on answers, and the facts so far.
type reading struct {
	Rules
	Facts
}

type readingKey struct{}

// tags are the rules of one field each: it becomes a fact, or the error says why it cannot. One a line, with its source.
var tags = map[string]func(to *reading, s string) error{
	"kind":      func(to *reading, s string) error { return set(&to.Kind)(option(s, kinds)) },                        // this package
	"about":     func(to *reading, s string) error { return set(&to.About)(ParseReference(s)) },                      // this package
	"choice":    func(to *reading, s string) error { return set(&to.Choice)(option(s, choices)) },                    // domain facts, what the form is
	"title":     func(to *reading, s string) error { return set(&to.Title)(nhs.ParseName(s)) },                       // names as people have them
	"surname":   func(to *reading, s string) error { return set(&to.Surname)(nhs.ParseName(s)) },                     // the same
	"forenames": func(to *reading, s string) error { return set(&to.Forenames)(nhs.ParseName(s)) },                   // the same
	"birthdate": func(to *reading, s string) error { return set(&to.BirthDate)(nhs.ParseBirthDate(s, to.Today)) },    // domain facts, dates
	"nhsnumber": func(to *reading, s string) error { return set(&to.NHSNumber)(nhs.ParseNumber(s, to.TestNumbers)) }, // NHS Data Dictionary, "NHS NUMBER"
	"address":   func(to *reading, s string) error { return add(&to.Address)(line(s)) },                              // fits an address label
	"postcode":  func(to *reading, s string) error { return set(&to.Postcode)(nhs.ParsePostcode(s, to.Staff)) },      // BS 7666; ZZ99: NHS Data Dictionary
	"proxy":     func(to *reading, s string) error { return set(&to.ProxyName)(nhs.ParseName(s)) },                   // names as people have them
	"capacity":  func(to *reading, s string) error { return set(&to.ProxyCapacity)(option(s, capacities)) },          // domain facts, who may sign
	"practice":  func(to *reading, s string) error { return set(&to.Practice)(to.known(nhs.ParseODSCode(s))) },       // ODS; the directory, closed ones too
	"staffonly": func(to *reading, s string) error { _, err := said(s, to.Staff, "signed-by-clock"); return err },    // online, our clock dates the form
	"signedon":  func(to *reading, s string) error { return set(&to.SignedOn)(nhs.ParseDate(s)) },                    // ISO 8601, calendar day
	"way":       func(to *reading, s string) error { return add(&to.Reply.Safe)(option(s, ways)) },                   // domain facts, safety
	"email":     func(to *reading, s string) error { return set(&to.Reply.Email)(nhs.ParseEmail(s)) },                // RFC 5321
	"phone":     func(to *reading, s string) error { return set(&to.Reply.Phone)(nhs.ParsePhone(s)) },                // ITU E.164
	"format":    func(to *reading, s string) error { return set(&to.Reply.Format)(line(s)) },                         // Accessible Information Standard
	"language":  func(to *reading, s string) error { return set(&to.Reply.Language)(line(s)) },                       // Accessible Information Standard
}

var (
	kinds      = []string{"choice", "withdrawal", "not-me"}
	choices    = []string{"dissent", "core", "core-and-additional"}
	capacities = []string{"parent", "attorney-health-welfare", "deputy", "best-interests", "local-authority"}
	ways       = []string{"email", "post", "phone"}
)

// rules hands every field of Answers to its tags.
var rules = func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	for tag, read := range tags {
		err := v.RegisterValidationCtx(tag, func(ctx context.Context, f validator.FieldLevel) bool {
			return read(ctx.Value(readingKey{}).(*reading), f.Field().String()) == nil
		})
		if err != nil {
			panic("rule " + tag + ": " + err.Error())
		}
	}
	v.RegisterStructValidationCtx(rulesAcrossFields, Answers{})
	return v
}()

// rulesAcrossFields are the rules that take more than one field, once each has been read.
func rulesAcrossFields(ctx context.Context, l validator.StructLevel) {
	read, a := ctx.Value(readingKey{}).(*reading), l.Top().Interface().(Answers)
	must := func(hold bool, field, code string) {
		if !hold {
			l.ReportError(nil, field, field, code, "")
		}
	}
	choice, takesBack := read.Kind == "choice", read.Kind == "withdrawal" || read.Kind == "not-me"
	must(!choice || a.Choice != "", "choice", "choice-missing")       // silence is never read as an answer
	must(!takesBack || a.Choice == "", "choice", "choice-unexpected") // taking back chooses nothing
	must(!takesBack || a.About != "", "about", "about-missing")       // it is about an earlier form
	must(!choice || a.About == "", "about", "about-unexpected")       // a choice is about no other form
	must(!a.Subject.OneName || a.Subject.Forenames == "", "subject.forenames", "forenames-or-none")
	must(!a.NotRegistered || a.Practice == "", "practice", "practice-or-none")
	must(!a.Subject.NoAddress || len(a.Subject.Address) == 0 && a.Subject.Postcode == "", "subject.address", "address-or-none")
	known := !read.SignedOn.IsZero() && !read.BirthDate.IsZero()
	must(!read.SignedOn.After(read.Today), "signedOn", "signed-in-future")
	must(!known || read.SignedOn.After(read.BirthDate) || a.SignedOn == "", "signedOn", "signed-before-birth") // or one date typed twice
	if capacity := read.ProxyCapacity; known && capacity != "" {
		ofAge, forChild := read.BirthDate.Age(read.SignedOn) >= ofAge, capacity == "parent" || capacity == "local-authority"
		must(!ofAge || !forChild, "proxy.capacity", "person-decides") // from 16 the person, not a parent
		must(ofAge || forChild, "proxy.capacity", "not-for-a-child")  // powers over adults end where childhood begins
	}
	if a.Reply != nil {
		must(!slices.Contains(a.Reply.Safe, "email") || a.Reply.Email != "", "reply.email", "reply-no-address")
		must(!slices.Contains(a.Reply.Safe, "phone") || a.Reply.Phone != "", "reply.phone", "reply-no-number")
	}
}

// ofAge is the age from which a person decides alone, in years. A younger one may, and nobody demands a parent
// (domain facts, who may sign).
const ofAge = 16

// known passes on the code of a practice that there is or was.
func (r Rules) known(code nhs.ODSCode, err error) (nhs.ODSCode, error) {
	if err == nil && r.Practices != nil && !r.Practices.Known(code) {
		return nhs.ODSCode{}, broken("practice")
	}
	return code, err
}

// fault turns a broken rule into what a person reads.
func (to *reading) fault(w validator.FieldError) Fault {
	_, path, _ := strings.Cut(w.Namespace(), ".")
	pointer := "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path)
	if read, ours := tags[w.Tag()]; ours {
		return FaultAt(pointer, read(to, w.Value().(string)))
	}
	codes := map[string]broken{"required": "missing", "required_unless": "missing", "max": "too-many", "unique": "said-twice"}
	if w.Kind() == reflect.String {
		codes["max"] = "too-long"
	}
	return FaultAt(pointer, cmp.Or(codes[w.Tag()], broken(w.Tag())))
}

// said passes on what was said if it is ok.
func said(s string, ok bool, code broken) (string, error) {
	if !ok {
		return "", code
	}
	return s, nil
}

// set keeps what could be read; what could not is zero.
func set[T any](fact *T) func(T, error) error {
	return func(v T, err error) error { *fact = v; return err }
}

// add puts what could be read on a list.
func add(list *[]string) func(string, error) error {
	return func(s string, err error) error {
		if err == nil {
			*list = append(*list, s)
		}
		return err
	}
}

func option(s string, options []string) (string, error) {
	return said(s, slices.Contains(options, s), "not-an-option")
}

func line(s string) (string, error) {
	return said(s, utf8.RuneCountInString(s) <= 100 && nhs.Printable(s), "line")
}

// day is a day of a form's clock.
const day = 24 * time.Hour
