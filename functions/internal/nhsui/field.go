package nhsui

import "cmp"

// FormGroup is the element around a field with its label, hint and error message.
type FormGroup struct {
	AfterInput *Content   `json:"afterInput"`
	Classes    string     `json:"classes"`
	Attributes Attributes `json:"attributes"`
}

func (g FormGroup) marked(wrong *ErrorMessage) FormGroup {
	g.Classes = classes("nhsuk-form-group", when(wrong != nil, "nhsuk-form-group--error"), g.Classes)
	return g
}

// described gives the hint and the error message of a field their ids, and adds them to what describes the field.
// What says nothing is nil.
func described(id, by string, hint *Hint, wrong *ErrorMessage) (string, *Hint, *ErrorMessage) {
	if hint.empty() {
		hint = nil
	} else {
		h := *hint
		h.ID = cmp.Or(h.ID, id+"-hint")
		by, hint = classes(by, h.ID), &h
	}
	if wrong.empty() {
		wrong = nil
	} else {
		w := *wrong
		w.ID = cmp.Or(w.ID, id+"-error")
		by, wrong = classes(by, w.ID), &w
	}
	return by, hint, wrong
}
