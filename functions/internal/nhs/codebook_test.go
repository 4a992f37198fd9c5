package nhs_test

import (
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

// published are ids of SNOMED CT that are well known, short and long. They are of diseases, roots and modules: which
// ids stand for a preference is not known here.
var published = []string{
	"22298006", "24700007", "73211009", "38341003", "138875005", "116680003", "404684003", "195967001", "763158003",
	"900000000000207008", "900000000000012004", "999000011000000103",
}

// Every cell of the table in the domain facts, and what is no cell.
func TestWhatClinicalCodesStandFor(t *testing.T) {
	t.Parallel()
	snomed := map[nhs.Preference]string{nhs.Dissent: published[0], nhs.Core: published[1]}
	book, err := nhs.NewCodebook(snomed)
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]nhs.Preference{
		"9Ndl.": nhs.Implied,
		"9Ndm.": nhs.Core, "XaXbY": nhs.Core, published[1]: nhs.Core,
		"9Ndn.": nhs.CoreAndAdditional, "XaXbZ": nhs.CoreAndAdditional,
		"9Ndo.": nhs.Dissent, "XaXj6": nhs.Dissent, published[0]: nhs.Dissent,
		"93C3.": nhs.Dissent, "XaKRy": nhs.Dissent, // refusal, on older systems
		"9Ndl": nhs.Implied, "9Ndm": nhs.Core, "9Ndn": nhs.CoreAndAdditional, "9Ndo": nhs.Dissent, "93C3": nhs.Dissent,
		" 9Ndo.\r\n": nhs.Dissent, "\tXaXj6 ": nhs.Dissent,
		"9ndo.": "", "9NDO.": "", "xaxj6": "", "XAXJ6": "", "9Ndo..": "", "9Nd": "", "9Nd..": "", ".": "", "": "", "  ": "", "XaXj6.": "", "XaXj": "",
		"9Ndo.x": "", "dissent": "", published[2]: "", "9Ndo. XaXj6": "",
	} {
		got, ok := book.Preference(given)
		if got != want || ok != (want != "") {
			t.Errorf("%q stands for %q, %v; want %q", given, got, ok, want)
		}
	}
	if p, ok := (nhs.Codebook{}).Preference("9Ndo."); p != nhs.Dissent || !ok {
		t.Error("a codebook without SNOMED CT does not know the other systems")
	}
	if p, ok := (nhs.Codebook{}).Preference(published[0]); ok {
		t.Errorf("%s stands for %s, and nobody said so", published[0], p)
	}
}

func TestWhichCodesAreShown(t *testing.T) {
	t.Parallel()
	book, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Dissent: published[0], nhs.Implied: ""})
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[nhs.Preference]nhs.Codes{
		nhs.Implied:           {ReadV2: "9Ndl."},
		nhs.Core:              {ReadV2: "9Ndm.", CTV3: "XaXbY"},
		nhs.CoreAndAdditional: {ReadV2: "9Ndn.", CTV3: "XaXbZ"},
		nhs.Dissent:           {ReadV2: "9Ndo.", CTV3: "XaXj6", SNOMED: published[0]}, // and not the refusal of older systems
		"refusal":             {},
	} {
		got := book.Codes(p)
		if got != want {
			t.Errorf("%s is %+v, want %+v", p, got, want)
		}
		for _, c := range []string{got.ReadV2, got.CTV3, got.SNOMED} {
			if back, ok := book.Preference(c); c != "" && (back != p || !ok) {
				t.Errorf("%s is shown for %s and understood as %s", c, p, back)
			}
		}
	}
}

func TestIdsOfSNOMEDCTAreRefusedUnlessTheyCanBeOne(t *testing.T) {
	t.Parallel()
	one := func(id string) map[nhs.Preference]string { return map[nhs.Preference]string{nhs.Dissent: id} }
	for name, c := range map[string]struct {
		snomed map[nhs.Preference]string
		want   string
	}{
		"none":                      {nil, ""},
		"one that is not known":     {one(""), ""},
		"one for each of two":       {map[nhs.Preference]string{nhs.Dissent: "22298006", nhs.Core: "24700007"}, ""},
		"the same for two":          {map[nhs.Preference]string{nhs.Dissent: "22298006", nhs.Core: "22298006"}, "sctid-said-twice"},
		"two that are not known":    {map[nhs.Preference]string{nhs.Dissent: "", nhs.Core: ""}, ""},
		"one for no preference":     {map[nhs.Preference]string{"refusal": "22298006"}, "sctid-unknown-preference"},
		"a wrong digit":             {one("22298007"), "sctid-check-digit"},
		"six digits":                {one("123008"), ""},
		"five digits":               {one("12340"), "sctid-shape"},
		"nineteen digits":           {one("9000000000002070080"), "sctid-shape"},
		"a description's":           {one("22298010"), "sctid-no-concept"},
		"a relationship's":          {one("22298023"), "sctid-no-concept"},
		"a description's, long":     {one("999000011000000119"), "sctid-no-concept"},
		"a digit of another script": {one("2229800٦"), "sctid-shape"},
		"spaces":                    {one(" 22298006"), "sctid-shape"},
		"a sign":                    {one("-22298006"), "sctid-shape"},
		"zeros in front":            {one("022298006"), "sctid-shape"},
		"a code of Read":            {one("9Ndo.."), "sctid-shape"},
		"an id and its words":       {one("22298006|x|"), "sctid-shape"},
		"NUL":                       {one("22298006\x00"), "sctid-shape"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := nhs.NewCodebook(c.snomed)
			if code(err) != c.want || (err == nil) != (c.want == "") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestEveryWrongDigitAndEverySwapInAnIdIsCaught(t *testing.T) {
	t.Parallel()
	passes := func(id string) bool {
		_, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Dissent: id})
		return err == nil
	}
	for _, id := range published {
		if !passes(id) {
			t.Errorf("%s is refused", id)
		}
		for i := range id {
			for _, digit := range strings.Replace("0123456789", id[i:i+1], "", 1) {
				if wrong := id[:i] + string(digit) + id[i+1:]; passes(wrong) {
					t.Errorf("%s passes for %s", wrong, id)
				}
			}
			if i > 0 && id[i] != id[i-1] {
				if swapped := id[:i-1] + id[i:i+1] + id[i-1:i] + id[i+1:]; passes(swapped) {
					t.Errorf("%s passes for %s", swapped, id)
				}
			}
		}
	}
}
