package practice_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// A list that is taken away is the one that is shown, narrowed as it is.
func TestAListIsTakenAwayAsItIsNarrowed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	kept := h.sent(func(a *optout.Answers) { a.Subject.Surname = "Kept" })
	b := h.collects(kept)
	doubted := h.sent(func(a *optout.Answers) { a.Subject.Surname = "Doubted" })
	b.post(at(doubted, "collect"), "key", "k0")
	b.leads(b.post(at(doubted, "return"), "reason", "IDENTITY_NOT_VERIFIED", "key", "k1"), "/practice?done=returned")
	page := b.says(b.get("/practice?only=returned"), 200, "Of this page show only:", "To decide (1)")
	for _, file := range []string{"waiting.csv", "waiting.json"} {
		to := regexp.MustCompile(`href="(/practice/list/` + regexp.QuoteMeta(file) + `[^"]*)"`).FindStringSubmatch(page.body)
		if to == nil || !strings.Contains(to[1], "only=returned") {
			t.Fatalf("%s is not offered: %v", file, to)
		}
		if a := b.says(b.get(strings.ReplaceAll(to[1], "&amp;", "&")), 200, "Doubted"); strings.Contains(a.body, "Kept") {
			t.Errorf("%s has more than is shown", file)
		}
	}
	b.says(b.get("/practice/list/waiting.csv?only=new"), 404, "There is nothing to take away")
	if a := b.get("/practice?only=in-doubt"); strings.Contains(a.body, "waiting.csv") {
		t.Error("what is not shown is offered to be taken away")
	}
}

func TestAListSaysInWhichOrderItIsAndSinceWhenThePersonWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	number := optouttest.Number()
	same := func(choice string) func(*optout.Answers) {
		return func(a *optout.Answers) { a.Choice, a.Subject.NHSNumber = choice, number }
	}
	h.sent(same("dissent"))
	h.Move(3 * 24 * time.Hour)
	second := h.sent(same("core"))
	b := h.manager()
	b.says(b.get("/practice"), 200, "Forms, oldest first", "25 Nov 2026, today; the person waits since 22 Nov 2026, 3 days ago")
	b.post(at(second, "collect"), "key", "k0")
	b.post(at(second, "return"), "reason", "WITHDRAWN_BY_PERSON", "key", "k1")
	b.leads(b.post(at(second, "withdraw"), "how", "phone", "to", "Tom Reed", "on-day", "25", "on-month", "11", "on-year", "2026"), "/practice?done=withdrawn")
	b.says(b.get("/practice?list=done"), 200, "Forms, newest first", second.String())
}

// Whether a form is kept to somebody is said and changed by one button, while there is something to do.
func TestAFormIsKeptOrLetGoByWhoeverHasIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b, c := h.collects(ref), h.colleague()
	const keep, let = "Keep it to yourself for 30 minutes", "Let colleagues work on it"
	only := func(a answer, want, not string) {
		t.Helper()
		if want != "" && !strings.Contains(a.body, want) || strings.Contains(a.body, not) {
			t.Errorf("want %q and not %q: %s", want, not, shown(a.body))
		}
	}
	only(b.says(b.get(at(ref, "")), 200, "It is yours until 12:30."), let, keep)
	only(c.get(at(ref, "")), "", let)
	only(c.get(at(ref, "")), "", keep)
	c.says(c.post(at(ref, "release")), 409, "Nothing was changed: a colleague is at work on it until 12:30.")
	b.leads(b.post(at(ref, "release")), at(ref, "")+"?done=released")
	only(b.get(at(ref, "")), keep, let)
	b.post(at(ref, "return"), "reason", "WITHDRAWN_BY_PERSON", "key", "k1")
	b.post(at(ref, "claim"))
	b.leads(b.post(at(ref, "withdraw"), "how", "phone", "to", "Tom Reed", "on-day", "22", "on-month", "11", "on-year", "2026"), "/practice?done=withdrawn")
	only(b.get(at(ref, "")), "", keep)
	only(b.get(at(ref, "")), "", let)
}

// What is copied goes into a field of its own of another system.
func TestWhatIsCopiedIsWhatTheOtherSystemTakes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(func(a *optout.Answers) { a.Subject.Title = "Ms" })
	b := h.collects(ref)
	f, err := h.Form(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	a := b.says(b.get(at(ref, "")), 200, "Ms Ada Quillfeather O'Neill", `data-copy="`+f.Facts.NHSNumber.Digits()+`"`, `data-copy="Ada Quillfeather"`, `data-copy="O'Neill"`, `data-copy="9Ndo."`)
	for _, copied := range regexp.MustCompile(`data-copy="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		if strings.Contains(copied[1], "Ms") || regexp.MustCompile(`\d \d`).MatchString(copied[1]) {
			t.Errorf("%q is copied", copied[1])
		}
	}
}

// What takes a form back is recorded by the same codes on its page as on the one on which that is said.
func TestAFormThatTakesSomethingBackShowsTheCodesThatRecordIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.sent(nil)
	for _, kind := range []string{"withdrawal", "not-me"} {
		ref := h.sent(func(a *optout.Answers) {
			a.Kind, a.Choice, a.About = kind, "", first.String()
		})
		if s := h.state(ref); s.Status != optout.StatusRouted {
			t.Fatalf("%s stands %v", kind, s.Status)
		}
		b := h.collects(ref)
		page := b.says(b.get(at(ref, "")), 200, "Codes to record it with", "Read v2: implied consent", `data-copy="9Ndl."`)
		for _, code := range regexp.MustCompile(`name="code"[^>]* value="([^"]*)"|value="([^"]*)"[^>]* name="code"`).FindAllStringSubmatch(b.get(at(ref, "apply")).body, -1) {
			if c := code[1] + code[2]; c != "other" && !strings.Contains(page.body, `data-copy="`+c+`"`) {
				t.Errorf("%s: %q is offered, and not shown", kind, c)
			}
		}
	}
}

// At the counter the practice is the one that is signed in for, whether or not the directory has it yet.
func TestANewPracticeRegistersAtItsCounter(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.signedIn("u-new", "ods-Y99999")
	back := b.says(b.post("/practice/counter", said...), 200, "Read this back to the person", "Y99999")
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(back.body)
	a := b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send")
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, shown(a.body))
	}
	b.says(b.get(a.header.Get("Location")), 200, "It is registered", "It is on your practice's list within a minute or two")
}

// The page that says so is for whoever registered it, of what they registered.
func TestOnlyWhatWasRegisteredIsSaidToBe(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	sealed := regexp.MustCompile(`name="sealed" value="([^"]+)"`).FindStringSubmatch(b.post("/practice/counter", said...).body)
	to := b.post("/practice/counter/confirm", "sealed", sealed[1], "do", "send").header.Get("Location")
	b.says(b.get(to), 200, "It is registered")
	c := h.colleague()
	c.leads(c.get(to), "/practice/counter")
	online := h.sent(nil)
	for _, made := range []string{optout.NewReference([10]byte{7}).String(), online.String(), "x"} {
		b.leads(b.get("/practice/counter/registered?reference="+made), "/practice/counter")
	}
}

// Every choice is read back with what it means, and with what it is not (domain facts, wording).
func TestWhatIsReadBackSaysWhatItMeansAndWhatItIsNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	first := h.sent(nil)
	for want, means := range map[string]string{
		"dissent": "A record that already exists is hidden, not erased.", "core": "What more a record that already exists holds is hidden, not erased.",
		"core-and-additional": "the practice checks with them before more is shared", "withdrawal": "asks the person before anything more is shared", "not-me": "looks at the earlier form",
	} {
		form := slices.Clone(said)
		form[slices.Index(form, "want")+1] = want
		if want == "withdrawal" || want == "not-me" {
			form = append(form, "about", first.String())
		}
		b.says(b.post("/practice/counter", form...), 200, means, "This is not the Type 1 opt-out, for which they ask their GP practice, nor the National Data Opt-out", "by the same route")
	}
}

func TestSettingsSayWhyThePracticeCouldNotBeTold(t *testing.T) {
	t.Parallel()
	for fault, says := range map[string]string{"no-address": "We have no address for you", "bounced": "Our last mail to you could not be delivered."} {
		h := newHouse(t)
		h.fault(t.Context(), fault)
		b := h.manager()
		b.says(b.get("/practice/settings"), 200, says)
	}
}

// fault lets the practice be one that cannot be told.
func (h *house) fault(ctx context.Context, code string) {
	h.t.Helper()
	p, err := h.Practice(ctx, nhs.StoredODSCode("A81001"))
	if err != nil {
		h.t.Fatal(err)
	}
	p.Digest.Fault = code
	if err := h.SaveDigest(ctx, p); err != nil {
		h.t.Fatal(err)
	}
}

func TestTheExampleOfADayIsTodayInEngland(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Move(200*24*time.Hour + 11*time.Hour + 30*time.Minute) // 23:30 by Greenwich, half past midnight in England, in summer
	b := h.manager()
	b.says(b.get("/practice/extract"), 200, "For example, 11 6 2027", `data-prevent-double-click="true"`)
}
