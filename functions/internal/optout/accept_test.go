package optout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

func TestSampleAnswersAreAccepted(t *testing.T) {
	t.Parallel()
	f, faults := optouttest.Rules.Accept(optouttest.Dissent())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if f.Kind != "choice" || f.Choice != "dissent" || f.NHSNumber.Digits() != "9000000009" || f.Surname.Text() != "O'Neill" ||
		f.Practice.String() != "A81001" || f.Postcode.Text() != "TS18 1HU" || f.SignedOn != optouttest.Rules.Today || !f.ProxyName.IsZero() {
		t.Errorf("accepted as %#v", f)
	}
}

// Each case changes the sample answers in one way and names the one fault that follows; "" means none.
func TestOneRuleAtATime(t *testing.T) {
	t.Parallel()
	type change = func(*optout.Answers)
	for name, c := range map[string]struct {
		change change
		want   string // pointer and code
	}{
		"no choice":                       {func(a *optout.Answers) { a.Choice = "" }, "/choice choice-missing"},
		"an unknown choice":               {func(a *optout.Answers) { a.Choice = "yes" }, "/choice not-an-option"},
		"core":                            {func(a *optout.Answers) { a.Choice = "core" }, ""},
		"core and additional":             {func(a *optout.Answers) { a.Choice = "core-and-additional" }, ""},
		"an unknown kind":                 {func(a *optout.Answers) { a.Kind = "delete" }, "/kind not-an-option"},
		"a choice about another form":     {func(a *optout.Answers) { a.About = reference }, "/about about-unexpected"},
		"a withdrawal":                    {func(a *optout.Answers) { a.Kind, a.Choice, a.About = "withdrawal", "", reference }, ""},
		"a withdrawal with a choice":      {func(a *optout.Answers) { a.Kind, a.About = "withdrawal", reference }, "/choice choice-unexpected"},
		"a withdrawal of nothing":         {func(a *optout.Answers) { a.Kind, a.Choice = "withdrawal", "" }, "/about about-missing"},
		"not me, mistyped reference":      {func(a *optout.Answers) { a.Kind, a.Choice, a.About = "not-me", "", "7F3K" }, "/about reference"},
		"no surname":                      {func(a *optout.Answers) { a.Subject.Surname = "" }, "/subject/surname missing"},
		"a surname of spaces":             {func(a *optout.Answers) { a.Subject.Surname = "  " }, "/subject/surname name-missing"},
		"a surname with NUL":              {func(a *optout.Answers) { a.Subject.Surname = "A\x00" }, "/subject/surname name-unusable-character"},
		"no forenames":                    {func(a *optout.Answers) { a.Subject.Forenames = "" }, "/subject/forenames missing"},
		"one name":                        {oneName(""), ""},
		"one name and forenames":          {oneName("Ada"), "/subject/forenames forenames-or-none"},
		"one name and blank forenames":    {oneName(" "), "/subject/forenames name-missing; /subject/forenames forenames-or-none"},
		"one name that is none":           {func(a *optout.Answers) { oneName("")(a); a.Subject.Surname = "" }, "/subject/surname missing"},
		"no birth date":                   {func(a *optout.Answers) { a.Subject.BirthDate = "" }, "/subject/birthDate missing"},
		"born tomorrow":                   {func(a *optout.Answers) { a.Subject.BirthDate = "2026-11-23" }, "/subject/birthDate date-in-future"},
		"born 131 years ago":              {func(a *optout.Answers) { a.Subject.BirthDate = "1895-11-22" }, "/subject/birthDate date-too-long-ago"},
		"a number with a wrong digit":     {func(a *optout.Answers) { a.Subject.NHSNumber = "9000000008" }, "/subject/nhsNumber nhs-number-check-digit"},
		"no number":                       {func(a *optout.Answers) { a.Subject.NHSNumber = "" }, ""},
		"a practice code of five":         {func(a *optout.Answers) { a.Practice = "A8100" }, "/practice practice-code-shape"},
		"no practice":                     {func(a *optout.Answers) { a.Practice = "" }, ""},
		"not registered":                  {func(a *optout.Answers) { a.Practice, a.NotRegistered = "", true }, ""},
		"a practice and not registered":   {func(a *optout.Answers) { a.NotRegistered = true }, "/practice practice-or-none"},
		"an address and none":             {func(a *optout.Answers) { a.Subject.NoAddress = true }, "/subject/address address-or-none"},
		"no address":                      {func(a *optout.Answers) { a.Subject.NoAddress, a.Subject.Address, a.Subject.Postcode = true, nil, "" }, ""},
		"a line of address too long":      {func(a *optout.Answers) { a.Subject.Address = []string{"a", strings.Repeat("x", 101)} }, "/subject/address/1 line"},
		"seven lines of address":          {func(a *optout.Answers) { a.Subject.Address = make([]string, 7) }, "/subject/address too-many"},
		"half a postcode":                 {func(a *optout.Answers) { a.Subject.Postcode = "TS18" }, "/subject/postcode postcode-shape"},
		"a newborn of today":              {proxy("2026-11-22", "parent"), ""},
		"an attorney for property":        {proxy("1957-03-31", "attorney-property-finance"), "/proxy/capacity not-an-option"},
		"a forces' number for a postcode": {func(a *optout.Answers) { a.Subject.Postcode = "BFPO 61" }, ""},
		"a code for no fixed abode":       {func(a *optout.Answers) { a.Subject.Postcode = "ZZ99 3VZ" }, "/subject/postcode postcode-not-a-place"},
		"a pseudo practice":               {func(a *optout.Answers) { a.Practice = "V81999" }, "/practice practice-code-not-a-practice"},
		"a Welsh practice":                {func(a *optout.Answers) { a.Practice = "W91001" }, "/practice practice-code-wales"},
		"a proxy without a name":          {func(a *optout.Answers) { a.Proxy = &optout.Proxy{Capacity: "deputy"} }, "/proxy/name missing"},
		"a proxy without a capacity":      {func(a *optout.Answers) { a.Proxy = &optout.Proxy{Name: "Maria"} }, "/proxy/capacity missing"},
		"a friend signs":                  {func(a *optout.Answers) { a.Proxy = &optout.Proxy{Name: "Maria", Capacity: "friend"} }, "/proxy/capacity not-an-option"},
		"a date of signing, online":       {func(a *optout.Answers) { a.SignedOn = "2026-11-20" }, "/signedOn signed-by-clock"},
		"do not contact me":               {func(a *optout.Answers) { a.Reply = &optout.Reply{Safe: []string{}} }, ""},
		"a reply without safe ways":       {func(a *optout.Answers) { a.Reply = &optout.Reply{} }, "/reply/safe missing"},
		"an unknown way to reply":         {func(a *optout.Answers) { a.Reply = &optout.Reply{Safe: []string{"fax"}} }, "/reply/safe/0 not-an-option"},
		"a way to reply twice":            {func(a *optout.Answers) { a.Reply = &optout.Reply{Safe: []string{"post", "post"}} }, "/reply/safe said-twice"},
		"reply by e-mail without address": {func(a *optout.Answers) { a.Reply = &optout.Reply{Safe: []string{"email"}} }, "/reply/email reply-no-address"},
		"reply by phone without number":   {func(a *optout.Answers) { a.Reply = &optout.Reply{Safe: []string{"phone"}} }, "/reply/phone reply-no-number"},
		"an address that is none":         {func(a *optout.Answers) { a.Reply.Email = "ada at home" }, "/reply/email email"},
		"a number that is none":           {func(a *optout.Answers) { a.Reply.Phone = "call me" }, "/reply/phone phone"},
		"a number of fifty":               {func(a *optout.Answers) { a.Reply.Phone = strings.Repeat("1 ", 25) }, "/reply/phone too-long"},
		"an address of lines of nothing":  {func(a *optout.Answers) { a.Subject.Address = []string{"", ""} }, "/subject/address/0 missing; /subject/address/1 missing"},
		"an e-mail address of 300": {func(a *optout.Answers) {
			a.Reply.Email = strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "example"
		}, "/reply/email too-long"},
		"a number from abroad": {func(a *optout.Answers) { a.Reply.Phone = "+44 1642 672351" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := optouttest.Dissent()
			c.change(&a)
			_, faults := optouttest.Rules.Accept(a)
			for _, f := range faults {
				if f.Detail == "" {
					t.Errorf("%s has no sentence for a person", f.Code)
				}
			}
			if got := listed(faults); got != c.want {
				t.Errorf("faults %q, want %q", got, c.want)
			}
		})
	}
}

// proxy lets somebody sign for a person who was born on this day.
func proxy(born, capacity string) func(*optout.Answers) {
	return func(a *optout.Answers) {
		a.Subject.BirthDate, a.Proxy = born, &optout.Proxy{Name: "Maria", Capacity: capacity}
	}
}

// oneName says that the person has one name, and which forenames all the same.
func oneName(forenames string) func(*optout.Answers) {
	return func(a *optout.Answers) { a.Subject.OneName, a.Subject.Forenames = true, forenames }
}

const reference = "0000-0000-0000-0000-0"

// Who signs in which capacity for whom, as the domain facts have it; "" for a capacity is the person.
func TestWhoMaySign(t *testing.T) {
	t.Parallel()
	const eve, birthday, adult = "2010-11-23", "2010-11-22", "1957-03-31" // 16 tomorrow, 16 today, long of age
	decides, child := "/proxy/capacity person-decides", "/proxy/capacity not-for-a-child"
	for capacity, wants := range map[string]map[string]string{
		"":                        {eve: "", birthday: "", adult: ""},
		"parent":                  {eve: "", birthday: decides, adult: decides},
		"local-authority":         {eve: "", birthday: decides, adult: decides},
		"attorney-health-welfare": {eve: child, birthday: "", adult: ""},
		"deputy":                  {eve: child, birthday: "", adult: ""},
		"best-interests":          {eve: child, birthday: "", adult: ""},
	} {
		for born, want := range wants {
			a := optouttest.Dissent()
			a.Subject.BirthDate = born
			if capacity != "" {
				proxy(born, capacity)(&a)
			}
			facts, faults := optouttest.Rules.Accept(a)
			if got := listed(faults); got != want || want == "" && facts.ProxyCapacity != capacity {
				t.Errorf("%q for a person born on %s: %q, want %q", capacity, born, got, want)
			}
		}
	}
}

// listed are faults as pointers and codes.
func listed(faults []optout.Fault) string {
	all := make([]string, len(faults))
	for i, f := range faults {
		all[i] = f.Pointer + " " + f.Code
	}
	return strings.Join(all, "; ")
}

// values are what facts are made of.
var values = cmp.AllowUnexported(optout.Reference{}, nhs.Name{}, nhs.Date{}, nhs.Number{}, nhs.Postcode{}, nhs.ODSCode{})

func TestDoubtfulAnswersKeepWhatCanBeRead(t *testing.T) {
	t.Parallel()
	sample := optouttest.Accepted(optouttest.Dissent())
	reply := func(r optout.Reply) func(*optout.Facts) { return func(f *optout.Facts) { f.Reply = &r } }
	for name, c := range map[string]struct {
		change func(*optout.Answers)
		faults string
		facts  func(*optout.Facts) // what differs from the sample
	}{
		"nothing is in doubt": {func(*optout.Answers) {}, "", func(*optout.Facts) {}},
		"a faulty surname leaves the rest": {
			func(a *optout.Answers) { a.Subject.Surname = "🙂" }, "/subject/surname name-has-no-letter",
			func(f *optout.Facts) { f.Surname = nhs.Name{} },
		},
		"an unreadable birth date leaves the rest": {
			func(a *optout.Answers) { a.Subject.BirthDate = "1957-02-30" }, "/subject/birthDate date-shape",
			func(f *optout.Facts) { f.BirthDate = nhs.Date{} },
		},
		"one name leaves no forenames": {
			oneName(""), "",
			func(f *optout.Facts) { f.OneName, f.Forenames = true, nhs.Name{} },
		},
		"one name and forenames are kept, both of them": {
			oneName("Ada"), "/subject/forenames forenames-or-none",
			func(f *optout.Facts) { f.OneName, f.Forenames = true, nhs.StoredName("Ada") },
		},
		"nobody is judged by a birth date that cannot be": {
			proxy("2026-11-23", "attorney-health-welfare"), "/subject/birthDate date-in-future",
			func(f *optout.Facts) {
				f.BirthDate, f.ProxyName, f.ProxyCapacity = nhs.Date{}, nhs.StoredName("Maria"), "attorney-health-welfare"
			},
		},
		"the form goes on without a wrong number": {
			func(a *optout.Answers) { a.Subject.NHSNumber = "900 000 0008" }, "/subject/nhsNumber nhs-number-check-digit",
			func(f *optout.Facts) { f.NHSNumber = nhs.Number{} },
		},
		"no choice, or two, is none": {
			func(a *optout.Answers) { a.Choice = "dissent core" }, "/choice not-an-option",
			func(f *optout.Facts) { f.Choice = "" },
		},
		"an unknown kind is none": {
			func(a *optout.Answers) { a.Kind = "delete" }, "/kind not-an-option",
			func(f *optout.Facts) { f.Kind = "" },
		},
		"part of an address is none": {
			func(a *optout.Answers) { a.Subject.Address = []string{"1 Lawson\x00Street", "Stockton-on-Tees"} }, "/subject/address/0 line",
			func(f *optout.Facts) { f.Address = nil },
		},
		"a practice that there never was is none": {
			func(a *optout.Answers) { a.Practice = "A81004" }, "/practice practice",
			func(f *optout.Facts) { f.Practice = nhs.ODSCode{} },
		},
		"an unknown capacity leaves the proxy's name": {
			proxy("1957-03-31", "friend"), "/proxy/capacity not-an-option",
			func(f *optout.Facts) { f.ProxyName = nhs.StoredName("Maria") },
		},
		"fields that do not go together are kept, all of them": {
			func(a *optout.Answers) { a.Kind, a.NotRegistered = "withdrawal", true },
			"/choice choice-unexpected; /about about-missing; /practice practice-or-none",
			func(f *optout.Facts) { f.Kind, f.NotRegistered = "withdrawal", true },
		},
		"whoever signs for the wrong person is kept too": {
			proxy("1957-03-31", "parent"), "/proxy/capacity person-decides",
			func(f *optout.Facts) { f.ProxyName, f.ProxyCapacity = nhs.StoredName("Maria"), "parent" },
		},
		"which ways are safe is kept without the address": {
			func(a *optout.Answers) { a.Reply.Email = "ada at home" }, "/reply/email email",
			reply(optout.Reply{Safe: []string{"email", "post"}, Format: "large print"}),
		},
		"a way that there is not is not safe": {
			func(a *optout.Answers) { a.Reply.Safe[0] = "fax" }, "/reply/safe/0 not-an-option",
			reply(optout.Reply{Safe: []string{"post"}, Email: "ada@quillfeather.example", Format: "large print"}),
		},
		"do not contact me is not silence": {
			func(a *optout.Answers) { a.Reply, a.Subject.Title = &optout.Reply{Safe: []string{}}, "\x00" }, "/subject/title name-unusable-character",
			func(f *optout.Facts) { f.Title, f.Reply = nhs.Name{}, &optout.Reply{Safe: []string{}} },
		},
		"nothing at all was said": {
			func(a *optout.Answers) { *a = optout.Answers{} },
			"/subject/surname missing; /subject/forenames missing; /subject/birthDate missing; /choice choice-missing",
			func(f *optout.Facts) { *f = optout.Facts{Kind: "choice", SignedOn: optouttest.Rules.Today} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, a, want := optouttest.Rules, optouttest.Dissent(), sample
			rules.Practices = practices{}
			c.change(&a)
			c.facts(&want)
			facts, faults := rules.Doubtful(a)
			if got := listed(faults); got != c.faults {
				t.Errorf("faults %q, want %q", got, c.faults)
			}
			if d := cmp.Diff(want, facts, values); d != "" {
				t.Errorf("facts (-want +got):\n%s", d)
			}
			if accepted, _ := rules.Accept(a); (len(faults) == 0) != (accepted.Kind != "") {
				t.Error("and yet the answers are accepted, or not")
			}
		})
	}
}

func TestASigningDateThatCannotBeReadIsNone(t *testing.T) {
	t.Parallel()
	rules, a := wholeRules, whole()
	a.SignedOn = "2026-02-29"
	if facts, faults := rules.Doubtful(a); !facts.SignedOn.IsZero() || listed(faults) != "/signedOn date-shape" {
		t.Errorf("signed on %s, %v", facts.SignedOn.ISO(), faults)
	}
	a.SignedOn, a.Subject.BirthDate = "2026-11-23", "nobody knows"
	if _, faults := rules.Doubtful(a); listed(faults) != "/subject/birthDate date-shape; /signedOn signed-in-future" {
		t.Errorf("a signature of tomorrow is a fault whatever else is: %v", faults)
	}
}

func TestEMailAddresses(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"ada@quillfeather.example": "", "ADA.Q+forms_1@mail.quillfeather.example": "", "o'neill@x.example": "", "a@b.c": "", "1@2.example": "",
		"brontë@quillfeather.example": "", "李@例子.example": "", "bronte\u0308@x.example": "", "क्षि@उदाहरण.example": "",
		"ada": "email", "@": "email", "ada@": "email", "@x.example": "email", "ada@localhost": "email", "ada@x.example@y.example": "email",
		"ada@x..example": "email", "ada@.example": "email", "ada@x.example.": "email", ".ada@x.example": "email", "ada.@x.example": "email", "a..b@x.example": "email",
		"Ada <ada@x.example>": "email", "<ada@x.example>": "email", "ada@x.example (Ada)": "email", `"ada q"@x.example`: "email", "ada@[192.0.2.1]": "email",
		"ada q@x.example": "email", " ada@x.example": "email", "ada@x.example ": "email", "ada\u00a0q@x.example": "email", "ada@x.example,eve@x.example": "email",
		"ada@x_y.example": "email", "ada@x.example\n": "email", "ada\x00@x.example": "email", "\u202eada@x.example": "email", "ada@x.ex\u200bample": "email",
		"🙂@x.example": "email", "ada\xff@x.example": "email", "ada:q@x.example": "email", `ada\q@x.example`: "email",
		strings.Repeat("a", 242) + "@x.example.uk": "too-long", strings.Repeat("a", 242) + "@x.example.u": "",
	} {
		a := optouttest.Dissent()
		a.Reply.Email = said
		facts, faults := optouttest.Rules.Accept(a)
		if want == "" && (len(faults) > 0 || facts.Reply.Email != said) || want != "" && listed(faults) != "/reply/email "+want {
			t.Errorf("%q: %v, want %q", said, faults, want)
		}
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, faults := optouttest.Rules.Accept(optout.Answers{})
	if len(faults) != 4 {
		t.Errorf("empty answers have faults %v, want choice, surname, forenames and birth date", faults)
	}
}

// practices are a directory for tests: A81001 is open, A81002 went over to A81001, A81003 just closed.
type practices struct{}

func (practices) Known(c nhs.ODSCode) bool {
	return slices.Contains([]string{"A81001", "A81002", "A81003"}, c.String())
}

func (practices) Destination(c nhs.ODSCode) (nhs.ODSCode, bool) {
	return nhs.StoredODSCode("A81001"), c.String() != "A81003"
}

func TestClosedPracticesAreAcceptedAndUnknownOnesAreNot(t *testing.T) {
	t.Parallel()
	rules, a := optouttest.Rules, optouttest.Dissent()
	rules.Practices = practices{}
	for code, want := range map[string]string{"A81001": "", "a81002": "", "A81003": "", "A81004": "/practice practice", "A8100": "/practice practice-code-shape"} {
		a.Practice = code
		_, faults := rules.Accept(a)
		if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || faults[0].Pointer+" "+faults[0].Code != want || faults[0].Detail == "") {
			t.Errorf("%s: %v, want %q", code, faults, want)
		}
	}
}

func TestTestNumbersAreForTests(t *testing.T) {
	t.Parallel()
	rules := optouttest.Rules
	rules.TestNumbers = false
	if _, faults := rules.Accept(optouttest.Dissent()); len(faults) != 1 || faults[0].Code != "nhs-number-test" {
		t.Errorf("a test number outside tests: %v", faults)
	}
}

func TestStaffMayDateAForm(t *testing.T) {
	t.Parallel()
	rules, a := optouttest.Rules, optouttest.Dissent()
	rules.Staff, a.SignedOn = true, "2026-10-01"
	f, faults := rules.Accept(a)
	if len(faults) > 0 || f.SignedOn.ISO() != "2026-10-01" {
		t.Errorf("dated %s, %v", f.SignedOn.ISO(), faults)
	}
	for signed, want := range map[string]string{
		"2026-11-23": "/signedOn signed-in-future", "1957-03-30": "/signedOn signed-before-birth", "2026-02-29": "/signedOn date-shape", "1957-03-31": "/signedOn signed-before-birth",
	} {
		a.SignedOn = signed
		_, faults := rules.Accept(a)
		if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || faults[0].Pointer+" "+faults[0].Code != want) {
			t.Errorf("signed on %s: %v, want %q", signed, faults, want)
		}
	}
	a.SignedOn, a.Subject.Postcode = "", "ZZ99 3VZ"
	if _, faults := rules.Accept(a); len(faults) > 0 {
		t.Errorf("staff may say that there is no fixed abode: %v", faults)
	}
	a.Subject.BirthDate, a.SignedOn, a.Proxy = "2010-11-22", "2026-11-21", &optout.Proxy{Name: "Maria", Capacity: "parent"}
	if _, faults := rules.Accept(a); len(faults) > 0 {
		t.Errorf("signed by a parent on the day before the 16th birthday: %v", faults)
	}
}

func BenchmarkAccept(b *testing.B) {
	a := optouttest.Dissent()
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := optouttest.Rules.Accept(a); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}
