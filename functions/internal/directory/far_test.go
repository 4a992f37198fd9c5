package directory

import (
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

func TestPeopleAreAskedAboutAPracticeThatIsFarFromTheirHome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code, home string
		want       bool
	}{
		"the same area":                                   {"A81001", "TS26 8DB", false},
		"the same postcode":                               {"A81001", "TS18 1HU", false},
		"Stockton and Darlington":                         {"A81001", "DL1 1AA", false},
		"Spennymoor and Middlesbrough":                    {"A83001", "TS1 1AA", false},
		"Stockton and Newcastle, by the coast of Durham":  {"A81001", "NE1 1AA", false},
		"Sherburn-in-Elmet and Bradford":                  {"B82031", "BD1 1AA", false},
		"Hackney and the City":                            {"F84003", "EC1A 1AA", false},
		"Fulham and Canary Wharf, both in London":         {"E85008", "E14 1AA", false},
		"Fulham and Croydon":                              {"E85008", "CR0 1AA", false},
		"Caterham and Streatham":                          {"H81045", "SW16 1AA", false},
		"Fulham and Kingston":                             {"E85008", "KT1 1AA", false},
		"Didcot and Reading":                              {"K84002", "RG1 1AA", false},
		"Redditch and Walsall":                            {"M81001", "WS1 1AA", false},
		"Liverpool and the Wirral, by their county":       {"N82001", "CH41 1AA", false},
		"Bolton and Wigan, by their county":               {"P82001", "WN1 1AA", false},
		"Hereford and Cheltenham, by one practice":        {"M81009", "GL50 1AA", false},
		"Lydney and Chepstow, across the border of Wales": {"L84011", "NP16 5AA", false},
		"a closed practice in the next area":              {"A81003", "DL1 1AA", false},
		"Stockton and Plymouth":                           {"A81001", "PL1 1AA", true},
		"Sherburn-in-Elmet and Southampton":               {"B82031", "SO14 1AA", true},
		"Newcastle and Truro":                             {"A83038", "TR1 1AA", true},
		"Manchester and Hackney":                          {"P83001", "E8 1AA", true},
		"Manchester and Maidstone, M and ME":              {"P83001", "ME14 1AA", true},
		"a closed practice, far away":                     {"A81003", "PL1 1AA", true},
		"Stockton and Cardiff":                            {"A81001", "CF10 1AA", true},
		"Ashford in Kent and in Middlesex":                {"G82050", "TW15 1AA", true},
		"Richmond in Yorkshire and Richmond upon Thames":  {"B82023", "TW9 1AA", true},
		"Newport in Shropshire and Newport in Wight":      {"M82028", "PO30 1AA", true},
		"practices of the numbers that name no place":     {"A81001", "TR1 1AA", true},
		"neighbours between which every border runs":      {"E82002", "LU1 1AA", true},
		"a neighbour's neighbour":                         {"A81001", "CA1 1AA", true},
		"an unknown practice":                             {"A00000", "PL1 1AA", false},
		"no postcode":                                     {"A81001", "", false},
		"a BFPO number":                                   {"A81001", "BFPO 61", false},
		"a forces' postcode":                              {"A81001", "BF1 1AA", false},
		"no fixed abode":                                  {"A81001", "ZZ99 3VZ", false},
		"Jersey":                                          {"A81001", "JE2 3AB", false},
		"Guernsey":                                        {"A81001", "GY1 1AA", false},
		"the Isle of Man":                                 {"A81001", "IM1 1AA", false},
		"Scotland":                                        {"A81001", "EH1 1AA", false},
		"Northern Ireland":                                {"A81001", "BT1 1AA", false},
		"an area that there is not":                       {"A81001", "XX1 1AA", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var home nhs.Postcode
			if c.home != "" {
				var err error
				if home, err = nhs.ParsePostcode(c.home, true); err != nil {
					t.Fatal(err)
				}
			}
			if got := (Shipped{}).Far(nhs.StoredODSCode(c.code), home); got != c.want {
				t.Errorf("%s and %s: far is %v, want %v", c.code, c.home, got, c.want)
			}
		})
	}
	if (Shipped{}).Far(nhs.ODSCode{}, nhs.StoredPostcode("PL1 1AA")) {
		t.Error("no practice is far")
	}
}

// A practice as published is in A81, STOCKTON ON TEES, CLEVELAND and TS; each row of these says where another is.
func TestAreasAreNeighboursIfOpenPracticesShareAPlace(t *testing.T) {
	t.Parallel()
	ods := published + "\n"
	for _, r := range [][5]string{
		{"A81901", "DARLINGTON", "COUNTY DURHAM", "DL1 1AA", "A"}, // TS by district
		{"A83901", "DURHAM", "COUNTY DURHAM", "DH1 1AA", "A"},     // DL by county, and by nothing else
		{"H81901", "LONDON", "", "SW1A 1AA", "A"},
		{"F81901", "LONDON", "", "E1 1AA", "A"}, // SW by town
		{"G81901", "STOCKTON ON TEES", "KENT", "CT1 1AA", "A"},
		{"A81902", "YORK", "NORTH YORKSHIRE", "YO1 1AA", "C"},
		{"B81901", "HULL", "", "HU1 1AA", "A"},
		{"Y00901", "TRURO", "CORNWALL", "TR1 1AA", "A"},
		{"Y00902", "NEWCASTLE", "TYNE AND WEAR", "NE1 1AA", "A"},
		{"W96901", "KNIGHTON", "POWYS", "LD7 1AA", "A"},
		{"M82901", "CLUN", "POWYS", "SY7 1AA", "A"},
	} {
		row := published
		for i, was := range [5]string{"A81001", "STOCKTON ON TEES", "CLEVELAND", "TS18 1HU", `"A","B"`} {
			if i == 4 {
				r[4] = `"` + r[4] + `","B"`
			}
			row = strings.Replace(row, was, r[i], 1)
		}
		ods += strings.Replace(row, `"19740401",""`, `"19740401","20171031"`, 1) + "\n"
	}
	file, _, faults, err := Cut([]byte(ods))
	if err != nil || len(faults) != 0 {
		t.Fatal(err, faults)
	}
	d, err := Parse(file, []byte(successorHeader))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		code, home string
		want       bool
	}{
		"one district": {"A81001", "DL1 1AA", false},
		"one district, asked from the other side": {"A81901", "TS18 1HU", false},
		"one county":                                 {"A83901", "DL1 1AA", false},
		"a neighbour's neighbour":                    {"A83901", "TS18 1HU", true},
		"one town that needs no county":              {"H81901", "E1 1AA", false},
		"two towns of one name":                      {"G81901", "TS18 1HU", true},
		"towns in no county are not of one county":   {"H81901", "HU1 1AA", true},
		"two numbers in a row":                       {"Y00901", "NE1 1AA", true},
		"a county in two nations":                    {"M82901", "LD7 1AA", false},
		"a closed practice brings nobody together":   {"A81001", "YO1 1AA", false},
		"nor is anybody asked who lives by it alone": {"Y00901", "YO1 1AA", false},
		"a closed practice where there is no other":  {"A81902", "TR1 1AA", false},
		"a practice far from everywhere":             {"Y00901", "CT1 1AA", true},
	} {
		if got := d.Far(nhs.StoredODSCode(c.code), nhs.StoredPostcode(c.home)); got != c.want {
			t.Errorf("%s: far is %v, want %v", name, got, c.want)
		}
	}
}

// How much is asked: of all pairs of an open practice and the postcode of another.
func TestNineInTenSlipsAreAskedAbout(t *testing.T) {
	t.Parallel()
	d := shipped(t)
	practices := map[string]int{} // of an area
	all := 0
	for i := range d.rows {
		if p := d.line(i).practice(); p.Status == Open {
			practices[area(p.Postcode.Text())]++
			all++
		}
	}
	near, pairs := 0, 0
	for a, n := range practices {
		for b, m := range practices {
			if d.near()[[2]string{a, b}] != d.near()[[2]string{b, a}] {
				t.Errorf("%s is as near to %s as the other way round", a, b)
			}
			if d.near()[[2]string{a, b}] {
				near += n * m
				pairs++
			}
		}
	}
	t.Logf("%d areas, %d pairs of neighbours, %.1f %% of all pairs of practices near", len(practices), (pairs-len(practices))/2, 100*float64(near)/float64(all*all))
	if len(practices) != 105 || pairs != 105+2*372 || near != 4_191_448 {
		t.Errorf("%d areas, %d pairs, %d of %d near: put the new numbers here and to Far", len(practices), pairs, near, all*all)
	}
}

// What the first question of a cold start pays beside Load.
func BenchmarkFirstFar(b *testing.B) {
	d := shipped(b)
	b.ReportAllocs()
	for b.Loop() {
		newNear(d.text, d.rows)
	}
}

func BenchmarkFar(b *testing.B) {
	d := shipped(b)
	code, home := nhs.StoredODSCode("P84683"), nhs.StoredPostcode("TS18 1HU")
	b.ReportAllocs()
	for b.Loop() {
		d.Far(code, home)
	}
}
