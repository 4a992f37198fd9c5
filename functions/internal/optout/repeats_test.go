package optout_test

import (
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
)

// tabled reads a table: its columns, and its rows by their names.
func tabled(t *testing.T, table string) (columns []string, rows map[string][]string) {
	t.Helper()
	rows = map[string][]string{}
	for n, line := range strings.Split(strings.TrimSpace(table), "\n") {
		name, rest, _ := strings.Cut(line, "|")
		cells := strings.Fields(strings.ReplaceAll(rest, "|", ""))
		if name = strings.TrimSpace(name); n == 0 {
			columns = cells
			continue
		}
		if len(cells) != len(columns) || rows[name] != nil {
			t.Fatalf("%s has %d cells of %d, or is there twice", name, len(cells), len(columns))
		}
		rows[name] = cells
	}
	return columns, rows
}

// colleague is somebody else of the same practice, mailbox or desk: at a practice, of the other role where both may.
func colleague(verb string) optout.Actor {
	by := acts[verb].by
	by.ID = "u-8"
	if by.Role == optout.AtPractice {
		by.Role = optout.Clinician
	}
	return by
}

// stranger is somebody else with the same standing.
func stranger(verb string) optout.Actor {
	by := acts[verb].by
	if by.Role != optout.MESH && by.Role != optout.Clinician {
		by.Role = optout.AtPractice
	}
	by.Practice, by.ID = elsewhere, "u-9"
	return by
}

// again are the ways in which something can be said again.
var again = map[string]func(h *house, verb string, ref optout.Reference) string{
	"same": func(h *house, v string, r optout.Reference) string { h.key = aKey; return h.outcome(v, r, acts[v].by) },
	"peer": func(h *house, v string, r optout.Reference) string {
		h.key = aKey
		return h.outcome(v, r, colleague(v))
	},
	"bare": func(h *house, v string, r optout.Reference) string { return h.outcome(v, r, acts[v].by) },
	"both": func(h *house, v string, r optout.Reference) string { return h.outcome(v, r, colleague(v)) },
	"new": func(h *house, v string, r optout.Reference) string {
		h.key = otherKey
		return h.outcome(v, r, acts[v].by)
	},
	"alien": func(h *house, v string, r optout.Reference) string { h.key = aKey; return h.outcome(v, r, stranger(v)) },
	"words": func(h *house, v string, r optout.Reference) string {
		h.key, h.words = aKey, "in other words"
		return h.outcome(v, r, acts[v].by)
	},
	"else": func(h *house, v string, r optout.Reference) string {
		h.key, h.otherwise = aKey, true
		return h.outcome(v, r, acts[v].by)
	},
	"verb": func(h *house, v string, r optout.Reference) string {
		another := map[optout.Role][2]string{
			optout.Desk: {"wro", "nud"}, optout.Supervisor: {"rel", "sup"}, optout.Office: {"com", "con"},
			optout.MESH: {"del", "unf"}, optout.AtPractice: {"col", "put"}, optout.Clinician: {"col", "put"},
		}[acts[v].by.Role]
		h.key = aKey
		if another[0] == v {
			return h.outcome(another[1], r, acts[v].by)
		}
		return h.outcome(another[0], r, acts[v].by)
	},
	"anew": func(h *house, v string, r optout.Reference) string {
		h.words, h.otherwise = "in other words", true
		return h.outcome(v, r, acts[v].by)
	},
}

// What comes of saying something again at once, by what was done, in every state in which the table of states lets it
// be done.
//
// Under the key that it was first said under: by the same person (same); by a colleague (peer); in other words (words);
// with other details, if it has any (else); under that key another verb (verb); by another practice or mailbox (alien).
// Under no key, by the same person (bare) or a colleague (both); under a key of its own (new). Under none, in other
// words and details: that is no repeat (anew).
//
// As the table of states, and K: KEY_USED.
const repeats = `
did     | same peer bare both new | words else verb | alien anew
wro o   | =    =    =    =    =   | K     K    K    | F     N
wro e   | =    =    =    =    =   | K     K    K    | F     e
rel reg | =    =    =    =    =   | K     K    K    | F     N
rel e   | =    =    =    =    =   | K     K    K    | F     e
sup ans | =    =    =    =    =   | K     K    K    | F     e
sup e   | =    =    =    =    =   | K     K    K    | F     e
ass reg | =    =    =    =    =   | K     K    K    | F     N
ass rou | =    =    =    =    =   | K     K    K    | F     N
ass e   | =    =    =    =    =   | K     K    K    | F     e
del del | =    =    =    =    =   | K     =    K    | F     e
del e   | =    =    =    =    =   | K     =    K    | F     e
unf o   | =    =    =    =    =   | K     =    K    | F     o
unf rou | =    =    =    =    =   | K     =    K    | F     o
unf e   | =    =    =    =    =   | K     =    K    | F     e
rej reg | =    =    =    =    =   | K     K    K    | F     N
rej e   | =    =    =    =    =   | K     K    K    | F     e
col col | =    =    =    =    =   | K     =    K    | F     N
col e   | =    =    =    =    =   | K     =    K    | F     e
put rou | =    =    =    =    =   | K     =    K    | F     N
put e   | =    =    =    =    =   | K     =    K    | F     e
app app | =    =    =    =    =   | K     K    K    | F     N
app e   | =    =    =    =    =   | K     K    K    | F     e
cor col | =    =    =    =    =   | K     =    K    | F     N
cor e   | =    =    =    =    =   | K     =    K    | F     e
ret ret | =    =    =    =    =   | K     K    K    | F     F
ret e   | =    =    =    =    =   | K     K    K    | F     e
has che | =    =    =    =    =   | K     K    K    | F     e
has e   | =    =    =    =    =   | K     K    K    | F     e
lac dou | =    =    =    =    =   | K     K    K    | F     N
lac e   | =    =    =    =    =   | K     K    K    | F     e
kee col | =    =    =    =    =   | K     =    K    | F     N
kee e   | =    =    =    =    =   | K     =    K    | F     e
ref ans | =    =    =    =    =   | K     K    K    | F     e
ref e   | =    =    =    =    =   | K     K    K    | F     e
tak wit | =    =    =    =    =   | K     K    K    | F     e
tak e   | =    =    =    =    =   | K     K    K    | F     e
rep ans | =    =    =    =    =   | K     =    K    | F     e
rep e   | =    =    =    =    =   | K     =    K    | F     e
con ans | =    =    =    =    =   | K     =    K    | F     e
con e   | =    =    =    =    =   | K     =    K    | F     e
com hel | =    =    =    =    =   | K     =    K    | F     N
com reg | =    =    =    =    =   | K     =    K    | F     N
com e   | =    =    =    =    =   | K     =    K    | F     e
num o   | =    =    =    =    =   | K     K    K    | F     o
num e   | =    =    =    =    =   | K     K    K    | F     e
nud o   | =    =    =    =    =   | K     K    K    | F     o
nud reg | =    =    =    =    =   | K     K    K    | F     o
nud e   | =    =    =    =    =   | K     K    K    | F     e
`

func TestWhatIsSaidAgainGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	ways, want := tabled(t, repeats)
	verbs, states := tabled(t, table)
	judged, seen := 0, map[string]bool{}
	for state, cells := range states {
		for n, verb := range verbs {
			did := cells[n]
			if did == "F" || did == "N" || did == "=" {
				continue
			}
			row := verb + " " + did
			if _, special := want[row+", "+state]; special {
				row += ", " + state
			}
			if want[row] == nil {
				t.Fatalf("%s is not in the table", row)
			}
			seen[row] = true
			for i, way := range ways {
				h := newHouse(t)
				ref := reach[state](h)
				h.Move(time.Minute)
				h.key, h.run = aKey, h.Now()
				if got := h.outcome(verb, ref, acts[verb].by); got != did {
					t.Fatalf("%s, %s: %s, want %s", state, verb, got, did)
				}
				h.Move(time.Minute)
				h.key = ""
				if got := again[way](h, verb, ref); got != want[row][i] {
					t.Errorf("%s, %s, again (%s): %s, want %s", state, row, way, got, want[row][i])
				}
				judged++
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("of %d rows only %d are about something that can be done", len(want), len(seen))
	}
	t.Logf("%d cells: %d ways to say again what can be done in %d states", judged, len(ways), len(states))
}
