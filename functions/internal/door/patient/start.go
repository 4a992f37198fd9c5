package patient

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
)

//go:embed start.gohtml
var startSource string

//go:embed start.css
var startStyle string

var startPage = template.Must(template.New("start").Parse(startSource))

// styleHash lets the page's own style through the content security policy, and no other.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(startStyle))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// start says what this service is: GET /.
func (d Door) start(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer
	err := startPage.Execute(&page, struct {
		Controller string
		Style      template.CSS
	}{d.Controller, template.CSS(startStyle)})
	if err != nil {
		panic("start page: " + err.Error())
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(page.Bytes())
}
