package signin

import (
	"slices"
	"strings"
	"testing"

	"example.org/optout/functions/internal/nhs"
)

// Whatever an issuer says, what is kept of it means the same when it is read again, holds each thing once, and no
// practice is among it whose code is none.
func FuzzGroups(f *testing.F) {
	for _, s := range []string{"ods-A81001,ods-a81001,clinician", "office,,office", "ods-", "ods-V81999", "ods-ods-A81001", "ods- A 8-1001", "supervisor,\x00,mailroom\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		g := parseGroups(strings.Split(said, ","))
		again := parseGroups(g.groups)
		if !slices.Equal(g.groups, again.groups) || !slices.Equal(g.practices, again.practices) {
			t.Errorf("%q is %v and then %v", said, g, again)
		}
		for n, group := range g.groups {
			if slices.Contains(g.groups[:n], group) || group != groupMailroom && group != groupSupervisor && group != groupOffice && group != groupClinician && !strings.HasPrefix(group, groupPractice) {
				t.Errorf("%q is kept as %v", said, g.groups)
			}
		}
		for _, practice := range g.practices {
			if code, err := nhs.ParseODSCode(practice.String()); err != nil || code != practice || !slices.Contains(g.groups, groupPractice+code.String()) {
				t.Errorf("%q has the practice %s", said, practice)
			}
		}
		if len(g.practices) == 0 && g.role(Practice) != "" {
			t.Errorf("%q is let in", said)
		}
	})
}
