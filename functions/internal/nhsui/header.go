package nhsui

import (
	"cmp"
	"html/template"
)

// Header says at the top of a page whose it is.
type Header struct {
	Logo             Logo          `json:"logo"`
	WithoutLogo      bool          `json:"-"` // the NHS logo is for those who may use it; fixtures know no page without
	Organisation     *Organisation `json:"organisation"`
	Service          Service       `json:"service"`
	Search           *Search       `json:"search"`
	Account          *Account      `json:"account"`
	Navigation       *Navigation   `json:"navigation"`
	Colour           string        `json:"colour"` // white
	Inline           bool          `json:"inline"` // search and account beside the logo
	ContainerClasses string        `json:"containerClasses"`
	ID               string        `json:"id"`
	Classes          string        `json:"classes"`
	Attributes       Attributes    `json:"attributes"`

	Linked Linked `json:"-"` // follows from logo, organisation and service
}

// Logo is the NHS logo, or another image in its place.
type Logo struct {
	Href      string `json:"href"`
	Src       string `json:"src"`
	Alt       string `json:"alt"` // NHS
	AriaLabel string `json:"ariaLabel"`
}

// Organisation is the name of an organisation beside the logo, on two lines where it is split.
type Organisation struct {
	Name       string `json:"name"`
	Split      string `json:"split"`
	Descriptor string `json:"descriptor"`
}

// Service is the name of the service.
type Service struct {
	Text string `json:"text"`
	Href string `json:"href"`
}

// Linked is where logo and service lead. They are one link where both would lead to the same page.
type Linked struct {
	Href, AriaLabel string
	Together        bool
}

// Search searches a whole site.
type Search struct {
	Action string           `json:"action"` // the NHS website's
	Name   string           `json:"name"`   // q
	Input  SearchInput      `json:"input"`
	Label  SearchInputLabel `json:"label"`
}

// SearchInput is the field of a search.
type SearchInput struct {
	Placeholder string `json:"placeholder"` // Search
}

// SearchInputLabel says what is searched.
type SearchInputLabel struct {
	VisuallyHiddenText string `json:"visuallyHiddenText"` // Search the NHS website
}

// Account says who is signed in, with links to what is theirs.
type Account struct {
	Items     []AccountItem `json:"items"`
	AriaLabel string        `json:"ariaLabel"` // Account
}

// AccountItem is a name, a link, or a form with one button, such as to sign out.
type AccountItem struct {
	Text   string        `json:"text"`
	HTML   template.HTML `json:"html"`
	Icon   bool          `json:"icon"`
	Href   string        `json:"href"`
	Action string        `json:"action"`
	Method string        `json:"method"` // post
}

// Navigation leads to the parts of a service.
type Navigation struct {
	Items     []NavigationItem `json:"items"`
	AriaLabel string           `json:"ariaLabel"` // Menu
	Colour    string           `json:"colour"`    // white
	Justified bool             `json:"justified"`
	Classes   string           `json:"classes"`
}

// NavigationItem is one part of a service.
type NavigationItem struct {
	Text    string        `json:"text"`
	HTML    template.HTML `json:"html"`
	Href    string        `json:"href"`
	Current bool          `json:"current"` // this page
	Active  bool          `json:"active"`  // this page is in that part
}

// Field is what is searched for. It shows its button as HTML, because that is inside the input's own element.
func (s Search) Field() Input {
	button := Button{AriaLabel: "Search", Small: true, Icon: &Icon{Name: "search", Placement: "start"}}
	return Input{
		ID: "search-field", Name: cmp.Or(s.Name, "q"), Type: "search", Autocomplete: "off",
		Label:       Label{Text: cmp.Or(s.Label.VisuallyHiddenText, "Search the NHS website"), Classes: "nhsuk-u-visually-hidden"},
		Placeholder: cmp.Or(s.Input.Placeholder, "Search"),
		FormGroup:   FormGroup{AfterInput: &Content{HTML: HTML(button)}},
	}
}

func (Header) name() string { return "header" }

func (h Header) resolved() Component {
	h.Classes = classes("nhsuk-header", variant(h.Classes, "nhsuk-header--", h.Colour, "white"),
		when(h.Inline, "nhsuk-header--inline"), when(h.Organisation != nil, "nhsuk-header--organisation"), h.Classes)
	h.Logo.Alt = cmp.Or(h.Logo.Alt, "NHS")
	h.Linked = h.linked()
	if n := h.Navigation; n != nil && len(n.Items) == 0 {
		h.Navigation = nil
	} else if n != nil {
		styled := *n
		styled.Classes = classes("nhsuk-header__navigation", variant(n.Classes, "nhsuk-header__navigation--", n.Colour, "white"),
			when(n.Justified, "nhsuk-header__navigation--justified"), n.Classes)
		h.Navigation = &styled
	}
	return h
}

func (h Header) linked() Linked {
	l := Linked{Href: h.Logo.Href, AriaLabel: h.Logo.AriaLabel}
	l.Together = h.Service.Href != "" && (h.Logo.Href == h.Service.Href || h.Logo.Href == "" && h.Service.Text != "")
	if l.Together {
		l.Href = h.Service.Href
	}
	if l.AriaLabel != "" {
		return l
	}
	var says []string
	if !h.WithoutLogo {
		says = append(says, h.Logo.Alt)
	}
	if h.Organisation != nil {
		says = append(says, h.Organisation.Name, h.Organisation.Split)
	}
	if l.Together {
		says = append(says, h.Service.Text)
	}
	l.AriaLabel = classes(append(says, "homepage")...)
	return l
}
