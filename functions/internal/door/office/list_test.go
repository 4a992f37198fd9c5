package office_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

// listed puts practices on the office's list, each with a digest.
func (h *house) listed(digests map[string]digest.Digest) {
	h.t.Helper()
	for code, d := range digests {
		if err := h.SaveDigest(h.t.Context(), optout.Practice{Code: nhs.StoredODSCode(code), Digest: d}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// shown are the forms and practices on a page of the list, in its order.
func (a answer) shown() (all []string) {
	for _, m := range regexp.MustCompile(`<a href="/office/(?:forms|practices)/([^"/]+)"`).FindAllStringSubmatch(a.body, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestTheListHasWhatWaitsByAgeAndSaysWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := func(hours int) time.Time { return optouttest.Noon.Add(time.Duration(hours) * time.Hour) }
	h.listed(map[string]digest.Digest{
		"A81002": {Fault: "bounced", Since: at(-40), Due: at(8)},
		"A81004": {Late: at(-50)},
		"A81005": {Fault: "no-address", Since: at(-30), Late: at(-20)},
		"A81006": {Due: at(1)}, // nobody has to help
	})
	if _, err := h.custody.SetEmail(t.Context(), densham, optout.Actor{Role: optout.Office, ID: "u-5"}, "forms@densham.example"); err != nil {
		t.Fatal(err)
	}
	nowhere := h.register(nowhere)
	h.Move(time.Hour)
	other, dead := h.returned(optout.OtherReason), h.returned(optout.Deceased)
	h.Move(time.Hour)
	stuck := h.enter(nil)
	if err := h.Postpone(t.Context(), optout.Due{Noun: optout.DueForm, ID: stuck.Key()}, optout.Postponement{Until: at(50), Tries: 1, Fault: "cannot-advance"}); err != nil {
		t.Fatal(err)
	}
	b := h.clerk()
	all := b.get("/office")
	all.says(t, "the list", 200, "To do (7)", "Cannot be told", "Acts late", "Mail came back: nobody was reached at the address", "No e-mail address is on file",
		"No practice was named", "Returned: Another reason", "Returned: The person has died", "20 Nov 2026, 2 days ago", "Queens Park Medical Centre (A81002)", "Last tried: Never", "This service could not go on with it, and tries again")
	if strings.Contains(all.body, "uillfeather") || strings.Contains(all.body, "TS18") {
		t.Error("the list shows something personal")
	}
	want := []string{"A81004", "A81002", "A81005", nowhere.String(), other.String(), dead.String(), stuck.String()}
	slices.Sort(want[4:6])
	got := all.shown()
	if len(got) == len(want) {
		slices.Sort(got[4:6])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list has %v, want %v", got, want)
	}
	for only, want := range map[string][]string{
		"assign": {nowhere.String()}, "answer": {other.String()}, "confirm": {dead.String()}, "failed": {stuck.String()},
		"untold": {"A81002", "A81005"}, "late": {"A81004", "A81005"}, "odd": got,
	} {
		page := b.get("/office?only=" + only)
		if got := page.shown(); len(got) != len(want) || want != nil && only != "odd" && !slices.Equal(got, want) {
			t.Errorf("only %s has %v, want %v", only, got, want)
		}
		if only != "odd" && !strings.Contains(page.body, fmt.Sprintf("(%d)</strong>", len(want))) {
			t.Errorf("only %s does not count %d", only, len(want))
		}
	}
}

func TestPracticesCanBeSortedByWhenTheyWereLastTried(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	late := optouttest.Noon.AddDate(0, 0, -9)
	h.listed(map[string]digest.Digest{"A81002": {Late: late}, "A81004": {Late: late.Add(time.Hour)}, "A81005": {Late: late.Add(2 * time.Hour)}})
	b := h.clerk()
	for code, day := range map[string]string{"A81002": "22", "A81004": "20"} {
		b.fill("/office/practices/"+code+"/chase", values("how", "post", "on-day", day, "on-month", "11", "on-year", "2026")).leads(t, code, "/office/practices/"+code+"?done=chased")
	}
	for address, want := range map[string][]string{
		"/office?only=late":          {"A81002", "A81004", "A81005"},
		"/office?only=late&by=tried": {"A81005", "A81004", "A81002"},
	} {
		page := b.get(address)
		page.says(t, address, 200, "Longest not tried first", "Last tried: 22 November 2026, today", "Last tried: Never")
		if got := page.shown(); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", address, got, want)
		}
	}
}

// On day 14, when a practice comes to the list, a letter is due; on day 28 a call.
func TestTheListSaysHowToReachAPracticeNext(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.listed(map[string]digest.Digest{"A81002": {Late: h.Now()}, "A81004": {Fault: "bounced", Since: h.Now()}})
	b := h.clerk()
	says := func(want string) {
		t.Helper()
		b = h.clerk() // whoever is away for days signs in again
		b.get("/office?only=late").says(t, "the list", 200, "To do "+want)
	}
	chase := func(how string) {
		t.Helper()
		now := h.Now()
		b.fill("/office/practices/A81002/chase", values("how", how, "on-day", fmt.Sprint(now.Day()), "on-month", now.Month().String(), "on-year", fmt.Sprint(now.Year()))).leads(t, how, "/office/practices/A81002?done=chased")
	}
	says("Post a letter")
	chase("phone") // too early to be the call of day 28
	says("Post a letter")
	chase("post")
	says("Wait until it acts")
	h.Move(14 * 24 * time.Hour)
	says("Call it")
	chase("phone")
	says("Wait until it acts")
	b.get("/office?only=untold").says(t, "the list", 200, "To do Find an address that works")
}

func TestALongListComesInPages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const forms = 130
	for range forms {
		h.Move(time.Minute)
		h.register(nowhere)
	}
	b := h.clerk()
	first := b.get("/office?only=assign")
	first.says(t, "the first page", 200, "To do (130)", "Find a practice (100)", "Next page")
	link := regexp.MustCompile(`href="([^"]+)">Next page`).FindStringSubmatch(first.body)
	if link == nil {
		t.Fatal("there is no second page")
	}
	second := b.get(strings.ReplaceAll(link[1], "&amp;", "&"))
	second.says(t, "the second page", 200, "Find a practice (30)", "Back to the beginning of the list")
	seen := slices.Concat(first.shown(), second.shown())
	slices.Sort(seen)
	if len(slices.Compact(seen)) != forms {
		t.Errorf("%d of %d forms are shown", len(seen), forms)
	}
	for _, odd := range []string{"x", "%00", strings.Repeat("a", 3000)} {
		b.get("/office?after="+odd).leads(t, "a cursor that is none", "/office?list=open")
	}
}

func TestWhatIsLookedForIsFoundByItsReferenceOrCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nil)
	b := h.clerk()
	for typed, to := range map[string]string{ref.String(): formAt(ref, ""), strings.ToLower(ref.Key()): formAt(ref, ""), "a81001": "/office/practices/A81001"} {
		b.get("/office?find="+typed).leads(t, typed, to)
	}
	odd := b.get(`/office?find=%22%3E%3Cscript%3E`)
	odd.says(t, "something else", 422, "Error: What the office has to do", "There is a problem", "That is neither a reference")
	if strings.Contains(odd.body, `"><script>`) {
		t.Error("what was typed is no text any more")
	}
	b.get("/office?list=done").says(t, "what has ended", 200, "There are none yet.")
}

func TestFormsThatEndedWithoutAPracticeAreListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.returned(optout.Deceased)
	b := h.clerk()
	b.fill(formAt(ref, "confirm"), values("sure", "yes")).leads(t, "confirmed", "/office?done=confirmed")
	if got := b.get("/office?list=done").shown(); len(got) != 0 {
		t.Errorf("a practice's ended form is on the office's list: %v", got)
	}
}

func TestATableThatIsAwayIsSaidAndNothingIsLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.register(nowhere)
	b := h.clerk()
	h.Fate = func(method string) optouttest.Fate {
		if method == "Record" || method == "SavePractice" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	for path, form := range map[string][]string{
		formAt(ref, "assign"): {"practice", "A81001", "text", "kept words"}, "/office/practices/A81001/chase": {"how", "post", "on-day", "22", "on-month", "11", "on-year", "2026", "text", "kept words"},
	} {
		a := b.fill(path, values(form...))
		a.says(t, path, 503, "There is a problem")
		if !strings.Contains(a.body, "kept words") || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: what was typed is lost, or nobody says when to try again", path)
		}
	}
	h.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	for _, path := range []string{"/office", formAt(ref, ""), "/office/practices/A81001", formAt(ref, "looks")} {
		if a := b.get(path); a.status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered with %d", path, a.status)
		}
	}
}

// A scan on which the malware check gives no answer, however often it is asked, is told to the office.
func TestTheOfficeIsToldOfScansWithoutAMalwareResult(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.signIn("u-office", "office")
	if a := b.get("/office"); strings.Contains(a.body, "malware") {
		t.Error("something is said of malware, and there is nothing")
	}
	m := batch.Mailroom{Store: h.Memory, Now: h.Now}
	by := optout.Actor{Role: optout.Desk, ID: "u-ann"}
	opened, err := m.Open(t.Context(), by, batch.Declaration{Envelopes: 2, Box: "B-7", Sequence: 1})
	if err != nil {
		t.Fatal(err)
	}
	pieces, _, err := m.Expect(t.Context(), opened.ID, by, []string{"a.pdf", "b.pdf"}, batch.OneEach)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"1 scan in the mailroom has had no malware result", "2 scans in the mailroom have had no malware result"} {
		if err := errors.Join(m.Arrived(t.Context(), pieces[n].At), m.Stuck(t.Context(), pieces[n].At, batch.Unchecked)); err != nil {
			t.Fatal(err)
		}
		b.get("/office").says(t, "the list", 200, want)
	}
	if err := m.Quarantine(t.Context(), pieces[0].At, batch.Infected, nil); err != nil {
		t.Fatal(err)
	}
	b.get("/office").says(t, "the list", 200, "1 scan in the mailroom has")
}

// The scan of a practice's own form is in nobody's batch: the office is told which form it is of.
func TestTheOfficeIsToldOfFormsWhoseScanHasNoMalwareResult(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.signIn("u-office", "office")
	by := optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-17"}
	var slots []upload.Slot
	for range 21 {
		ref := h.register(nil)
		u := upload.NewAttachment(by, ref, h.Now()).Arrived(h.Now())
		u.Asked = upload.MostAsked
		saved, err := h.SaveUpload(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		switch slots = append(slots, saved); len(slots) {
		case 1:
			b.get("/office").says(t, "the list", 200, "1 scan of the paper of a practice’s form has had no malware result", ref.String())
			if a := b.get("/office"); !strings.Contains(a.body, `href="`+formAt(ref, "")+`"`) {
				t.Error("nothing leads to the form")
			}
		case 2:
			b.get("/office").says(t, "the list", 200, "2 scans of the paper of practices’ forms have had no malware result", ref.String())
		}
	}
	b.get("/office").says(t, "the list", 200, "At least 20 scans")
	for _, u := range slots[1:] {
		u.Malware = "NO_THREATS_FOUND"
		if _, err := h.SaveUpload(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	b.get("/office").says(t, "the list", 200, "1 scan of the paper")
	if a := b.get("/office?list=done"); strings.Contains(a.body, "malware") {
		t.Error("it is said on a list of what has ended, too")
	}
}
