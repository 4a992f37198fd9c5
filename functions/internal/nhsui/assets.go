package nhsui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// In assets/ is what we wrote ourselves. In assets/built/, which `make` fills and git ignores, is what is built from
// the design system's package; without it our own plain stylesheet and icon do.
//
//go:embed assets
var embedded embed.FS

// Hashing waits for the first page, as parsing does.
var shelf = sync.OnceValue(func() assets { return shelved(embedded) })

// EarlyScript is the whole of a script element at the beginning of the body. Before anything is painted it says there
// whether scripts run, which styles and scripts ask. It is the design system's own page template's, to the letter.
const EarlyScript template.JS = `document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? ' nhsuk-frontend-supported' : '');`

// EarlyScriptSource is what a Content-Security-Policy names in script-src to let EarlyScript run.
func EarlyScriptSource() string {
	sum := sha256.Sum256([]byte(EarlyScript))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Stylesheet is the address of the styles for all pages that are read in one direction, ltr or rtl. What is behind an
// address never changes: it names its hash.
func Stylesheet(dir string) string {
	if dir == "rtl" {
		return shelf().address("nhsuk-rtl.css", "plain.css")
	}
	return shelf().address("nhsuk.css", "plain.css")
}

// Script is the address of the components' behaviours, a module. All pages work without it; there may be none.
func Script() (address string, ok bool) {
	address = shelf().address("nhsuk.js")
	return address, address != ""
}

// IconLink is a link in the head of a page.
type IconLink struct{ Rel, Href, Sizes, Type string }

// Icons are a page's, in the order in which browsers want them. The NHS's show its logo, which is a trade mark: they
// are for pages whose Header shows it.
func Icons(logo bool) []IconLink { return shelf().icons(logo) }

func (a assets) icons(logo bool) []IconLink {
	if drawn := a.address("favicon.svg"); logo && drawn != "" {
		return []IconLink{
			{Rel: "icon", Href: a.address("favicon.ico"), Sizes: "48x48"}, // for browsers that know no SVG icons
			{Rel: "icon", Href: drawn, Sizes: "any", Type: "image/svg+xml"},
			{Rel: "apple-touch-icon", Href: a.address("nhsuk-icon-180.png")},
		}
	}
	return []IconLink{{Rel: "icon", Href: a.address("plain.svg"), Sizes: "any", Type: "image/svg+xml"}}
}

// ServeAsset answers with the asset of this name, the last part of its address, in the encoding that the client likes
// best. It answers nothing and returns false where there is no such asset.
func ServeAsset(w http.ResponseWriter, r *http.Request, name string) bool {
	return shelf().serve(w, r, name)
}

// assets are what is served beside pages.
type assets struct {
	named   map[string]asset
	renamed map[string]string // from file names to the names under which they are served
}

// asset is the same content in each encoding that was made of it.
type asset struct {
	contentType         string
	plain, gzip, brotli []byte
}

// contentTypes are those of files that are served. Other files stand beside one: what is in nhsuk.css.br is nhsuk.css.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".ico": "image/x-icon",
	".js":  "text/javascript; charset=utf-8",
	".png": "image/png",
	".svg": "image/svg+xml",
}

func shelved(files fs.FS) assets {
	all := assets{named: map[string]asset{}, renamed: map[string]string{}}
	content := map[string][]byte{}
	if err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content[file], err = fs.ReadFile(files, file)
		return err
	}); err != nil {
		panic("nhsui: " + err.Error()) // what is embedded can be read
	}
	for file, plain := range content {
		ext := path.Ext(file)
		if contentTypes[ext] == "" {
			continue
		}
		sum := sha256.Sum256(plain)
		base := path.Base(file)
		name := strings.TrimSuffix(base, ext) + "-" + hex.EncodeToString(sum[:])[:12] + ext // build.mjs does the same
		all.renamed[base] = name
		all.named[name] = asset{contentType: contentTypes[ext], plain: plain, gzip: content[file+".gz"], brotli: content[file+".br"]}
	}
	return all
}

// address is that of the first of these files that there is, or empty.
func (a assets) address(files ...string) string {
	for _, f := range files {
		if name, ok := a.renamed[f]; ok {
			return "/assets/" + name
		}
	}
	return ""
}

func (a assets) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	found, ok := a.named[name]
	if !ok {
		return false
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	found.ServeHTTP(w, r)
	return true
}

// Packed is a page that is the same for everybody, compressed once.
func Packed(page string) http.Handler {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one that there is
	_, _ = z.Write([]byte(page))                          // and a buffer takes everything
	_ = z.Close()
	return asset{contentType: "text/html; charset=utf-8", plain: []byte(page), gzip: b.Bytes()}
}

// ServeHTTP answers in the encoding that the client likes best.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	encoding, body := a.accepted(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Vary", "Accept-Encoding")
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	_, _ = w.Write(body) // a client that went away needs no answer
}

// accepted is the content in the encoding to which the header gives the greatest weight, and the smallest of equals.
// Where it refuses all of them the content goes out as it is, as RFC 9110 (12.5.3) permits.
func (a asset) accepted(header string) (encoding string, body []byte) {
	weights := weights(header)
	best, body := weights["identity"], a.plain
	for _, e := range [...]struct {
		name string
		body []byte
	}{{"gzip", a.gzip}, {"br", a.brotli}} {
		weight, named := weights[e.name]
		if !named {
			weight = weights["*"]
		}
		if e.body != nil && weight > 0 && weight >= best {
			best, encoding, body = weight, e.name, e.body
		}
	}
	return encoding, body
}

// weights are what an Accept-Encoding header says of each encoding: from 0, not at all, to 1. What is no weight is 0.
func weights(header string) map[string]float64 {
	weights := map[string]float64{}
	for item := range strings.SplitSeq(header, ",") {
		encoding, parameter, _ := strings.Cut(strings.ToLower(strings.Join(strings.Fields(item), "")), ";")
		weight := 1.0
		if parameter != "" {
			var err error
			if weight, err = strconv.ParseFloat(strings.TrimPrefix(parameter, "q="), 64); err != nil || !(weight >= 0 && weight <= 1) {
				weight = 0
			}
		}
		weights[encoding] = weight
	}
	return weights
}
