package directory

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

func codes(found []Practice) string {
	var c []string
	for _, p := range found {
		c = append(c, p.Code.String())
	}
	return strings.Join(c, " ")
}

func TestSearchTakesWhatAPersonTypes(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	for name, c := range map[string]struct {
		query string
		want  string // the first ones, as many as are named here
	}{
		"part of the name":                                  {"densham", "A81001"},
		"the name whole":                                    {"The Densham Surgery", "A81001"},
		"the beginning of a word":                           {"densh", "A81001"},
		"several words in any order":                        {"stockton queens medical", "A81002"},
		"the same words in another order":                   {"medical stockton queens", "A81002"},
		"name and town":                                     {"acklam middlesbrough", "A81004"},
		"a whole address, pasted":                           {"The Densham Surgery, The Health Centre,\nLawson Street, Stockton-on-Tees, Cleveland, TS18 1HU", "A81001"},
		"a postcode":                                        {"ts18 1hu", "A81001 A81025"},
		"a postcode without its space":                      {"TS181HU", "A81001 A81025"},
		"the first half of a postcode":                      {"SP10 marys", "J82103"},
		"a postcode cut short":                              {"ts18 1h", "A81001 A81025"},
		"a postcode cut short, without its space":           {"ts181h", "A81001 A81025"},
		"a postcode and a name":                             {"dovecot ts18 1hu", "A81025"},
		"the district before those that only begin alike":   {"M1 manchester surgery", "P84683"},
		"an apostrophe that is typed":                       {"st mary's andover", "J82103"},
		"an apostrophe that is left out":                    {"st marys andover", "J82103"},
		"an apostrophe of a telephone":                      {"st mary’s andover", "J82103"},
		"an accent that is not in the file":                 {"dénshäm", "A81001"},
		"an accent that is written apart":                   {"de\u0301nsham", "A81001"},
		"wide letters":                                      {"ｄｅｎｓｈａｍ", "A81001"},
		"capitals":                                          {"DENSHAM", "A81001"},
		"spaces everywhere":                                 {"  densham \t surgery\u00a0\n", "A81001"},
		"and for &":                                         {"new forest sway and bhurst", "J82129"},
		"& for &":                                           {"sway & b'hurst", "J82129"},
		"quotes around it":                                  {`"densham surgery"`, "A81001"},
		"a practice code":                                   {" a81001 ", "A81001"},
		"a name that is all that was typed comes first":     {"the surgery", "C82045 E87702 E84635"},
		"a whole word comes before one that begins with it": {"queens park", "F81222 E81021 E87755 A81002 E85734"},
		"a street":                                          {"lawson street stockton", "A81001 A81025"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codes(d.Search(c.query, strings.Count(c.want, " ")+1)); got != c.want {
				t.Errorf("%q finds %s, want %s", c.query, got, c.want)
			}
		})
	}
}

func TestWhatNoPracticeIsCalledAnswersNothing(t *testing.T) {
	d := shipped(t)
	for name, query := range map[string]string{
		"nothing":                            "",
		"only spaces":                        strings.Repeat(" ", 150),
		"only punctuation":                   "'-.,()'",
		"10 MB":                              strings.Repeat("surgery ", 10<<20/8),
		"10 MB of one letter":                strings.Repeat("s", 10<<20),
		"a byte over the limit":              strings.Repeat("s ", MaxQuery/2) + "s",
		"more words than anybody types":      "a b c d e f g h i j k l m n o p q r s t u v w x y z",
		"a NUL":                              "densham\x00",
		"an escape":                          "\x1b[31mdensham",
		"an emoji":                           "densham 🙂",
		"a right-to-left override":           "\u202emahsned",
		"a zero-width space":                 "dens\u200bham",
		"bytes that are not UTF-8":           "densham\xff",
		"Arabic digits":                      "٤٢",
		"Chinese":                            "诊所",
		"Cyrillic that looks like Latin":     "ѕurgery",
		"a combining mark alone":             "\u0301",
		"SQL that drops":                     "'; DROP TABLE practices; --",
		"SQL that is always true":            "' OR 1=1 --",
		"SQL that unites":                    "x' UNION SELECT name FROM practices --",
		"a script":                           "<script>alert(1)</script>",
		"a pattern":                          "dens.*",
		"a wildcard":                         "dens%",
		"a word that no practice has":        "xyzzy surgery",
		"the end of a word":                  "ensham",
		"half a postcode, the second":        "1HU",
		"a closed practice":                  "victoria medical practice hartlepool",
		"a closed practice's code":           "A81003",
		"a dormant practice":                 "manor house surgery normanby",
		"a Welsh practice":                   "llanedeyrn health centre",
		"a Welsh practice's code":            "W97008",
		"a Welsh postcode":                   "CF23 9PF",
		"the code for no fixed abode":        "V81997",
		"the code for unknown":               "V81998",
		"the code for not registered":        "V81999",
		"a code that nobody has":             "A81000",
		"a practice code with more after it": "A81001001",
	} {
		if found := d.Search(query, 10); found != nil {
			t.Errorf("%s finds %s", name, codes(found))
		}
	}
	for _, query := range []string{strings.Repeat("surgery ", 10<<20/8), "densham\x00", "'; DROP TABLE practices; --"} {
		if n := testing.AllocsPerRun(10, func() { d.Search(query, 10) }); n != 0 {
			t.Errorf("%.20q costs %v allocations", query, n)
		}
	}
}

func TestSearchGivesAtMostWhatIsAsked(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	all := d.Search("london", 1<<40)
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, 7: 7, 50: 50, 51: 50} {
		if found := d.Search("london", limit); len(found) != want || codes(found) != codes(all[:want]) {
			t.Errorf("%d: %d practices", limit, len(found))
		}
	}
}

// spelled is a practice that may be offered, with the words of its fields.
type spelled struct {
	Practice
	name, town, elsewhere []string
}

func spell(d *Directory) (all []spelled) {
	of := func(s string) []string { return strings.Fields(string(fold(nil, s))) }
	for i := range d.rows {
		p := d.line(i).practice()
		if p.Status == Open && p.Code.String()[0] != 'W' {
			all = append(all, spelled{p, of(p.Name), of(p.Town), of(p.Address + " " + p.County)})
		}
	}
	return all
}

// plain is the rule of Search, said without an index.
func plain(all []spelled, words []string) []string {
	type scored struct {
		practice       Practice
		points, unsaid int
	}
	var found []scored
next:
	for _, p := range all {
		outward, inward, _ := strings.Cut(p.Postcode.Text(), " ")
		s := scored{practice: p.Practice, unsaid: len(p.name)}
		for _, w := range words {
			best := 0
			places := func(have []string, begun, whole int) (any bool) {
				for _, h := range have {
					if h == w {
						best, any = max(best, whole), true
					} else if strings.HasPrefix(h, w) {
						best, any = max(best, begun), true
					}
				}
				return any
			}
			if places(p.name, 3, 4) {
				s.unsaid--
			}
			places(p.town, 3, 4)
			places([]string{outward + inward, outward + " " + inward}, 3, 4)
			if w == outward {
				best = 4
			}
			places(p.elsewhere, 1, 2)
			if best == 0 {
				continue next
			}
			s.points += best
		}
		found = append(found, s)
	}
	slices.SortFunc(found, func(a, b scored) int {
		if a.points != b.points {
			return b.points - a.points
		}
		if a.unsaid != b.unsaid {
			return a.unsaid - b.unsaid
		}
		return strings.Compare(a.practice.Name+"\x00"+a.practice.Town+"\x00"+a.practice.Code.String(), b.practice.Name+"\x00"+b.practice.Town+"\x00"+b.practice.Code.String())
	})
	var c []string
	for _, f := range found[:min(len(found), MaxOffered)] {
		c = append(c, f.practice.Code.String())
	}
	return c
}

func TestSearchAgreesWithItsRuleSaidPlainly(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	all := spell(d)
	r := rand.New(rand.NewPCG(4, 5))
	compared := 0
	for range 60 {
		p := all[r.IntN(len(all))]
		have := slices.Concat(p.name, p.town, p.elsewhere)
		have = append(have, p.Postcode.Text(), strings.ReplaceAll(p.Postcode.Text(), " ", ""))
		var words []string
		for range 1 + r.IntN(3) {
			w := have[r.IntN(len(have))]
			if r.IntN(2) == 0 {
				w = strings.TrimSpace(w[:1+r.IntN(len(w))])
			}
			words = append(words, w)
		}
		query := strings.Join(words, " ")
		var typed []string
		for _, w := range queryWords(nil, fold(nil, query)) {
			typed = append(typed, w.text)
		}
		slices.Sort(typed)
		slices.Sort(words)
		if !slices.Equal(typed, slices.Compact(words)) {
			continue // words that happen to make a postcode, or "and": the tables above say what is meant
		}
		compared++
		if got, want := strings.Fields(codes(d.Search(query, MaxOffered))), plain(all, slices.Compact(words)); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%q finds\n%v, want\n%v", query, got, want)
		}
	}
	if compared < 40 {
		t.Errorf("only %d queries were compared", compared)
	}
}

func TestSearchFindsNamesInSmallLettersAndBeyondASCII(t *testing.T) {
	t.Parallel()
	l, fault, _ := cutRow(strings.Replace(published, "THE DENSHAM SURGERY", "Dr Müller’s Café-Surgery", 1))
	if fault != "" {
		t.Fatal(fault)
	}
	d, err := Parse(packed(t, headline+"1\n"+string(l)+"\n"), []byte(successorHeader))
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"mullers", "MÜLLER'S", "cafe", "surgery café", "dr muller"} {
		if found := d.Search(query, 1); len(found) != 1 || found[0].Name != "Dr Müller’s Café-Surgery" {
			t.Errorf("%q finds %v", query, found)
		}
	}
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		"densham", "ts18 1hu", "TS181HU", "st mary's", "st mary’s", "dénshäm", "a81001", "A8161 0", "and", "and and", "&", "'", "m1 1", "1hu ts18",
		"\x00", "🙂", "\u202e", "\u0301", "\xff", "'; DROP TABLE practices; --", "٤٢", "ß", "ﬁ", "İ", "w1a 1aa w1a 1aa", strings.Repeat("a ", 100), strings.Repeat("é", 100),
	} {
		f.Add(seed, 10)
	}
	d := shipped(f)
	f.Fuzz(func(t *testing.T, query string, limit int) {
		found := d.Search(query, limit)
		if len(found) > max(0, min(limit, MaxOffered)) {
			t.Fatalf("%d practices for %d", len(found), limit)
		}
		seen := map[string]bool{}
		words := queryWords(nil, fold(nil, query))
		typed, noCode := nhs.ParseODSCode(query)
		for _, p := range found {
			if code := p.Code.String(); seen[code] || p.Status != Open || code[0] == 'W' {
				t.Fatalf("%s is offered", code)
			}
			seen[p.Code.String()] = true
			if noCode == nil && p.Code == typed { // "A8161 0"
				continue
			}
			have := fold([]byte(" "), p.Name+" "+p.Address+" "+p.Town+" "+p.County+" "+p.Postcode.Text()+" "+p.Code.String())
			for _, w := range words {
				joined := " " + strings.ReplaceAll(p.Postcode.Text(), " ", "")
				if !bytes.Contains(have, []byte(" "+w.text)) && !strings.HasPrefix(joined, " "+w.text) {
					t.Fatalf("%q finds %+v, which has no %q", query, p, w.text)
				}
			}
		}
	})
}

// What people type: one word, a town, a postcode, an address; and what costs most.
var typed = []string{
	"densham", "stockton on tees", "london", "TS18", "ts18 1hu", "st mary's", "medical centre", "the surgery", "s", "a b c d e f g h i j k l m n o p q r s t u v",
	"The Densham Surgery, The Health Centre, Lawson Street, Stockton on Tees, Cleveland, TS18 1HU",
	"s st su sur surg surge surger surgery m me med medi medic medica medical c ce cen cent centr centre",
}

func TestAQueryAllocatesItsAnswerAndLittleElse(t *testing.T) {
	d := shipped(t)
	for _, query := range typed {
		least := 100.0 // the race detector empties pools at random, so that one run may pay for a new tally
		for range 10 {
			least = min(least, testing.AllocsPerRun(1, func() { d.Search(query, 10) }))
		}
		if least > 3 {
			t.Errorf("%q: %v allocations", query, least)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	d := shipped(b)
	d.Search("s", 1)
	for i, query := range typed {
		b.Run(fmt.Sprintf("%02d %.24s", i, query), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Search(query, 10)
			}
		})
	}
}
