package directory

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

func excerpt(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestBothLayoutsOfThePublishedFileGiveTheSameCut(t *testing.T) {
	t.Parallel()
	older, rows, faults, err := Cut(excerpt(t, "ods-2023.csv"))
	if err != nil || rows != 18 || len(faults) != 0 {
		t.Fatalf("%d rows, %v, %v", rows, faults, err)
	}
	newer, rows, faults, err := Cut(excerpt(t, "ods-newer.csv"))
	if err != nil || rows != 18 || len(faults) != 0 {
		t.Fatalf("%d rows, %v, %v", rows, faults, err)
	}
	again, _, _, _ := Cut(excerpt(t, "ods-2023.csv"))
	if !bytes.Equal(older, newer) || !bytes.Equal(older, again) {
		t.Error("the same practices give another cut")
	}
	d, err := Parse(older, []byte(successorHeader))
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]Practice{
		"A81001": {Status: Open, Opened: nhs.StoredDate("1974-04-01"), Postcode: nhs.StoredPostcode("TS18 1HU"), Name: "THE DENSHAM SURGERY", Address: "THE HEALTH CENTRE, LAWSON STREET", Town: "STOCKTON ON TEES", County: "CLEVELAND"},
		"A81003": {Status: Closed, Opened: nhs.StoredDate("1974-04-01"), Closed: nhs.StoredDate("2017-10-31"), Postcode: nhs.StoredPostcode("TS26 8DB"), Name: "VICTORIA MEDICAL PRACTICE", Address: "THE HEALTH CENTRE, VICTORIA ROAD", Town: "HARTLEPOOL", County: "CLEVELAND"},
		"A81027": {Status: Open, Opened: nhs.StoredDate("1974-04-01"), Postcode: nhs.StoredPostcode("TS15 9DD"), Name: "YARM MEDICAL PRACTICE", Address: "YARM MEDICAL PRACTICE, MULBERRY HOUSE, 1 WORSALL ROAD", Town: "YARM", County: "CLEVELAND"},
		"A81043": {Status: Dormant, Opened: nhs.StoredDate("1974-04-01"), Postcode: nhs.StoredPostcode("TS6 0HA"), Name: "THE MANOR HOUSE SURGERY", Address: "THE MANOR HOUSE SURGERY, BRAIDWOOD ROAD, NORMANBY", Town: "MIDDLESBROUGH", County: "CLEVELAND"},
		"P84683": {Status: Open, Opened: nhs.StoredDate("1992-06-19"), Postcode: nhs.StoredPostcode("M1 3LY"), Name: "THE DOC'S SURGERY", Address: "THE DOC'S SURGERY, 55-59 BLOOM STREET", Town: "MANCHESTER"},
	} {
		want.Code = nhs.StoredODSCode(code)
		if got, ok := d.Find(want.Code); !ok || got != want {
			t.Errorf("%s is\n%#v, want\n%#v", code, got, want)
		}
	}
}

// published is a row that is taken; each test spoils one column of it.
const published = `"A81001","THE DENSHAM SURGERY","Y63","QHM","THE HEALTH CENTRE","LAWSON STREET","STOCKTON ON TEES","CLEVELAND","","TS18 1HU","19740401","","A","B","16C","20200401","","01642 672351","","","","0","","16C","","4",""`

func TestARowIsTakenWholeOrRefusedByItsReason(t *testing.T) {
	t.Parallel()
	spoil := func(old, replacement string) string {
		if !strings.Contains(published, old) {
			t.Fatalf("%q is not in the row", old)
		}
		return strings.Replace(published, old, replacement, 1)
	}
	for name, c := range map[string]struct{ row, fault string }{
		"a row as published is taken":                        {published, ""},
		"a row without quotes is taken":                      {strings.ReplaceAll(published, `"`, ""), ""},
		"a proposed practice is taken":                       {spoil(`"A","B"`, `"PROPOSED","B"`), ""},
		"an open practice with a planned closure is taken":   {spoil(`"19740401",""`, `"19740401","20301231"`), ""},
		"a Welsh practice is taken":                          {spoil("A81001", "W91001"), ""},
		"a name beyond ASCII is taken":                       {spoil("DENSHAM", "DÊNSHAM’S"), ""},
		"an empty line is refused":                           {"", "row-csv"},
		"a stray quote is refused":                           {spoil("DENSHAM", `DEN"SHAM`), "row-csv"},
		"a quote that never ends is refused":                 {published[:len(published)-1], "row-csv"},
		"a missing column is refused":                        {spoil(`,"4",""`, `,"4"`), "row-columns"},
		"a column too many is refused":                       {published + `,""`, "row-columns"},
		"a header is refused":                                {"Organisation Code,Name", "row-columns"},
		"a row of 10 MB is refused":                          {spoil("DENSHAM", strings.Repeat("D", 10<<20)), "row-too-long"},
		"a NUL is refused":                                   {spoil("DENSHAM", "DEN\x00SHAM"), "row-unusable-character"},
		"a tab, which would part fields, is refused":         {spoil("DENSHAM", "DEN\tSHAM"), "row-unusable-character"},
		"a carriage return inside is refused":                {spoil("DENSHAM", "DEN\rSHAM"), "row-unusable-character"},
		"a right-to-left override is refused":                {spoil("DENSHAM", "DEN\u202eSHAM"), "row-unusable-character"},
		"bytes that are not UTF-8 are refused":               {spoil("DENSHAM", "DEN\xffSHAM"), "row-unusable-character"},
		"a prison or hospital is refused":                    {spoil(`"4"`, `"9"`), "not-a-gp-practice"},
		"a setting of the newer layout but no GP is refused": {spoil(`"4"`, `"RO87"`), "not-a-gp-practice"},
		"an unknown status is refused":                       {spoil(`"A","B"`, `"X","B"`), "status-unknown"},
		"no status is refused":                               {spoil(`"A","B"`, `"","B"`), "status-unknown"},
		"a branch code is refused":                           {spoil("A81001", "A81001001"), "practice-code-shape"},
		"a code in small letters is refused":                 {spoil("A81001", "a81001"), "practice-code-shape"},
		"a Welsh code in small letters is refused":           {spoil("A81001", "w91001"), "practice-code-shape"},
		"no code is refused":                                 {spoil("A81001", ""), "practice-code-shape"},
		"the code for no fixed abode is refused":             {spoil("A81001", "V81997"), "practice-code-not-a-practice"},
		"the code for unknown is refused":                    {spoil("A81001", "V81998"), "practice-code-not-a-practice"},
		"the code for not registered is refused":             {spoil("A81001", "V81999"), "practice-code-not-a-practice"},
		"no name is refused":                                 {spoil("THE DENSHAM SURGERY", "  "), "name-missing"},
		"half a postcode is refused":                         {spoil("TS18 1HU", "TS18"), "postcode-shape"},
		"no postcode is refused":                             {spoil("TS18 1HU", ""), "postcode-shape"},
		"the postcode of no place is refused":                {spoil("TS18 1HU", "ZZ99 3VZ"), "postcode-not-a-place"},
		"31 June is refused":                                 {spoil("19740401", "19740631"), "opened-date"},
		"no opening is refused":                              {spoil("19740401", ""), "opened-date"},
		"a closed practice without its day is refused":       {spoil(`"A","B"`, `"C","B"`), "closed-date"},
		"a closure on no day is refused":                     {spoil(`"19740401",""`, `"19740401","20171331"`), "closed-date"},
		"a closure before the opening is refused":            {spoil(`"19740401",""`, `"19740401","19740331"`), "closed-before-opened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, fault, _ := cutRow(c.row)
			if fault != c.fault || (l == "") != (fault != "") {
				t.Errorf("%q, fault %q, want %q", l, fault, c.fault)
			}
		})
	}
}

func TestRefusedRowsAreCountedAndNumberedFromOne(t *testing.T) {
	t.Parallel()
	file, rows, faults, err := Cut([]byte("\ufeff" + published + "\r\n\n" + published + "\r\n" + strings.Replace(published, "A81001", "A80001", 1)))
	if err != nil || rows != 4 || len(faults) != 2 {
		t.Fatalf("%d rows, %v, %v", rows, faults, err)
	}
	if got := faults[0].Error() + "; " + faults[1].Error(); got != "line 2: row-csv; line 3: code-twice (A81001)" {
		t.Error(got)
	}
	text, err := unpack(file)
	if err != nil || !strings.HasPrefix(text, "practices\t1\t2\nA80001\tA\t") {
		t.Errorf("%q, %v", text, err)
	}
	for name, ods := range map[string]string{"an empty file": "", "a file of headers": "Code,Name\n"} {
		if file, _, _, err := Cut([]byte(ods)); err == nil || file != nil {
			t.Errorf("%s is cut", name)
		}
	}
}

func TestAddressesArePartedIntoTownAndCounty(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"THE HEALTH CENTRE|LAWSON STREET|STOCKTON ON TEES|CLEVELAND|": "THE HEALTH CENTRE, LAWSON STREET / STOCKTON ON TEES / CLEVELAND",
		"MULBERRY HOUSE|1 WORSALL ROAD|YARM, CLEVELAND||":             "MULBERRY HOUSE, 1 WORSALL ROAD / YARM / CLEVELAND",
		"7 TRINITY MEWS,N. ORMESBY|MIDDLESBROUGH|||":                  "7 TRINITY MEWS, N. ORMESBY / MIDDLESBROUGH / ",
		"DURHAM||||":         " / DURHAM / ",
		"BOWBURN|DURHAM|||":  "BOWBURN / DURHAM / ",
		"|||BATH,|":          " / BATH / ",
		"KENT||||":           " / KENT / ",
		"||||":               " /  / ",
		"MARKET PLACE||LEEK": "MARKET PLACE / LEEK / ",
	} {
		address, town, county := splitAddress(strings.Split(given, "|"))
		if got := address + " / " + town + " / " + county; got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
}

func FuzzCutRow(f *testing.F) {
	for _, file := range []string{"ods-2023.csv", "ods-newer.csv"} {
		for row := range strings.SplitSeq(string(excerpt(f, file)), "\n") {
			f.Add(row)
		}
	}
	for _, odd := range []string{`"`, `""""`, ",,,", strings.Replace(published, "DENSHAM", "D\tE\nN\u202e", 1), strings.Repeat(",", 26)} {
		f.Add(odd)
	}
	f.Fuzz(func(t *testing.T, row string) {
		l, fault, _ := cutRow(row)
		if fault != "" {
			if l != "" {
				t.Fatalf("%s and taken", fault)
			}
			return
		}
		if strings.Contains(string(l), "\n") || !l.whole() {
			t.Fatalf("the line has another shape: %q", l)
		}
		p := l.practice()
		if _, err := nhs.ParsePostcode(p.Postcode.Text(), false); err != nil {
			t.Fatal(err)
		}
		if _, err := nhs.ParseDate(p.Opened.ISO()); err != nil || p.Name == "" || p.Status.String() == "unknown" {
			t.Fatalf("%+v", p)
		}
		text := headline + "1\n" + string(l) + "\n"
		r, err := rows(text)
		if err != nil {
			t.Fatal(err)
		}
		newIndex(text, r)
	})
}

func TestACutThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	first, _, _ := cutRow(published)
	second, _, _ := cutRow(strings.Replace(published, "A81001", "A81002", 1))
	whole := headline + "2\n" + string(first) + "\n" + string(second) + "\n"
	for name, c := range map[string]struct {
		text  string
		taken bool
	}{
		"a whole cut is taken":                        {whole, true},
		"nothing is refused":                          {"", false},
		"another file is refused":                     {strings.Replace(whole, "practices", "surgeries", 1), false},
		"a later layout is refused":                   {strings.Replace(whole, "\t1\t", "\t2\t", 1), false},
		"a line too few is refused":                   {strings.Replace(whole, "\t2\n", "\t3\n", 1), false},
		"a line too many is refused":                  {strings.Replace(whole, "\t2\n", "\t1\n", 1), false},
		"a count that no memory holds is refused":     {strings.Replace(whole, "\t2\n", "\t99999999999\n", 1), false},
		"a last line without its end is refused":      {whole[:len(whole)-1], false},
		"lines out of order are refused":              {headline + "2\n" + string(second) + "\n" + string(first) + "\n", false},
		"a code twice is refused":                     {headline + "2\n" + string(first) + "\n" + string(first) + "\n", false},
		"a field too few is refused":                  {headline + "1\n" + strings.Replace(string(first), "CLEVELAND\t", "", 1) + "\n", false},
		"a short line is refused":                     {headline + "1\nA81001\n", false},
		"a code of another length is refused":         {headline + "1\n" + "A8" + string(first) + "\n", false},
		"an empty line is refused":                    {headline + "1\n\n", false},
		"a cut of no practices is taken, if it is so": {headline + "0\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse(packed(t, c.text), []byte(successorHeader)); (err == nil) != c.taken {
				t.Errorf("%v", err)
			}
		})
	}
	file := packed(t, whole)
	file[len(file)-5] ^= 1
	for name, file := range map[string][]byte{"a file that is not packed": []byte(whole), "a broken checksum": file, "half a file": file[:len(file)/2]} {
		if _, err := Parse(file, []byte(successorHeader)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func packed(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
