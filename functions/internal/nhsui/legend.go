package nhsui

// Legend says what the fields of a Fieldset are for. Its options are a Label's; For is not used.
type Legend Label

func (Legend) name() string { return "legend" }

func (l Legend) resolved() Component {
	l = Legend(Label(l).titled())
	l.Classes = classes("nhsuk-fieldset__legend",
		variant(l.Classes, "nhsuk-fieldset__legend--", l.Size, "s", "m", "l", "xl"), l.Classes)
	if l.Caption != nil && l.Caption.Placement == "before" {
		l.Caption.Placement = "start" // a legend must be the first in its fieldset
	}
	return l
}
