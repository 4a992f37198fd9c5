package nhsui

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
)

// Nunjucks has no types: a label may be an object or its text alone, a list may hold false where an item is left
// out. What follows reads those shorthands into the options that they stand for, and refuses options it does not
// know. Deprecated options that fixtures still use are read into the ones that took their place.

// strict decodes one value and refuses fields that it does not have.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// short decodes an object, or calls what a single text or truth stands for.
func short(b []byte, object any, text *string, truth func(bool)) error {
	switch {
	case b[0] == '"' && text != nil:
		return json.Unmarshal(b, text)
	case (b[0] == 't' || b[0] == 'f') && truth != nil:
		truth(b[0] == 't')
		return nil
	}
	return strict(b, object)
}

func empty(bool) {}

func (a *Attributes) UnmarshalJSON(b []byte) error {
	var loose map[string]any
	if err := json.Unmarshal(b, &loose); err != nil {
		return err
	}
	*a = Attributes{}
	for k, v := range loose {
		(*a)[k] = fmt.Sprint(v)
	}
	return nil
}

func (c *Colour) UnmarshalJSON(b []byte) error {
	return short(b, nil, (*string)(c), func(bool) { *c = NoColour })
}

func (h *Hint) UnmarshalJSON(b []byte) error {
	type object Hint
	return short(b, (*object)(h), &h.Text, nil)
}

func (e *ErrorMessage) UnmarshalJSON(b []byte) error {
	type object ErrorMessage
	return short(b, (*object)(e), &e.Text, empty)
}

func (h *Heading) UnmarshalJSON(b []byte) error {
	type object Heading
	return short(b, (*object)(h), &h.Text, empty)
}

func (c *Caption) UnmarshalJSON(b []byte) error {
	type object Caption
	return short(b, (*object)(c), &c.Text, nil)
}

func (l *Label) UnmarshalJSON(b []byte) error {
	type object Label
	return short(b, (*object)(l), &l.Text, nil)
}

func (l *Legend) UnmarshalJSON(b []byte) error {
	type object Legend
	return short(b, (*object)(l), &l.Text, nil)
}

// The macro knows no classes of an item, but a fixture has some.
func (i *BreadcrumbItem) UnmarshalJSON(b []byte) error {
	type object BreadcrumbItem
	o := struct {
		*object
		Classes any `json:"classes"`
	}{object: (*object)(i)}
	return strict(b, &o)
}

func (s *Summary) UnmarshalJSON(b []byte) error {
	type object Summary
	return short(b, (*object)(s), &s.Text, nil)
}

func (c *Content) UnmarshalJSON(b []byte) error {
	type object Content
	return short(b, (*object)(c), &c.Text, nil)
}

func (a *Affix) UnmarshalJSON(b []byte) error {
	type object Affix
	return short(b, (*object)(a), &a.Text, nil)
}

func (p *DatePart) UnmarshalJSON(b []byte) error {
	type object DatePart
	return short(b, (*object)(p), nil, func(part bool) { p.Omitted = !part })
}

func (c *Choice) UnmarshalJSON(b []byte) error {
	type object Choice
	o := struct {
		*object
		Exclusive bool   `json:"exclusive"`      // deprecated
		Group     string `json:"exclusiveGroup"` // deprecated
	}{object: (*object)(c)}
	if err := strict(b, &o); err != nil {
		return err
	}
	if o.Exclusive {
		c.Behaviour = "exclusive"
	}
	c.BehaviourGroup = cmp.Or(c.BehaviourGroup, o.Group)
	return nil
}

func (a *Actions) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return strict(b, (*[]Action)(a))
	}
	return strict(b, &struct{ Items *[]Action }{(*[]Action)(a)})
}

func (c *Card) UnmarshalJSON(b []byte) error {
	type object Card
	return short(b, (*object)(c), nil, empty)
}

func (c *SummaryCell) UnmarshalJSON(b []byte) error {
	type object SummaryCell
	return short(b, (*object)(c), &c.Text, nil)
}

func (c *Cell) UnmarshalJSON(b []byte) error {
	type object Cell
	return short(b, (*object)(c), &c.Text, nil)
}

func (o *Order) UnmarshalJSON(b []byte) error {
	return short(b, nil, (*string)(o), func(bool) { *o = Sortable })
}

func (t *Table) UnmarshalJSON(b []byte) error {
	type object Table
	o := struct {
		*object
		Heading Heading `json:"heading"`      // deprecated
		Level   int     `json:"headingLevel"` // deprecated
		Panel   bool    `json:"panel"`        // deprecated
	}{object: (*object)(t)}
	if err := strict(b, &o); err != nil {
		return err
	}
	if o.Panel {
		o.Heading.Level = o.Level
		t.Card = &Card{Heading: o.Heading, Variant: "feature"}
	}
	return nil
}

func (m *FooterMeta) UnmarshalJSON(b []byte) error {
	type object FooterMeta
	return short(b, (*object)(m), &m.Text, nil)
}

func (c *FooterColumns) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return strict(b, (*[]FooterColumn)(c))
	}
	*c = make(FooterColumns, 1)
	return strict(b, &(*c)[0])
}

func (s *Search) UnmarshalJSON(b []byte) error {
	type object Search
	return short(b, (*object)(s), nil, empty)
}

// withoutFalse drops the items that a list leaves out.
func withoutFalse(v any) any {
	switch v := v.(type) {
	case []any:
		kept := []any{}
		for _, item := range v {
			if item != false {
				kept = append(kept, withoutFalse(item))
			}
		}
		return kept
	case map[string]any:
		for k, item := range v {
			v[k] = withoutFalse(item)
		}
	}
	return v
}

// options are a fixture's as JSON without shorthand for lists. What it has between {% call %} and {% endcall %}
// stands where the component takes HTML.
func options(component string, f fixture) ([]byte, error) {
	var given map[string]any
	if err := json.Unmarshal(f.Context, &given); err != nil {
		return nil, err
	}
	if f.Call != nil {
		block := map[string]any{"html": *f.Call}
		switch component {
		case "error-summary", "card":
			given["description"] = block
		case "footer":
			given["meta"] = block
		default:
			given["html"] = *f.Call
		}
	}
	return json.Marshal(withoutFalse(given))
}
