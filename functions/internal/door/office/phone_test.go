package office_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func said() []string {
	return []string{
		"key", "k-1", "want", "dissent", "forenames", "Ada Quillfeather", "surname", "O'Neill", "birth-date-day", "31", "birth-date-month", "3", "birth-date-year", "1957",
		"nhs-number", "900 000 0009", "line-1", "1 Lawson Street", "postcode", "TS18 1HU", "practice", "a81001", "signer", "self", "safe", "phone", "phone", "01642 000000",
	}
}

var sealed = regexp.MustCompile(`name="sealed" value="([^"]+)"`)

func TestATelephoneRequestIsReadBackAndRegisteredOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	b.get("/office/phone").says(t, "the page", 200, "Register a request by telephone", "Code of the person's practice")
	back := b.fill("/office/phone", values(said()...))
	back.says(t, "the read-back", 200, "Read this back to the person", "Ada Quillfeather O'Neill", "31 March 1957", "The Densham Surgery (A81001)", "They will still be treated.", "A record that already exists is hidden, not erased.")
	m := sealed.FindStringSubmatch(back.body)
	if m == nil {
		t.Fatal("nothing is kept")
	}
	var all sync.WaitGroup
	answers := make([]answer, 8)
	for n := range answers { // a double click, and more
		all.Go(func() {
			mine := &browser{house: h, cookies: b.cookies}
			answers[n] = mine.fill("/office/phone/confirm", values("sealed", m[1], "do", "send"))
		})
	}
	all.Wait()
	for _, a := range answers {
		a.leads(t, "a double click", answers[0].header.Get("Location"))
	}
	done := b.get(answers[0].header.Get("Location"))
	done.says(t, "afterwards", 200, "It is registered")
	text := regexp.MustCompile(`id="reference" dir="ltr">([^<]+)<`).FindStringSubmatch(done.body)
	ref, err := optout.ParseReference(text[1])
	if err != nil {
		t.Fatal(err)
	}
	f, err := h.Form(t.Context(), ref)
	if err != nil || f.Channel != optout.Phone || f.Facts.Practice != densham || f.Facts.NHSNumber.Digits() != "9000000009" {
		t.Errorf("it is registered as %s for %s, %v", f.Channel, f.Facts.Practice, err)
	}
	other := h.signIn("u-6", "office")
	other.fill("/office/phone/confirm", values("sealed", m[1], "do", "send")).says(t, "somebody else", 400, "Nothing was registered.")
	changed := b.fill("/office/phone/confirm", values("sealed", m[1], "do", "change"))
	changed.says(t, "to change something", 200, "Register a request by telephone")
	if !strings.Contains(changed.body, `value="1 Lawson Street"`) {
		t.Error("what was typed is lost")
	}
}

func TestACallerMayKnowNoPracticeOrHaveNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	for name, change := range map[string]func(form map[string][]string){
		"no-practice":    func(f map[string][]string) { delete(f, "practice") },
		"not-registered": func(f map[string][]string) { delete(f, "practice"); f["not-registered"] = []string{"yes"} },
	} {
		form := values(said()...)
		form.Set("key", name)
		form.Set("nhs-number", optouttest.Number())
		change(form)
		m := sealed.FindStringSubmatch(b.fill("/office/phone", form).body)
		if m == nil {
			t.Fatalf("%s is not read back", name)
		}
		a := b.fill("/office/phone/confirm", values("sealed", m[1], "do", "send"))
		h.advance()
		ref, err := optout.ParseReference(strings.TrimPrefix(a.header.Get("Location"), "/office/phone/registered?reference="))
		if err != nil {
			t.Fatal(name, a.status, err)
		}
		if s := h.state(ref); s.Owner != optout.OwnerOffice || s.Fault != name {
			t.Errorf("%s: %+v", name, s)
		}
	}
	wrong := values(said()...)
	wrong.Set("practice", "Z99999")
	wrong.Set("birth-date-month", "13")
	a := b.fill("/office/phone", wrong)
	a.says(t, "what cannot be", 422, "There is a problem", "There is no such day.")
	if !strings.Contains(a.body, `value="Z99999"`) || !strings.Contains(a.body, `value="1 Lawson Street"`) {
		t.Error("what was typed is lost")
	}
}
