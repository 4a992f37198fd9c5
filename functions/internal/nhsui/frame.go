package nhsui

import (
	"html/template"
	"strings"
)

// Frame is a page of ours from its first to its last line, around its Body. What is nil is not there.
type Frame struct {
	Tag, Dir string // its language
	Title    string
	Logo     bool   // the NHS logo may be used, and icons that show it
	Scripts  bool   // there is something that scripts improve; the others load none
	Wide     bool   // the body takes the whole width: lists and forms side by side
	Refresh  int    // seconds until a browser loads it again; 0: never
	Script   string // a file of its own, loaded behind the common one; "": none
	Sheet    string // likewise, of styles
	Skip     *SkipLink
	Header   *Header
	Back     *BackLink
	Errors   *ErrorSummary
	Body     template.HTML
	Footer   *Footer
}

// HTML shows the page.
func (f Frame) HTML() string {
	page := struct {
		Frame
		Stylesheets []string
		Modules     []string
		Icons       []IconLink
		Early       template.JS
	}{Frame: f, Stylesheets: []string{Stylesheet(f.Dir)}, Icons: Icons(f.Logo)}
	if own := shelf().address(f.Sheet); own != "" {
		page.Stylesheets = append(page.Stylesheets, own)
	}
	if script, ok := Script(); ok && f.Scripts {
		page.Modules, page.Early = []string{script}, EarlyScript
		if own := shelf().address(f.Script); own != "" {
			page.Modules = append(page.Modules, own)
		}
	}
	var b strings.Builder
	if err := own().ExecuteTemplate(&b, "frame", page); err != nil {
		panic("nhsui: " + err.Error())
	}
	return b.String()
}
