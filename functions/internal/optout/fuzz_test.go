package optout_test

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/optout/functions/internal/optout"
)

func FuzzReference(f *testing.F) {
	for _, s := range []string{"0000-0000-0000-0000-0", "7F3K-9QWM-2B5T-RX4H-C", "7f3k 9qwm 2b5t rx4h c", "oooo-oooo-oooo-oooo-o", "", "U", "\u202e", "ſ000-0000-0000-0000-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := optout.ParseReference(s)
		if err != nil {
			if !r.IsZero() {
				t.Errorf("%q is an error and a reference", s)
			}
			return
		}
		if again, err := optout.ParseReference(r.String()); err != nil || again != r || len(r.Key()) != 17 {
			t.Errorf("%q is written down as %q and then %v", s, r, err)
		}
	})
}

// Whatever is said, facts and faults agree: what is a fault is no fact, and what has no fault is accepted.
func FuzzDoubtful(f *testing.F) {
	f.Add("O'Neill", "Ada", false, "1957-03-31", "900 000 0009", "TS18 1HU", "A81001", "ada@quillfeather.example", "01642 672351")
	f.Add("🙂", "", false, "1957-02-30", "QQ123456C", "ZZ99 3VZ", "V81999", "Ada <ada@x.example>", "call me")
	f.Add("Bronte\u0308", "", true, "١٩٥٧-٠٣-٣١", "999 123 4567", "bfpo 61", "ſ81001", "李@例子.example", "+44 (0)1642")
	f.Add("\u202e", "👑", true, "", "", "", "", "a@b.c\r\nBcc: x", "\xff")
	f.Fuzz(func(t *testing.T, surname, forenames string, oneName bool, birth, number, postcode, practice, email, phone string) {
		a := whole()
		a.Proxy = nil
		a.Subject.Surname, a.Subject.BirthDate, a.Subject.NHSNumber, a.Subject.Postcode = surname, birth, number, postcode
		a.Subject.Forenames, a.Subject.OneName = forenames, oneName
		a.Practice, a.Reply.Email, a.Reply.Phone = practice, email, phone
		facts, faults := wholeRules.Doubtful(a)
		faulty := map[string]bool{}
		for _, fault := range faults {
			if fault.Code == "" || fault.Detail == "" {
				t.Errorf("%+v says nothing", fault)
			}
			faulty[fault.Pointer] = true
		}
		for pointer, c := range map[string]struct {
			said string
			none bool
		}{
			"/subject/surname":   {surname, facts.Surname.IsZero()},
			"/subject/birthDate": {birth, facts.BirthDate.IsZero()},
			"/subject/nhsNumber": {number, facts.NHSNumber.IsZero()},
			"/subject/postcode":  {postcode, facts.Postcode.IsZero()},
			"/practice":          {practice, facts.Practice.IsZero()},
			"/reply/email":       {email, facts.Reply.Email == ""},
			"/reply/phone":       {phone, facts.Reply.Phone == ""},
		} {
			if said := c.said != ""; said && faulty[pointer] != c.none || !said && !c.none {
				t.Errorf("%s: %q is a fault (%v) and no fact (%v)", pointer, c.said, faulty[pointer], c.none)
			}
		}
		given, read := forenames != "", !facts.Forenames.IsZero()
		if facts.OneName != oneName || faulty["/subject/forenames"] != (given == oneName || given != read) {
			t.Errorf("forenames %q, one name %v: %+v", forenames, oneName, faults)
		}
		accepted, again := wholeRules.Accept(a)
		if d := cmp.Diff(again, faults); d != "" {
			t.Errorf("accepting finds other faults: %s", d)
		}
		if same := cmp.Equal(accepted, facts, values); same != (len(faults) == 0) {
			t.Errorf("%d faults, and the facts agree: %v", len(faults), same)
		}
		if to := facts.Reply.Email; to != "" {
			if parsed, err := mail.ParseAddress(to); err != nil || parsed.Address != to || parsed.Name != "" || strings.ContainsAny(to, "\r\n ") {
				t.Errorf("%q is no address: %v", to, err)
			}
		}
	})
}
