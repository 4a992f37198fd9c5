package office_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
)

// odd is what people paste, keyboards produce and machines send.
var odd = map[string]string{
	"nothing":                            "",
	"spaces":                             "   \t ",
	"nothing that can be seen":           "\u200b\u2060\ufeff",
	"20,000 characters":                  strings.Repeat("Zoe ", 5000),
	"NUL":                                "Zoe\x00",
	"control characters":                 "\x01\x1b[31mZoe\x7f\u0085",
	"lines":                              "Zoe\r\nSet-Cookie: a=b\r\n\r\n<p>",
	"text that is turned round":          "\u202eeoZ\u202c\u2066",
	"emoji":                              "🙂👩‍👩‍👧‍👦",
	"a script":                           `<script>alert(1)</script>`,
	"an attribute":                       `" autofocus onfocus="alert(1)" x="`,
	"an end of everything":               `'"></textarea></title></main></form><odd-element onodd=1><!--`,
	"a template":                         `{{.}}{{template "button" .}}`,
	"a very great number":                strings.Repeat("9", 400),
	"bytes that are no text":             "Zo\xff\xfe\xc3(",
	"an address of elsewhere":            "javascript:alert(1)//https://evil.example/",
	"a path":                             "../../../etc/passwd",
	"a practice that is none":            "Z99999",
	"a pseudo practice":                  "V81999",
	"a percent sign":                     "100%zz%00",
	"what is written in another writing": "Ζωή 王小明 زوئی",
}

// Each field of each page takes what is odd, or says what is wrong with it.
func TestOddValuesInEveryFieldOfEveryPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	pages := map[string][]string{
		"assign": {"q", "practice", "text", "key", "do"}, "number": {"number", "text", "key"}, "answer": {"told-day", "told-month", "told-year", "text", "key"},
		"email": {"email"}, "chase": {"how", "on-day", "on-month", "on-year", "text"}, "phone": {"want", "surname", "forenames", "birth-date-year", "practice", "postcode", "email", "safe", "signer", "key"},
	}
	at := map[string]string{
		"assign": formAt(h.register(nowhere), "assign"), "number": formAt(h.register(nowhere), "number"), "answer": formAt(h.returned(optout.OtherReason), "answer"),
		"email": "/office/practices/A81001/email", "chase": "/office/practices/A81001/chase", "phone": "/office/phone",
	}
	good := map[string][]string{
		"assign": {"q", "densham"}, "number": {"number", "1"}, "answer": {"text", "x"}, "email": {"email", "x"}, "chase": {"how", "post"}, "phone": said(),
	}
	for page, fields := range pages {
		for _, field := range append(fields, "nobody-knows-this-field") {
			for name, value := range odd {
				form := values(good[page]...)
				form.Set(field, value)
				a := b.fill(at[page], form)
				if a.status >= 500 || a.status < 200 {
					t.Errorf("%s in %s of %s is answered with %d", name, field, page, a.status)
				}
				for _, bad := range []string{"<script>alert", "<odd-element", `onfocus="alert`} {
					if strings.Contains(a.body, bad) {
						t.Errorf("%s in %s of %s: what was typed is no text any more", name, field, page)
					}
				}
			}
		}
	}
	for path := range map[string]bool{at["assign"]: true, at["email"]: true, at["phone"]: true} {
		b.send(http.MethodPost, path, values("text", strings.Repeat("x", 40<<10))).says(t, "far too much", 413)
		b.send(http.MethodPost, path, values("text", "x"), "Content-Type", "application/json").says(t, "something else than a form", 415)
	}
}

func TestOthersAreNotLetIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	stranger := &browser{house: h}
	for _, path := range []string{"/office", formAt(ref, ""), "/office/practices/A81001", "/office/phone"} {
		if a := stranger.get(path); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), h.issuer.URL) {
			t.Errorf("%s, nobody signed in: %d", path, a.status)
		}
	}
	stranger.fill(formAt(ref, "assign"), values("practice", "A81001")).says(t, "nobody signed in", 401, "You are not signed in", "Sign in")
	for _, groups := range [][]string{{"ods-A81001"}, {"mailroom", "supervisor"}, {"clinician", "ods-A81001"}, nil} {
		b := h.signIn("u-7", groups...)
		b.get("/office").says(t, strings.Join(groups, " "), 403, "This is not for you")
		b.get(formAt(ref, "")).says(t, strings.Join(groups, " "), 403, "This is not for you")
		b.fill(formAt(ref, "assign"), values("practice", "A81001")).says(t, strings.Join(groups, " "), 403, "This is not for you")
	}
	if s := h.state(ref); s.Status != optout.StatusRegistered {
		t.Errorf("%+v", s)
	}
	b := h.clerk()
	b.send(http.MethodPost, formAt(ref, "assign"), values("practice", "A81001"), "Sec-Fetch-Site", "cross-site").says(t, "another site", 403, "Sent from another site")
	h.Move(16 * time.Minute)
	b.fill(formAt(ref, "assign"), values("practice", "A81001")).says(t, "after a while away", 401, "Nothing was changed.")
	b = h.clerk()
	b.fill("/office/sign-out", nil)
	b.fill(formAt(ref, "assign"), values("practice", "A81001")).says(t, "after signing out", 401)
	b.get("/office/signed-out").says(t, "signed out", 200, "You have signed out")
}

func TestOtherAddressesAndMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.clerk()
	b.get("/office/nothing").says(t, "an address", 404, "There is nothing here")
	b.fill("/office", values()).says(t, "a method", 405)
	b.get("/office//forms").says(t, "an odd path", 404)
	if a := b.get("/office"); !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.header)
	}
}

func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref, other := h.register(nowhere), h.returned(optout.OtherReason)
	b := h.clerk()
	for _, path := range []string{"/office", formAt(ref, ""), formAt(ref, "assign"), "/office?find=Quillfeather", "/office/practices?q=TS18", "/office/practices/A81001"} {
		b.get(path)
	}
	b.fill(formAt(ref, "assign"), values("q", "TS18 1HU", "text", "Quillfeather"))
	b.fill(formAt(ref, "number"), values("number", "900 000 0008", "text", "Quillfeather"))
	b.fill(formAt(ref, "confirm"), values("sure", "yes", "text", "Quillfeather"))
	b.fill(formAt(other, "answer"), values("told-day", "22", "told-month", "11", "told-year", "2026", "text", "Quillfeather"))
	b.fill("/office/practices/A81001/email", values("email", "Quillfeather"))
	back := b.fill("/office/phone", values(said()...))
	b.fill("/office/phone/confirm", values("sealed", sealed.FindStringSubmatch(back.body)[1], "do", "send"))
	b.fill("/office/phone/confirm", values("sealed", "Quillfeather"))
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.log.String()
	if strings.Count(lines, "\n") < 12 {
		t.Errorf("only these lines were written: %s", lines)
	}
	for _, secret := range []string{"uillfeather", "O'Neill", "Nina", "900 000", "9000000009", "TS18", "Lawson", "1957-03", "31 March", "01642 00"} {
		if strings.Contains(lines, secret) {
			t.Errorf("%q is in the log: %s", secret, lines)
		}
	}
}
