package nhsui

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
)

// Choice is one of Radios or Checkboxes, or what stands between two: a Divider.
type Choice struct {
	ID          string        `json:"id"` // of the first: its group's; numbered from 2 on
	Value       string        `json:"value"`
	Text        string        `json:"text"`
	HTML        template.HTML `json:"html"`
	Hint        *Hint         `json:"hint"`
	Checked     bool          `json:"checked"`
	Disabled    *bool         `json:"disabled"` // nil: as its group
	Conditional *Conditional  `json:"conditional"`
	Divider     string        `json:"divider"`
	Classes     string        `json:"classes"`
	Attributes  Attributes    `json:"attributes"`

	// Of checkboxes only.
	Name           string `json:"name"`           // its group's
	Behaviour      string `json:"behaviour"`      // exclusive: "none of these"; inclusive: "all of these"
	BehaviourGroup string `json:"behaviourGroup"` // to which that applies; empty: of the same name

	DescribedBy string `json:"-"` // follows from the hint
}

// Conditional is shown once its choice is checked.
type Conditional struct {
	HTML template.HTML `json:"html"`
}

// group is what choices have in common.
type group struct {
	name, prefix, describedBy, hintClass string
	disabled                             bool
	chosen                               []string
}

// choices are complete with what they take from their group.
func (g group) choices(items []Choice) []Choice {
	filled := make([]Choice, len(items))
	for n, c := range items {
		id := g.prefix
		if n > 0 {
			id += "-" + strconv.Itoa(n+1)
		}
		c.ID, c.Name = cmp.Or(c.ID, id), cmp.Or(c.Name, g.name)
		c.Checked = c.Checked || slices.Contains(g.chosen, c.Value)
		c.Disabled = cmp.Or(c.Disabled, &g.disabled)
		if !*c.Disabled {
			c.Disabled = nil // templates take a pointer for true
		}
		c.DescribedBy = g.describedBy
		if c.Hint.empty() {
			c.Hint = nil
		} else {
			h := *c.Hint
			h.ID, h.Classes = cmp.Or(h.ID, c.ID+"-item-hint"), classes(g.hintClass, h.Classes)
			c.Hint, c.DescribedBy = &h, classes(g.describedBy, h.ID)
		}
		filled[n] = c
	}
	return filled
}
