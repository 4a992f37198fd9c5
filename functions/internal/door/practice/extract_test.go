package practice_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/bucket"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

// bucketInMemory is a bucket whose forms and links are addresses of nobody.
type bucketInMemory struct {
	optouttest.Files
	most int64
	back string // where the last form leads back to
}

func (b *bucketInMemory) Form(_ context.Context, file bucket.File) (bucket.Form, error) {
	b.most, b.back = file.Most, file.Back
	return bucket.Form{Address: "https://bucket.example/", Origin: "https://bucket.example", Fields: []bucket.Field{{Name: "key", Value: file.Key}, {Name: "policy", Value: "signed"}}}, nil
}

func (b *bucketInMemory) Link(_ context.Context, key, name string) (string, error) {
	return "https://bucket.example/" + key + "?as=" + name, nil
}

func (b *bucketInMemory) Picture(_ context.Context, key string) (string, error) {
	return "https://bucket.example/" + key, nil
}

func (b *bucketInMemory) Origin(context.Context) string { return "https://bucket.example" }

// reads has every list that is due read, as the function does each minute.
func (h *house) reads() {
	h.t.Helper()
	r := job.Reader{Store: h.Memory, Files: &h.bucket.Files, Layouts: extract.Layouts, TestNumbers: true, Now: h.Now}
	if err := job.ReadDue(r)(h.t.Context(), h.Now); err != nil {
		h.t.Fatal(err)
	}
}

// applied is a form that the practice said is applied, and its NHS number.
func (h *house) applied() (optout.Reference, string) {
	h.t.Helper()
	number := optouttest.Number()
	ref := h.sent(func(a *optout.Answers) { a.Subject.NHSNumber = number })
	by := optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-manager"}
	c := optout.Custody{Store: h.Memory, Keys: ring, Now: h.Now}
	if _, err := c.Collect(h.t.Context(), ref, by, optout.Said{}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := c.Apply(h.t.Context(), ref, by, optout.Said{}, optout.Application{On: nhs.DateOf(h.Now()), Code: "9Ndo."}); err != nil {
		h.t.Fatal(err)
	}
	return ref, number
}

// promises makes a slot for a list that is run just now, and gives the address of its page.
func (b *browser) promises(more ...string) string {
	b.t.Helper()
	a := b.post("/practice/extract", append([]string{"run-day", "22", "run-month", "11", "run-year", "2026", "time", b.Now().Format("15:04")}, more...)...)
	at := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !regexp.MustCompile(`^/practice/extract/[A-Z2-7]{26}$`).MatchString(at) {
		b.t.Fatalf("answered with %d to %q: %s", a.status, at, shown(a.body))
	}
	return at
}

// puts puts a file where the form of a slot's page would.
func (b *browser) puts(at, list string) {
	b.t.Helper()
	key := "extracts/" + at[strings.LastIndex(at, "/")+1:]
	b.says(b.get(at), 200, "Send the list", `action="https://bucket.example/"`, `enctype="multipart/form-data"`, `name="key" value="`+key+`"`)
	if b.bucket.most != extract.MostBytes || b.bucket.back != "https://optout.example"+at+"/uploaded" {
		b.t.Errorf("the form takes %d bytes and leads back to %s", b.bucket.most, b.bucket.back)
	}
	if err := b.bucket.Put(b.t.Context(), key, "", []byte(list)); err != nil {
		b.t.Fatal(err)
	}
}

func TestAListIsSentAndAnswered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shows, number := h.applied()
	lacks, _ := h.applied()
	h.Move(time.Hour)
	b := h.manager()
	b.says(b.get("/practice/extract"), 200, "Run a list in your clinical system", "At what time?")
	at := b.promises()
	b.puts(at, "NHS number,Code\n"+number+",9Ndo.\n"+optouttest.Number()+",9Ndo.\n"+optouttest.Number()+",x\n")
	for range 2 {
		b.leads(b.get(at+"/uploaded?bucket=b&key=k&etag=e"), at)
		b.says(b.get(at), 200, "Your list is being read", "Look again")
	}
	b.says(b.get(at+"/answer.csv"), 404)
	h.reads()
	a := b.says(b.get(at), 200, "What your list shows", "3 rows of your list were read. 1 form is in doubt, and yours to look at again. 1 row could not be used.", "Applied and checked", "In doubt", lacks.String(), "No form of yours", "This code stands for no")
	if strings.Contains(a.body, number) || strings.Contains(a.body, shows.String()) {
		t.Error("the answer names whoever has nothing to do")
	}
	b.leads(b.get(at+"/answer.csv"), "https://bucket.example/answers/"+at[len("/practice/extract/"):]+".csv?as=answer.csv")
	b.says(b.get(at+"/uploaded"), 409, "This place for a list was used before", "it is not read, and will be deleted", "start again")
	b.says(b.get("/practice/extract"), 200, "Read, 1 in doubt", at)
	h.Move(31 * 24 * time.Hour)
	b = h.manager()
	if a := b.says(b.get(at), 200, "What your list shows"); strings.Contains(a.body, "answer.csv") {
		t.Error("after a month there is still a way to the answer")
	}
	b.says(b.get(at+"/answer.csv"), 404)
	if h.state(shows).Status != optout.StatusChecked || h.state(lacks).Status != optout.StatusInDoubt {
		t.Errorf("the forms are %s and %s", h.state(shows).Status, h.state(lacks).Status)
	}
	h.keepsSecret()
}

func TestOnlyThePracticeItselfSeesItsLists(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, other := h.manager(), h.neighbour()
	at := b.promises()
	b.puts(at, "x")
	for _, page := range []string{"", "/uploaded", "/answer.csv"} {
		other.says(other.get(at+page), 404, "There is no such list")
	}
	if u, err := h.Upload(t.Context(), at[len("/practice/extract/"):]); err != nil || u.State != upload.Promised {
		t.Errorf("another practice made it %s, %v", u.State, err)
	}
	if a := other.get("/practice/extract"); strings.Contains(a.body, at) {
		t.Error("another practice sees that there is a list")
	}
	for _, page := range []string{"/practice/extract/x", "/practice/extract/" + strings.Repeat("A", 26), at + "/x"} {
		b.says(b.get(page), 404, "There is no such list")
	}
}

func TestWhatIsWrongWithWhenAListWasRunIsSaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	for name, c := range map[string]struct{ day, month, year, clock, says string }{
		"nothing":           {"", "", "", "", "Say on which day you ran the list."},
		"no time":           {"22", "11", "2026", "", "Say at what time you ran the list."},
		"no day of any":     {"31", "2", "2026", "10:00", "There is no such day."},
		"no time of any":    {"22", "11", "2026", "25:00", "That is no time of the day."},
		"in the future":     {"22", "11", "2026", "12:01", "has not come yet"},
		"long ago":          {"1", "1", "2026", "12:00", "more than 90 days ago"},
		"with no year":      {"22", "11", "", "12:00", "Give day, month and year."},
		"a year of 2 signs": {"22", "11", "26", "12:00", "Give the year with four digits."},
	} {
		a := b.post("/practice/extract", "run-day", c.day, "run-month", c.month, "run-year", c.year, "time", c.clock)
		b.says(a, 422, "There is a problem", c.says)
		if c.clock != "" && !strings.Contains(a.body, `value="`+c.clock+`"`) {
			t.Errorf("%s: what was filled in is gone", name)
		}
	}
	for _, clock := range []string{"9:05", "09.05", "0905", "9.05 am", "9 AM", "٠٩:٠٥"} {
		if a := b.post("/practice/extract", "run-day", "22", "run-month", "11", "run-year", "2026", "time", clock); a.status != 303 {
			t.Errorf("%q is refused: %s", clock, shown(a.body))
		}
	}
	if slots, err := upload.Recent(t.Context(), h.Memory, nhs.StoredODSCode("A81001"), 100); err != nil || len(slots) != 6 {
		t.Errorf("%d slots, %v", len(slots), err)
	}
}

func TestAListWithNoneOfThePracticesFormsGoesThroughOnItsWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 5 {
		h.applied()
	}
	h.Move(time.Minute)
	b := h.manager()
	const box = "This is the right list"
	if a := b.get("/practice/extract"); strings.Contains(a.body, box) {
		t.Error("the box is there before anybody needs it")
	}
	strangers := "NHS number,Code\n" + optouttest.Number() + ",9Ndo.\n"
	send := func(more ...string) string {
		at := b.promises(more...)
		b.puts(at, strangers)
		b.leads(b.get(at+"/uploaded"), at)
		h.reads()
		return at
	}
	b.says(b.get(send()), 200, "Your list was not used", "Not one patient whose form you have is in this list")
	b.says(b.get("/practice/extract"), 200, box, "Not used")
	b.says(b.get(send("sure", "yes")), 200, "What your list shows", "In doubt")
}

func TestAPromiseThatIsNotKeptEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.manager()
	at := b.promises()
	for _, c := range []struct {
		after time.Duration
		says  string
	}{{0, "Send your list"}, {44 * time.Minute, "Send your list"}, {2 * time.Minute, "Your list has not come yet"}, {15 * time.Minute, "No file came"}} {
		h.Move(c.after)
		h.reads()
		b = h.manager() // the session has expired
		if a := b.says(b.get(at), 200, c.says); strings.Contains(a.body, "takes some seconds") {
			t.Error("a file that has not come is said to be read")
		}
	}
	b.says(b.get("/practice/extract"), 200, "No file came")
}

func (s software) sends(query, media, list string) answer {
	s.t.Helper()
	r := httptest.NewRequest("POST", "/api/practice/extract?"+query, strings.NewReader(list))
	r.Header.Set("Authorization", "Bearer "+s.token)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestSoftwareSendsAList(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shows, number := h.applied()
	lacks, _ := h.applied()
	h.Move(time.Hour)
	s, other := h.softwareOf("software-1", "A81001"), h.softwareOf("software-2", "A81002")
	run := url.Values{"run": {h.Now().Format(time.RFC3339)}}.Encode()
	a := s.wants(s.sends(run, "text/csv; charset=utf-8", "NHS number,Code\n"+number+",9Ndo.\n"+optouttest.Number()+",y\n"), 202, `"state":"uploaded"`, `"run":"2026-11-22T13:00:00Z"`)
	at := a.header.Get("Location")
	s.wants(s.do("GET", at, 0, ""), 200, `"state":"uploaded"`)
	s.wants(s.do("GET", at+"/answer.csv", 0, ""), 409, `"list-not-read"`)
	h.reads()
	a = s.wants(s.do("GET", at, 0, ""), 200, `"state":"read"`, `"rows":2`, `"used":{"checked":1}`, `"faults":{"code-unknown":1}`, `"forms":{"in-doubt":1}`, lacks.String())
	var said struct{ SHA256, Answer string }
	if err := json.Unmarshal([]byte(a.body), &said); err != nil || len(said.SHA256) != 64 || said.Answer != at+"/answer.csv" {
		t.Errorf("%v, %+v", err, said)
	}
	if a := s.do("GET", said.Answer, 0, ""); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "https://bucket.example/answers/") {
		t.Errorf("the answer is %d at %s", a.status, a.header.Get("Location"))
	}
	for _, page := range []string{at, at + "/answer.csv", "/api/practice/extract/x"} {
		other.wants(other.do("GET", page, 0, ""), 404, `"no-such-list"`)
	}
	if h.state(shows).Status != optout.StatusChecked {
		t.Errorf("the form is %s", h.state(shows).Status)
	}
	f, err := h.Form(t.Context(), shows)
	if err != nil || f.Events[f.Version()-1].By != "practice A81001 software-1" {
		t.Errorf("by %s, %v", f.Events[f.Version()-1].By, err)
	}
	s.wants(s.sends(run, "text/csv", ""), 202)
	h.reads()
	h.keepsSecret()
}

func TestBadListsOfSoftwareAreNamed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.softwareOf("software-1", "A81001")
	now := h.Now()
	run := func(at time.Time) string { return url.Values{"run": {at.Format(time.RFC3339)}}.Encode() }
	for name, c := range map[string]struct {
		query, media, list string
		status             int
		code               string
	}{
		"no type":         {run(now), "", "a", 415, "not-csv-type"},
		"a spreadsheet":   {run(now), "application/vnd.ms-excel", "a", 415, "not-csv-type"},
		"no time":         {"", "text/csv", "a", 400, "not-a-time"},
		"no zone":         {"run=2026-11-22T12:00:00", "text/csv", "a", 400, "not-a-time"},
		"in the future":   {run(now.Add(time.Minute)), "text/csv", "a", 400, "run-in-future"},
		"long ago":        {run(now.AddDate(0, 0, -91)), "text/csv", "a", 400, "run-long-ago"},
		"more than 4 MB":  {run(now), "text/csv", strings.Repeat("x", 4<<20+1), 413, "list-too-large"},
		"exactly as much": {run(now), "text/csv", strings.Repeat("x", 4<<20), 202, ""},
	} {
		if a := s.sends(c.query, c.media, c.list); a.status != c.status || !strings.Contains(a.body, c.code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	h.bucket.Fate = func(string) optouttest.Fate { return optouttest.Throttle }
	s.wants(s.sends(run(now), "text/csv", "a"), 503, "not-now")
	slots, err := upload.Recent(t.Context(), h.Memory, nhs.StoredODSCode("A81001"), 100)
	if err != nil || len(slots) != 2 || slots[0].State == slots[1].State {
		t.Errorf("%d slots, %v", len(slots), errors.Join(err, fmt.Errorf("%v", slots)))
	}
}
