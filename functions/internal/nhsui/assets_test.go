package nhsui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// needBuilt skips where nothing was built of the design system, loudly, and fails where nothing may be skipped.
func needBuilt(t *testing.T) {
	t.Helper()
	if _, ok := Script(); !ok {
		const why = "nothing is built of the design system, run `make test`"
		if os.Getenv("NO_SKIP") == "1" {
			t.Fatal(why)
		}
		t.Skip("SKIPPED, only our plain stylesheet was looked at: " + why)
	}
}

// ask is the answer to a request for what is at an address.
func ask(t *testing.T, a assets, address, acceptEncoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Header.Set("Accept-Encoding", acceptEncoding)
	w := httptest.NewRecorder()
	if !a.serve(w, r, strings.TrimPrefix(address, "/assets/")) {
		t.Fatalf("nothing is at %q", address)
	}
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stylesheets are all that a page may wear.
func stylesheets(t *testing.T) map[string]string {
	t.Helper()
	sheets := map[string]string{}
	for _, file := range []string{"plain.css", "nhsuk.css", "nhsuk-rtl.css"} {
		if address := shelf().address(file); address != "" {
			sheets[file] = string(body(t, ask(t, shelf(), address, "")))
		}
	}
	return sheets
}

func TestNamesCarryTheHashOfWhatIsServed(t *testing.T) {
	t.Parallel()
	for name := range shelf().named {
		answer := ask(t, shelf(), "/assets/"+name, "")
		sum := sha256.Sum256(body(t, answer))
		ext := path.Ext(name)
		if !strings.HasSuffix(name, "-"+hex.EncodeToString(sum[:])[:12]+ext) {
			t.Errorf("%s is the name of something else", name)
		}
		h := answer.Header
		if h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Vary") != "Accept-Encoding" || h.Get("Content-Type") != contentTypes[ext] {
			t.Errorf("%s is served with %v", name, h)
		}
	}
	for dir, name := range map[string]string{"ltr": "nhsuk", "rtl": "nhsuk-rtl"} {
		if sheet := Stylesheet(dir); !regexp.MustCompile(`^/assets/(` + name + `|plain)-[0-9a-f]{12}\.css$`).MatchString(sheet) {
			t.Errorf("the stylesheet for %s is %q", dir, sheet)
		}
	}
}

func TestANameThatIsNotServedIsAnsweredByNobody(t *testing.T) {
	t.Parallel()
	right := path.Base(Stylesheet("ltr"))
	for _, name := range []string{"", "plain.css", "built", "built/nhsuk.css", "../nhsui.go", right + ".gz", strings.ToUpper(right), "plain-000000000000.css"} {
		w := httptest.NewRecorder()
		if ServeAsset(w, httptest.NewRequest(http.MethodGet, "/", nil), name) || w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%q was answered", name)
		}
	}
	if !ServeAsset(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), right) {
		t.Errorf("%q was not answered", right)
	}
}

func TestAClientGetsTheEncodingThatItLikesBest(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for name, content := range map[string]string{
		"x.css": "plain", "x.css.gz": "in gzip", "x.css.br": "in brotli",
		"y.png": "plain",
	} {
		files[name] = &fstest.MapFile{Data: []byte(content)}
	}
	all := shelved(files)
	for _, tt := range []struct{ name, accept, want string }{
		{"a client that says nothing gets no encoding", "", ""},
		{"a browser gets brotli", "gzip, deflate, br, zstd", "br"},
		{"one that knows no brotli gets gzip", "gzip, deflate", "gzip"},
		{"one that knows neither gets none", "deflate, zstd", ""},
		{"one that likes anything gets the smallest", "*", "br"},
		{"one that takes anything but brotli gets gzip", "br;q=0, *;q=0.1", "gzip"},
		{"one that likes gzip better gets it", "br;q=0.5, gzip;q=0.8", "gzip"},
		{"one that likes no encoding better gets none", "identity, br;q=0.9, gzip;q=0.9", ""},
		{"one that likes no encoding less gets one", "identity;q=0.2, gzip;q=0.3", "gzip"},
		{"one that refuses what it names gets none", "br;q=0, gzip;q=0.000", ""},
		{"one that refuses everything gets none", "identity;q=0, *;q=0", ""},
		{"spaces and capitals mean nothing", "GZip ; Q=0.4 ,\tBR ; Q = 0.6", "br"},
		{"what is no weight is none", "br;q=1.5, gzip;q=x, deflate", ""},
		{"no weight after all is none", "br;q=, gzip", "gzip"},
		{"a name that only begins like one is another", "brotli, gzipped", ""},
		{"empty items mean nothing", ",, gzip,", "gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, all, all.address("x.css"), tt.accept)
			want := map[string]string{"": "plain", "gzip": "in gzip", "br": "in brotli"}[tt.want]
			if got := answer.Header.Get("Content-Encoding"); got != tt.want || string(body(t, answer)) != want {
				t.Errorf("%q gives %q", tt.accept, got)
			}
			if answer := ask(t, all, all.address("y.png"), tt.accept); answer.Header.Get("Content-Encoding") != "" || string(body(t, answer)) != "plain" {
				t.Errorf("what has no encodings is encoded for %q", tt.accept)
			}
		})
	}
}

// Node made the encodings, so it is there to undo brotli, which the standard library does not know.
func TestAllEncodingsAreOfTheSameContent(t *testing.T) {
	t.Parallel()
	needBuilt(t)
	unbrotli := func(b []byte) ([]byte, error) {
		c := exec.Command("node", "-e", "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)")
		c.Stdin = bytes.NewReader(b)
		return c.Output()
	}
	ungzip := func(b []byte) ([]byte, error) {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	for name, a := range shelf().named {
		if strings.HasPrefix(name, "plain-") || path.Ext(name) == ".png" {
			if a.gzip != nil || a.brotli != nil {
				t.Errorf("%s is encoded", name)
			}
			continue
		}
		if got, err := ungzip(a.gzip); err != nil || !bytes.Equal(got, a.plain) {
			t.Errorf("%s is something else in gzip, %v", name, err)
		}
		if got, err := unbrotli(a.brotli); err != nil || !bytes.Equal(got, a.plain) {
			t.Errorf("%s is something else in brotli, %v", name, err)
		}
	}
}

func TestNoAssetNamesAnotherHost(t *testing.T) {
	t.Parallel()
	elsewhere := regexp.MustCompile(`//|@import|@font-face|(?i)frutiger`)
	for name, a := range shelf().named {
		if path.Ext(name) == ".png" || path.Ext(name) == ".ico" {
			continue
		}
		text := strings.ReplaceAll(string(a.plain), `xmlns="http://www.w3.org/2000/svg"`, "") // a name, not an address
		if at := elsewhere.FindStringIndex(text); at != nil {
			t.Errorf("%s has %q", name, text[at[0]:min(at[0]+60, len(text))])
		}
	}
}

// The NHS's font is not ours to use.
func TestPagesAreInArial(t *testing.T) {
	t.Parallel()
	for file, sheet := range stylesheets(t) {
		if !regexp.MustCompile(`(?i)html ?\{[^}]*[:\s]arial, ?sans-serif`).MatchString(sheet) {
			t.Errorf("%s has another font", file)
		}
	}
}

func TestWhatStylesReferToIsServed(t *testing.T) {
	t.Parallel()
	for file, sheet := range stylesheets(t) {
		for _, found := range regexp.MustCompile(`url\(([^)]*)\)`).FindAllStringSubmatch(sheet, -1) {
			if _, ok := shelf().named[strings.TrimPrefix(found[1], "/assets/")]; !ok {
				t.Errorf("%s refers to %s, which is not served", file, found[1])
			}
		}
	}
}

func TestIconsAreServedAndShowTheLogoOnlyWhereItMayBe(t *testing.T) {
	t.Parallel()
	for _, logo := range []bool{true, false} {
		for _, icon := range Icons(logo) {
			ask(t, shelf(), icon.Href, "")
			if _, built := Script(); strings.Contains(icon.Href, "/plain-") == (logo && built) {
				t.Errorf("logo %v: %+v", logo, icon)
			}
		}
	}
	if without := shelved(fstest.MapFS{"plain.svg": {}}).icons(true); len(without) != 1 || !strings.Contains(without[0].Href, "plain") {
		t.Errorf("where nothing is built: %+v", without)
	}
}

func TestWherePagesWearThePlainStylesheetThereIsNoScript(t *testing.T) {
	t.Parallel()
	own, err := fs.Sub(embedded, "assets")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := fs.ReadFile(own, "plain.css")
	if err != nil {
		t.Fatal(err)
	}
	a := shelved(fstest.MapFS{"plain.css": {Data: raw}})
	if a.address("nhsuk.css", "plain.css") == "" || a.address("nhsuk.js") != "" {
		t.Errorf("%v", a.renamed)
	}
	if answer := ask(t, a, a.address("nhsuk.css", "plain.css"), "br, gzip"); !bytes.Equal(body(t, answer), raw) {
		t.Error("the plain stylesheet is not served as it is")
	}
}

var (
	quoted  = regexp.MustCompile(`url\([^)]*\)`)
	styled  = regexp.MustCompile(`\.(nhsuk-[a-z0-9_-]+)`)
	mention = regexp.MustCompile(`nhsuk-[a-z0-9_-]+`)
)

// classesOf are the class names that a stylesheet gives a look to.
func classesOf(sheet string) map[string]bool {
	all := map[string]bool{}
	for _, found := range styled.FindAllStringSubmatch(quoted.ReplaceAllString(sheet, ""), -1) {
		all[found[1]] = true
	}
	return all
}

// mentioned are the class names in all templates and code of functions. Those that code puts together end in a dash.
func mentioned(t *testing.T) map[string]string {
	t.Helper()
	places := map[string]string{}
	err := filepath.WalkDir(root+"/functions", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(file, "_test.go") || !slices.Contains([]string{".gohtml", ".html", ".go"}, filepath.Ext(file)) {
			return err
		}
		raw, err := os.ReadFile(file)
		for _, name := range mention.FindAllString(string(raw), -1) {
			places[name] = file
		}
		return err
	})
	if err != nil || len(places) < 100 {
		t.Fatalf("%d classes, %v", len(places), err)
	}
	return places
}

// full is the design system's own stylesheet, with all that there is.
func full(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(installed + "/dist/nhsuk/nhsuk-frontend.min.css")
	if err != nil {
		t.Fatal(err)
	}
	return classesOf(string(raw))
}

// notWorn are classes that the design system styles inside of a component that we do not have.
var notWorn = map[string]string{
	"nhsuk-icon--cross": "do-dont-list",
	"nhsuk-icon--tick":  "do-dont-list",
}

// Whoever uses a class for the first time adds what styles it to tools/nhsuk/nhsuk.scss.
func TestWhateverIsUsedAndTheDesignSystemStylesIsStyled(t *testing.T) {
	t.Parallel()
	needFrontend(t)
	needBuilt(t)
	ours, theirs := classesOf(stylesheets(t)["nhsuk.css"]), full(t)
	compared := 0
	for name, file := range mentioned(t) {
		for class := range theirs {
			if class == name || strings.HasSuffix(name, "-") && strings.HasPrefix(class, name) {
				if compared++; ours[class] == (notWorn[class] != "") {
					t.Errorf("%s uses %s: that nhsuk.css has a style for it is %v", file, class, ours[class])
				}
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d classes were compared", compared)
	}
}

func TestThePlainStylesheetStylesNothingThatIsNot(t *testing.T) {
	t.Parallel()
	needFrontend(t)
	theirs := full(t)
	plain := classesOf(stylesheets(t)["plain.css"])
	for class := range plain {
		if !theirs[class] {
			t.Errorf("no page has the class %s", class)
		}
	}
	for _, needed := range []string{"nhsuk-u-visually-hidden", "nhsuk-skip-link", "nhsuk-button", "nhsuk-error-summary", "nhsuk-error-message", "nhsuk-width-container"} {
		if !plain[needed] {
			t.Errorf("%s has no style", needed)
		}
	}
}

func TestWhateverBehaviourAComponentAsksForIsThere(t *testing.T) {
	t.Parallel()
	needBuilt(t)
	address, _ := Script()
	script := string(body(t, ask(t, shelf(), address, "")))
	asked := map[string]bool{}
	templates, err := fs.Glob(sources, "*.gohtml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range templates {
		raw, err := fs.ReadFile(sources, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`data-module="([a-z-]+)"`).FindAllStringSubmatch(string(raw), -1) {
			asked[found[1]] = true
		}
	}
	for module := range asked {
		if !strings.Contains(script, `moduleName="`+module+`"`) {
			t.Errorf("%s does not behave", module)
		}
	}
	if len(asked) < 8 {
		t.Errorf("components ask for %v only", slices.Sorted(maps.Keys(asked)))
	}
}

func TestTheEarlyScriptIsTheDesignSystemsAndMayRun(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	if err := template.Must(template.New("").Parse(`<script>{{.}}</script>`)).Execute(&page, EarlyScript); err != nil {
		t.Fatal(err)
	}
	if page.String() != "<script>"+string(EarlyScript)+"</script>" {
		t.Errorf("a page shows %s", &page)
	}
	// As `openssl dgst -sha256 -binary | base64` gives it.
	if got := EarlyScriptSource(); got != "'sha256-tDOvXJi1PXbg0CWjLCCYSNHRXtps26K4JXkE3M6u/c0='" {
		t.Errorf("the source is %s", got)
	}
	needFrontend(t)
	raw, err := os.ReadFile(installed + "/dist/nhsuk/template.njk")
	if err != nil || !strings.Contains(string(raw), ">"+string(EarlyScript)+"</script>") {
		t.Errorf("the design system's page has another script, %v", err)
	}
}

// First visits to a page pay for these. They are built from the package that is locked.
func TestAssetsStaySmall(t *testing.T) {
	t.Parallel()
	needBuilt(t)
	var lock struct {
		Packages map[string]struct{ Version, Resolved string }
	}
	locked, err := os.ReadFile(root + "/tools/nhsuk/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(locked, &lock); err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if p.Resolved != "" {
			t.Errorf("%s is locked to one machine's address", name)
		}
	}
	for file, most := range map[string]int{"nhsuk.css": 18 << 10, "nhsuk-rtl.css": 18 << 10, "nhsuk.js": 9 << 10} {
		a := shelf().named[shelf().renamed[file]]
		t.Logf("%s: %d bytes, %d in gzip, %d in brotli", file, len(a.plain), len(a.gzip), len(a.brotli))
		if len(a.brotli) > most {
			t.Errorf("%s has %d bytes in brotli, more than %d", file, len(a.brotli), most)
		}
		notice := "/*! nhsuk-frontend " + lock.Packages["node_modules/nhsuk-frontend"].Version + ", NHS England, MIT licence */\n"
		if !bytes.HasPrefix(a.plain, []byte(notice)) {
			t.Errorf("%s begins with %s", file, a.plain[:60])
		}
	}
	for file, most := range map[string]int{"scans.js": 3 << 10, "desk.js": 5 << 10, "desk.css": 3 << 10} { // of pages that patients never see
		a := shelf().named[shelf().renamed[file]]
		t.Logf("%s: %d bytes, %d in gzip, %d in brotli", file, len(a.plain), len(a.gzip), len(a.brotli))
		if len(a.brotli) == 0 || len(a.brotli) > most {
			t.Errorf("%s has %d bytes in brotli, more than %d", file, len(a.brotli), most)
		}
	}
}

// BenchmarkShelve is what the first page of a cold start pays for the assets.
func BenchmarkShelve(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if len(shelved(embedded).named) == 0 {
			b.Fatal("nothing is served")
		}
	}
}
