package optout

import (
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
const RulesVersion = "1"

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

// Facts are answers that were accepted.
type Facts struct {
	Kind          string // choice, withdrawal or not-me
	About         Reference
	Choice        string
	Title         nhs.Name
	Surname       nhs.Name
	Forenames     nhs.Name
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
	err := rules.StructCtx(context.WithValue(context.Background(), rulesKey{}, r), a)
	var wrong validator.ValidationErrors
	switch {
	case errors.As(err, &wrong):
		faults := make([]Fault, len(wrong))
		for i, w := range wrong {
			faults[i] = r.fault(w)
		}
		return Facts{}, faults
	case err != nil: // only a value that is no struct gets here
		panic("rules of answers: " + err.Error())
	}
	return r.facts(a), nil
}

type rulesKey struct{}

// rules holds the tags of Answers. One rule a line, with its source.
var rules = func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	rule := func(tag string, holds func(Rules, string) bool) {
		err := v.RegisterValidationCtx(tag, func(ctx context.Context, f validator.FieldLevel) bool {
			return holds(ctx.Value(rulesKey{}).(Rules), f.Field().String())
		})
		if err != nil {
			panic("rule " + tag + ": " + err.Error())
		}
	}
	rule("nhsnumber", func(r Rules, s string) bool { return value(nhs.ParseNumber(s, r.TestNumbers)) })        // NHS Data Dictionary, "NHS NUMBER"
	rule("birthdate", func(r Rules, s string) bool { return value(nhs.ParseBirthDate(s, r.Today)) })           // domain facts, dates
	rule("date", func(_ Rules, s string) bool { return value(nhs.ParseDate(s)) })                              // ISO 8601, calendar day
	rule("odscode", func(_ Rules, s string) bool { return value(nhs.ParseODSCode(s)) })                        // ODS, prescribing practice code
	rule("practice", func(r Rules, s string) bool { return r.knows(s) })                                       // the directory; closed ones are known
	rule("postcode", func(r Rules, s string) bool { return value(nhs.ParsePostcode(s, r.Staff)) })             // BS 7666; ZZ99: NHS Data Dictionary
	rule("name", func(_ Rules, s string) bool { return value(nhs.ParseName(s)) })                              // names as people have them
	rule("reference", func(_ Rules, s string) bool { return value(ParseReference(s)) })                        // this package
	rule("line", func(_ Rules, s string) bool { return nhs.Printable(s) && utf8.RuneCountInString(s) <= 100 }) // fits an address label
	rule("phone", func(_ Rules, s string) bool { return phone(s) })                                            // ITU E.164: at most 15 digits
	rule("staffonly", func(r Rules, _ string) bool { return r.Staff })                                         // online, our clock dates the form
	v.RegisterStructValidationCtx(rulesAcrossFields, Answers{}, Subject{}, Reply{})
	return v
}()

// rulesAcrossFields are the rules that take more than one field.
func rulesAcrossFields(ctx context.Context, l validator.StructLevel) {
	r := ctx.Value(rulesKey{}).(Rules)
	unless := func(ok bool, field any, name, code string) {
		if !ok {
			l.ReportError(field, name, name, code, "")
		}
	}
	switch a := l.Current().Interface().(type) {
	case Answers:
		choice, takesBack := a.Kind == "" || a.Kind == "choice", a.Kind == "withdrawal" || a.Kind == "not-me"
		unless(!choice || a.Choice != "", a.Choice, "choice", "choice-missing")       // silence is never read as an answer
		unless(!takesBack || a.Choice == "", a.Choice, "choice", "choice-unexpected") // taking back chooses nothing
		unless(!takesBack || a.About != "", a.About, "about", "about-missing")        // it is about an earlier form
		unless(!choice || a.About == "", a.About, "about", "about-unexpected")        // a choice is about no other form
		unless(!a.NotRegistered || a.Practice == "", a.Practice, "practice", "practice-or-none")
		signed, born, known := r.days(a)
		unless(!known || !signed.After(r.Today), a.SignedOn, "signedOn", "signed-in-future")
		unless(a.SignedOn == "" || !known || !born.After(signed), a.SignedOn, "signedOn", "signed-before-birth")
		if capacity := a.capacity(); known && capacity != "" {
			ofAge, forChild := born.Age(signed) >= ofAge, capacity == "parent" || capacity == "local-authority"
			unless(!ofAge || !forChild, capacity, "proxy.capacity", "person-decides") // from 16 the person, not a parent
			unless(ofAge || forChild, capacity, "proxy.capacity", "not-for-a-child")  // powers over adults end where childhood begins
		}
	case Subject:
		unless(!a.NoAddress || len(a.Address) == 0 && a.Postcode == "", a.Address, "address", "address-or-none")
	case Reply:
		unless(!slices.Contains(a.Safe, "email") || a.Email != "", a.Email, "email", "reply-no-address")
		unless(!slices.Contains(a.Safe, "phone") || a.Phone != "", a.Phone, "phone", "reply-no-number")
	}
}

// knows says whether a practice code is of a practice that there is or was.
func (r Rules) knows(code string) bool {
	c, err := nhs.ParseODSCode(code)
	return err != nil || r.Practices == nil || r.Practices.Known(c)
}

// ofAge is the age from which a person decides alone, in years. A younger one may, and nobody demands a parent
// (domain facts, who may sign).
const ofAge = 16

// capacity is that of the proxy, if one signs in a capacity that there is.
func (a Answers) capacity() string {
	if a.Proxy == nil || !slices.Contains([]string{"parent", "attorney-health-welfare", "deputy", "best-interests", "local-authority"}, a.Proxy.Capacity) {
		return ""
	}
	return a.Proxy.Capacity
}

// days are when the form was signed and when the person was born; known is false while either cannot be read.
func (r Rules) days(a Answers) (signed, born nhs.Date, known bool) {
	signed = r.Today
	var errSigned, errBorn error
	if a.SignedOn != "" {
		signed, errSigned = nhs.ParseDate(a.SignedOn)
	}
	born, errBorn = nhs.ParseDate(a.Subject.BirthDate)
	return signed, born, errSigned == nil && errBorn == nil
}

// fault turns a broken rule into what a person reads.
func (r Rules) fault(w validator.FieldError) Fault {
	_, path, _ := strings.Cut(w.Namespace(), ".")
	f := Fault{Pointer: "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(path), Code: w.Tag()}
	if e := r.own(w); e != nil {
		f.Code, f.Detail = e.Code, e.Detail
		return f
	}
	switch w.Tag() {
	case "required":
		f.Code = "missing"
	case "oneof":
		f.Code = "not-an-option"
	case "max":
		f.Code = "too-many"
		if w.Kind() == reflect.String {
			f.Code = "too-long"
		}
	case "unique":
		f.Code = "said-twice"
	case "staffonly":
		f.Code = "signed-by-clock"
	}
	f.Detail = sentences[f.Code]
	return f
}

// own is the fault that a value's parser names itself, nil for the other rules.
func (r Rules) own(w validator.FieldError) *nhs.Error {
	s, _ := w.Value().(string)
	var err error
	switch w.Tag() {
	case "nhsnumber":
		_, err = nhs.ParseNumber(s, r.TestNumbers)
	case "birthdate":
		_, err = nhs.ParseBirthDate(s, r.Today)
	case "date":
		_, err = nhs.ParseDate(s)
	case "odscode":
		_, err = nhs.ParseODSCode(s)
	case "postcode":
		_, err = nhs.ParsePostcode(s, r.Staff)
	case "name":
		_, err = nhs.ParseName(s)
	}
	var e *nhs.Error
	errors.As(err, &e)
	return e
}

// facts makes values of answers in which no rule found a fault.
func (r Rules) facts(a Answers) Facts {
	f := Facts{
		Kind: "choice", Choice: a.Choice, NotRegistered: a.NotRegistered, NoAddress: a.Subject.NoAddress,
		Address: a.Subject.Address, Reply: a.Reply,
		Surname: sure(nhs.ParseName(a.Subject.Surname)), Forenames: sure(nhs.ParseName(a.Subject.Forenames)),
		BirthDate: sure(nhs.ParseBirthDate(a.Subject.BirthDate, r.Today)),
	}
	if a.Kind != "" {
		f.Kind = a.Kind
	}
	if a.About != "" {
		f.About = sure(ParseReference(a.About))
	}
	if a.Subject.Title != "" {
		f.Title = sure(nhs.ParseName(a.Subject.Title))
	}
	if a.Subject.NHSNumber != "" {
		f.NHSNumber = sure(nhs.ParseNumber(a.Subject.NHSNumber, r.TestNumbers))
	}
	if a.Subject.Postcode != "" {
		f.Postcode = sure(nhs.ParsePostcode(a.Subject.Postcode, r.Staff))
	}
	if a.Practice != "" {
		f.Practice = sure(nhs.ParseODSCode(a.Practice))
	}
	if a.Proxy != nil {
		f.ProxyName, f.ProxyCapacity = sure(nhs.ParseName(a.Proxy.Name)), a.Proxy.Capacity
	}
	if a.SignedOn != "" {
		f.SignedOn = sure(nhs.ParseDate(a.SignedOn))
	} else {
		f.SignedOn = r.Today
	}
	return f
}

func value[T any](_ T, err error) bool { return err == nil }

func sure[T any](v T, err error) T {
	if err != nil {
		panic("accepted answers do not parse: " + err.Error())
	}
	return v
}

func phone(s string) bool {
	digits := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0, r == ' ', r == '-', r == '(', r == ')':
		default:
			return false
		}
	}
	return digits >= 7 && digits <= 15
}

// day is a day of a form's clock.
const day = 24 * time.Hour
