package directory

import (
	"strings"
	"sync"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

func shipped(tb testing.TB) *Directory {
	tb.Helper()
	d, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func TestTheShippedCutIsTheWholePublishedFile(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	type group struct {
		welsh  bool
		status Status
	}
	count := map[group]int{}
	for i := range d.rows {
		l := d.line(i)
		p := l.practice()
		count[group{l[0] == 'W', p.Status}]++
		code, err := nhs.ParseODSCode(l.code())
		if l[0] != 'W' && (err != nil || code != p.Code) {
			t.Errorf("%s: %v", l.code(), err)
		}
		postcode, err := nhs.ParsePostcode(p.Postcode.Text(), false)
		if err != nil || postcode != p.Postcode {
			t.Errorf("%s: %v", l.code(), err)
		}
		if _, err := nhs.ParseDate(p.Opened.ISO()); err != nil {
			t.Errorf("%s opened: %v", l.code(), err)
		}
		if _, err := nhs.ParseDate(p.Closed.ISO()); p.Status == Closed && err != nil || p.Status != Closed && !p.Closed.IsZero() {
			t.Errorf("%s closed: %v", l.code(), err)
		}
		if p.Name == "" || p.Town == "" {
			t.Errorf("%s has no name or no town", l.code())
		}
	}
	for name, c := range map[string]struct {
		of   group
		want int
	}{
		"open in England":    {group{false, Open}, 6348},
		"closed in England":  {group{false, Closed}, 1681},
		"dormant in England": {group{false, Dormant}, 197},
		"open in Wales":      {group{true, Open}, 402},
		"closed in Wales":    {group{true, Closed}, 9},
		"dormant in Wales":   {group{true, Dormant}, 10},
	} {
		if count[c.of] != c.want {
			t.Errorf("%s: %d, want %d", name, count[c.of], c.want)
		}
	}
	if len(d.rows) != 8647 || len(count) != 6 {
		t.Errorf("%d rows in %d groups", len(d.rows), len(count))
	}
}

func TestFindKnowsPracticesOpenOrNot(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	for code, want := range map[string]string{
		"A81001": "open THE DENSHAM SURGERY",
		"A81003": "closed VICTORIA MEDICAL PRACTICE 2017-10-31",
		"A81043": "dormant THE MANOR HOUSE SURGERY",
		"A81000": "", "A00000": "", "Z99999": "",
	} {
		p, ok := d.Find(nhs.StoredODSCode(code))
		got := ""
		if ok {
			got = strings.TrimSpace(p.Status.String() + " " + p.Name + " " + p.Closed.ISO())
		}
		if got != want || ok && p.Code.String() != code {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
	if _, ok := d.Find(nhs.ODSCode{}); ok {
		t.Error("no code finds a practice")
	}
	for i := range d.rows {
		if p, ok := d.Find(nhs.StoredODSCode(d.line(i).code())); !ok || p != d.line(i).practice() {
			t.Fatalf("%s does not find itself", d.line(i).code())
		}
	}
}

func TestLoadGivesEverybodyTheSameDirectory(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if d, err := Load(); err != nil || d != shipped(t) || len(d.Search("densham", 1)) != 1 {
				t.Errorf("%p, %v", d, err)
			}
		})
	}
	all.Wait()
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(shippedPractices, shippedSuccessors); err != nil {
			b.Fatal(err)
		}
	}
}

// What a cold start that searches pays: Load, and the index that the first Search makes.
func BenchmarkLoadAndFirstSearch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(shippedPractices, shippedSuccessors)
		if err != nil {
			b.Fatal(err)
		}
		d.Search("densham", 10)
	}
}

func BenchmarkFind(b *testing.B) {
	d := shipped(b)
	code := nhs.StoredODSCode("P84683")
	b.ReportAllocs()
	for b.Loop() {
		d.Find(code)
	}
}
