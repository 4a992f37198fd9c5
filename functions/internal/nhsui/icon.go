package nhsui

// Icon is an icon beside a text that says the same.
type Icon struct {
	Name      string `json:"name"`      // arrow-left, search, user …
	Placement string `json:"placement"` // in a button: start or end
}

func (Icon) name() string { return "icon" }

func (i Icon) resolved() Component { return i }
