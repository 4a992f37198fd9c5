package directory

import (
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

// Closed: A81003, B81003, B81004, B81005. Dormant: A81043. Open: A81001, A81002.
func small(tb testing.TB, successors string) (*Directory, error) {
	tb.Helper()
	ods := string(excerpt(tb, "ods-2023.csv"))
	for row := range strings.SplitSeq(ods, "\n") {
		if strings.HasPrefix(row, `"A81003"`) {
			for _, code := range []string{"B81003", "B81004", "B81005"} {
				ods += strings.Replace(row, "A81003", code, 1) + "\n"
			}
		}
	}
	file, _, faults, err := Cut([]byte(ods))
	if err != nil || len(faults) != 0 {
		tb.Fatal(err, faults)
	}
	return Parse(file, []byte(successors))
}

func TestSuccessors(t *testing.T) {
	t.Parallel()
	const head = "closed,successor,from\n"
	for name, c := range map[string]struct {
		file   string
		want   map[string]string // closed → open
		faults string
	}{
		"none are on file":                                  {head, nil, ""},
		"an open successor is given":                        {head + "A81003,A81001,2017-11-01\n", map[string]string{"A81003": "A81001"}, ""},
		"a dormant practice may have one":                   {head + "A81043,A81001,2023-01-01\n", map[string]string{"A81043": "A81001"}, ""},
		"two practices may merge into one":                  {head + "A81003,A81001,2017-11-01\nB81003,A81001,2017-11-01\n", map[string]string{"A81003": "A81001", "B81003": "A81001"}, ""},
		"a successor that closed is followed to the end":    {head + "B81004,B81005,2018-01-01\nA81003,B81003,2017-11-01\nB81003,B81004,2017-12-01\nB81005,A81002,2019-01-01\n", map[string]string{"A81003": "A81002", "B81003": "A81002", "B81004": "A81002", "B81005": "A81002"}, ""},
		"lines may end with carriage returns":               {"closed,successor,from\r\nA81003,A81001,2017-11-01\r\n", map[string]string{"A81003": "A81001"}, ""},
		"an empty file is refused":                          {"", nil, "line 1: successor-header (closed,successor,from)"},
		"a file without header is refused":                  {"A81003,A81001,2017-11-01\n", nil, "line 1: successor-header (closed,successor,from)"},
		"a line of two fields is refused":                   {head + "A81003,A81001\n", nil, "line 2: successor-csv (wrong number of fields)"},
		"a stray quote is refused":                          {head + "A81003,A8\"1001,2017-11-01\n", nil, "line 2: successor-csv (bare \" in non-quoted-field)"},
		"a code that is none is refused":                    {head + "A8100,A81001,2017-11-01\n", nil, "line 2: successor-code (A8100)"},
		"a code with a space is refused":                    {head + "A81003, A81001,2017-11-01\n", nil, "line 2: successor-code ( A81001)"},
		"a Welsh successor is refused":                      {head + "A81003,W91003,2017-11-01\n", nil, "line 2: successor-code (W91003)"},
		"the code for not registered is refused":            {head + "A81003,V81999,2017-11-01\n", nil, "line 2: successor-code (V81999)"},
		"an unknown closed practice is refused":             {head + "Z99999,A81001,2017-11-01\n", nil, "line 2: successor-unknown (Z99999)"},
		"an unknown successor is refused":                   {head + "A81003,Z99999,2017-11-01\n", nil, "line 2: successor-unknown (Z99999)"},
		"a successor of an open practice is refused":        {head + "A81001,A81002,2017-11-01\n", nil, "line 2: successor-open (A81001)"},
		"two successors of one practice are refused":        {head + "A81003,A81001,2017-11-01\nA81003,A81002,2017-11-01\n", nil, "line 3: successor-twice (A81003)"},
		"a day that is none is refused":                     {head + "A81003,A81001,2017-11-31\n", nil, "line 2: successor-from (2017-11-31)"},
		"a practice that follows itself is a cycle":         {head + "A81003,A81003,2017-11-01\n", nil, "line 2: successor-cycle (A81003)"},
		"a cycle is refused, and what leads into it":        {head + "A81003,B81003,2017-11-01\nB81003,B81004,2017-11-01\nB81004,B81003,2017-11-01\n", nil, "line 2: successor-cycle (A81003)\nline 3: successor-cycle (B81003)\nline 4: successor-cycle (B81004)"},
		"a chain that ends at a closed practice is refused": {head + "A81003,B81003,2017-11-01\n", nil, "line 2: successor-ends (B81003 is closed)"},
		"a chain that ends at a dormant one is refused":     {head + "A81003,A81043,2017-11-01\n", nil, "line 2: successor-ends (A81043 is dormant)"},
		"every wrong line is named":                         {head + "A8100,A81001,2017-11-01\nA81003,A81001,2017-11-01\nB81003,Z99999,2017-11-01\n", nil, "line 2: successor-code (A8100)\nline 4: successor-unknown (Z99999)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := small(t, c.file)
			if c.faults != "" {
				if err == nil || err.Error() != "successors: "+c.faults || d != nil {
					t.Errorf("%v, want %s", err, c.faults)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for closed, want := range c.want {
				if got, ok := d.Successor(nhs.StoredODSCode(closed)); !ok || got.String() != want {
					t.Errorf("%s goes to %s, want %s", closed, got, want)
				}
			}
			if got, ok := d.Successor(nhs.StoredODSCode("A81001")); ok || len(d.successors) != len(c.want) {
				t.Errorf("an open practice goes to %s; %d successors", got, len(d.successors))
			}
		})
	}
}

func TestNoSuccessorsAreShipped(t *testing.T) {
	t.Parallel()
	if d := shipped(t); len(d.successors) != 0 || string(shippedSuccessors) != "closed,successor,from\n" {
		t.Errorf("%q", shippedSuccessors)
	}
}
