package signin

import (
	"slices"
	"strings"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// The issuer's groups that mean something here, beside ods-<code> for each practice that a person works at.
const (
	groupMailroom   = "mailroom"
	groupSupervisor = "supervisor" // of the mailroom, and of whatever else the person works at
	groupOffice     = "office"
	groupClinician  = "clinician" // at all of the person's practices
	groupPractice   = "ods-"
)

// grants are what a person's groups allow.
type grants struct {
	groups    []string      // those that mean something, each once
	practices []nhs.ODSCode // each once, in the order of the groups
}

// parseGroups passes over what means nothing here: an issuer has groups of others too.
func parseGroups(groups []string) (g grants) {
	for _, group := range groups {
		code, ofPractice := strings.CutPrefix(group, groupPractice)
		practice, err := nhs.ParseODSCode(code)
		switch {
		case ofPractice && err == nil && !slices.Contains(g.practices, practice):
			g.practices = append(g.practices, practice)
			g.groups = append(g.groups, groupPractice+practice.String())
		case slices.Contains([]string{groupMailroom, groupSupervisor, groupOffice, groupClinician}, group) && !slices.Contains(g.groups, group):
			g.groups = append(g.groups, group)
		}
	}
	return g
}

// role is as whom the person acts at an audience's door; "" for somebody who has no business there.
func (g grants) role(a Audience) optout.Role {
	in := func(group string) bool { return slices.Contains(g.groups, group) }
	switch {
	case a == Practice && len(g.practices) > 0 && in(groupClinician):
		return optout.Clinician
	case a == Practice && len(g.practices) > 0:
		return optout.AtPractice
	case a == Mailroom && in(groupSupervisor):
		return optout.Supervisor
	case a == Mailroom && in(groupMailroom):
		return optout.Desk
	case a == Office && in(groupOffice):
		return optout.Office
	}
	return ""
}

// supervises says that the person oversees what others do at the doors that let them in. It lets nobody in but at the
// mailroom.
func (g grants) supervises() bool { return slices.Contains(g.groups, groupSupervisor) }
