package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// plainItem is plain values by name, plainList in order.
type (
	plainItem map[string]any
	plainList []any
)

// attribute makes a plain value DynamoDB's.
func attribute(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case int:
		return &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case []string:
		return &types.AttributeValueMemberSS{Value: v}
	case [][]byte:
		return &types.AttributeValueMemberBS{Value: v}
	case plainItem:
		m := tableItem{}
		for name, x := range v {
			m[name] = attribute(x)
		}
		return &types.AttributeValueMemberM{Value: m}
	case plainList:
		l := &types.AttributeValueMemberL{}
		for _, x := range v {
			l.Value = append(l.Value, attribute(x))
		}
		return l
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// Two references, and when the first form came.
const (
	firstForm, secondForm = "7F3K9QWM2B5TRX4HA", "0123456789ABCDEF1"
	firstCame             = "2026-11-01T10:00:00.000Z"
)

// browser is a console over a table as this repository's template wants it, with these items.
func browser(t *testing.T, items ...plainItem) func(path string) (int, string) {
	t.Helper()
	e, err := startEngine(t.Context(), newChildren(), enginePath(t), filepath.Join(t.TempDir(), "table.db"), func(string) {}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	r := &runner{options: options{root: filepath.Join("..", ".."), template: "template.yaml"}, patients: "http://127.0.0.1:1", engine: e}
	if err := r.read(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.provision(t.Context(), r.plan.tables); err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		item := attribute(i).(*types.AttributeValueMemberM).Value
		if _, err := e.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.plan.tables[0].name, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	h, err := newConsole(r)
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
}

// A form of an odd person, its person, its practice's digest, and another form of the same person.
var browsed = []plainItem{
	{
		"PK": "F#" + firstForm, "SK": "F", "v": 2, "channel": "online", "person": "PERSON1", "possible": "PERSON2",
		"print": []byte{0xab, 0xcd}, "attempt": "try", "tries": 3, "fault": "rejected",
		"LPK": "L#A81001", "LSK": "O#" + firstCame + "#" + firstForm, "DPK": "DUE#7", "DSK": firstCame + "#form#" + firstForm,
		"facts": plainItem{
			"kind": "choice", "choice": "dissent", "about": secondForm, "surname": "<script>alert('O’Brien & \"Söhne\"')</script>",
			"forenames": "two  spaces\nand \u202eturned\u202c, שלום, 🙂", "oneName": true, "birthDate": "1957-03-31",
			"address": plainList{"1 <b>Street</b>", ""}, "practice": "A81001", "noAddress": true,
			"reply": plainItem{"safe": plainList{"email"}, "email": "a@b.example", "pigeon": plainItem{"colour": "grey<i>"}},
		},
		"events": plainList{
			plainItem{"at": firstCame, "by": "online", "kind": "registered", "hash": []byte("\x01\x23\x45\x67\x89"), "detail": plainItem{"rules": "1"}},
			plainItem{"at": firstCame, "by": "engine", "kind": "routed", "hash": []byte("\xfe\xdc\xba\x98\x76"), "detail": plainItem{"practice": "A81001"}, "witness": "nobody<u>"},
		},
		"<later>": plainList{1, plainItem{"deep": plainList{plainItem{"deeper": nil}}}}, "set": []string{"b", "a"}, "blobs": [][]byte{{0xee, 0xff}}, "nothing": nil, "no": false,
	},
	{"PK": "F#" + secondForm, "SK": "F", "v": 1, "person": "PERSON1", "LPK": "L#A81001", "LSK": "O#2026-11-02T10:00:00.000Z#" + secondForm},
	{"PK": "N#PERSON1", "SK": "P", "v": 2, "refs": plainList{firstForm, secondForm}},
	{"PK": "W#PERSON2", "SK": "P", "v": 1, "refs": plainList{firstForm}},
	{"PK": "P#A81001", "SK": "P", "email": "practice@practice.example"},
	{"PK": "P#A81001", "SK": "D", "v": 4, "asked": secondForm, "mails": 1, "attempts": plainList{plainItem{"at": firstCame, "atLeast": 1, "outcome": "sent", "id": "m-1"}}},
	{"PK": "<b>&\"'#/?", "SK": "odd<i>", "what": "odd"},
}

func TestAFormIsShownWithAllThatBelongsToIt(t *testing.T) {
	t.Parallel()
	get := browser(t, browsed...)
	_, want := get("/items?pk=F%23" + firstForm)
	for name, asked := range map[string]string{
		"as it is printed":               "7F3K-9QWM-2B5T-RX4H-A",
		"without groups":                 firstForm,
		"in small letters":               "7f3k-9qwm-2b5t-rx4h-a",
		"with spaces":                    "  7f3k 9qwm 2b5t rx4h a ",
		"with other dashes and spaces":   "7F3K–9QWM‑2B5T\u00a0RX4H—A",
		"in groups of one's own":         "7F3-K9Q WM2-B5TRX-4HA.",
		"by its partition key":           "F#" + firstForm,
		"by its partition key, in words": " F#" + firstForm + " ",
	} {
		code, page := get("/items?of=" + url.QueryEscape(asked))
		if _, page, _ = strings.Cut(page, "<article"); code != 200 || page == "" || !strings.HasSuffix(want, page) {
			t.Errorf("%s it is another page: %d %s", name, code, page)
		}
	}
	if code, page := get("/items?of=oi23456789abcdefl"); code != 200 || !strings.Contains(page, "<h2>Form 0123-4567-89AB-CDEF-1</h2>") {
		t.Errorf("with letters for figures: %d %s", code, page)
	}
	for _, shown := range []string{
		"<h2>Form 7F3K-9QWM-2B5T-RX4H-A</h2>",
		"<dt>fault</dt><dd><bdi>rejected</bdi></dd>\n<dt>tries</dt><dd><bdi>3</bdi></dd>\n",
		"<dt>print</dt><dd><bdi>abcd</bdi></dd>",
		"<h3>facts</h3>\n<dl><dt>kind</dt><dd><bdi>choice</bdi></dd>\n<dt>about</dt><dd><a href=\"/items?pk=F%23" + secondForm + "#\"><bdi>0123-4567-89AB-CDEF-1</bdi></a></dd>\n",
		"<dt>surname</dt><dd><bdi>&lt;script&gt;alert(&#39;O’Brien &amp; &#34;Söhne&#34;&#39;)&lt;/script&gt;</bdi></dd>",
		"<dt>forenames</dt><dd><bdi>two  spaces\nand \u202eturned\u202c, שלום, 🙂</bdi></dd>",
		"<dt>oneName</dt><dd><bdi>true</bdi></dd>\n<dt>birthDate</dt>",
		"<dt>address</dt><dd><ul><li><bdi>1 &lt;b&gt;Street&lt;/b&gt;</bdi></li><li><i>empty</i></li></ul></dd>",
		"<dt>noAddress</dt><dd><bdi>true</bdi></dd>",
		"<dt>pigeon</dt><dd><dl><dt>colour</dt><dd><bdi>grey&lt;i&gt;</bdi></dd>\n</dl></dd>",
		"<tr><th>seq<th>at<th>by<th>kind<th>detail<th>hash<th>witness\n",
		"<td data-is=\"seq\"><bdi>1</bdi></td><td data-is=\"at\"><bdi>" + firstCame + "</bdi></td><td data-is=\"by\"><bdi>online</bdi></td><td data-is=\"kind\"><bdi>registered</bdi></td>",
		"<td data-is=\"hash\"><code title=\"0123456789\">01234567</code></td><td data-is=\"witness\"><bdi>–</bdi></td>",
		"<td data-is=\"detail\"><dl><dt>practice</dt><dd><a href=\"/items?pk=P%23A81001#\"><bdi>A81001</bdi></a></dd>\n</dl></td>",
		"<td data-is=\"witness\"><bdi>nobody&lt;u&gt;</bdi></td>",
		"<dt>&lt;later&gt;</dt><dd><ul><li><bdi>1</bdi></li><li><dl><dt>deep</dt><dd><table class=\"stack words\">\n<tr><th>seq<th>deeper\n<tr><td data-is=\"seq\"><bdi>1</bdi></td><td data-is=\"deeper\"><bdi>null</bdi></td>",
		"<dt>set</dt><dd><ul><li><bdi>a</bdi></li><li><bdi>b</bdi></li></ul></dd>",
		"<dt>blobs</dt><dd><ul><li><bdi>eeff</bdi></li></ul></dd>",
		"<dt>nothing</dt><dd><bdi>null</bdi></dd>", "<dt>no</dt><dd><bdi>false</bdi></dd>",
		"<dt>list</dt><dd><ul><li><a href=\"/items?pk=P%23A81001#\"><bdi>L#A81001</bdi></a></li><li><bdi>O#" + firstCame + "#" + firstForm + "</bdi></li><li><bdi>place 1 of 2</bdi></li></ul></dd>",
		"<dt>due</dt><dd><ul><li><bdi>DUE#7</bdi></li><li><bdi>" + firstCame + "#form#" + firstForm + "</bdi></li><li><bdi>place 1 of 1</bdi></li></ul></dd>",
		"<h3>forms of the person</h3>\n<ul><li><bdi>7F3K-9QWM-2B5T-RX4H-A, this one</bdi></li><li><a href=\"/items?pk=F%23" + secondForm + "#\"><bdi>0123-4567-89AB-CDEF-1</bdi></a></li></ul>",
		"<h3>forms of the possible person</h3>\n<ul><li><bdi>7F3K-9QWM-2B5T-RX4H-A, this one</bdi></li></ul>",
		"<h3>practice</h3>\n<ul><li><a href=\"/items?pk=P%23A81001#D\"><bdi>Digest of A81001</bdi></a></li></ul>",
	} {
		if !strings.Contains(want, shown) {
			t.Errorf("the page lacks %s", shown)
		}
	}
	if t.Failed() {
		t.Log(want)
	}
}

func TestAPracticesCodeShowsItsItemsAndItsList(t *testing.T) {
	t.Parallel()
	get := browser(t, append(browsed, plainItem{"PK": "F#ONLYTHIS", "SK": "F", "LPK": "L#B81002", "LSK": "O#x"})...)
	for _, asked := range []string{"A81001", "a81001", " a-81 001"} {
		code, page := get("/items?of=" + url.QueryEscape(asked))
		for _, shown := range []string{
			"<article id=\"D\">\n<h2>Practice A81001: digest</h2>", "<article id=\"P\">\n<h2>Practice A81001: address</h2>",
			"<bdi>practice@practice.example</bdi>", "<dt>asked</dt><dd><a href=\"/items?pk=F%23" + secondForm + "#\">",
			"<h3>attempts</h3>", "<td data-is=\"outcome\"><bdi>sent</bdi></td>", "<dt>due</dt><dd><bdi>not there</bdi></dd>",
			"<h2>On the list of A81001: 2</h2>\n<ul><li><a href=\"/items?pk=F%23" + firstForm + "#F\"><bdi>Form 7F3K-9QWM-2B5T-RX4H-A</bdi></a></li><li><a href=\"/items?pk=F%23" + secondForm + "#F\">",
		} {
			if code != 200 || !strings.Contains(page, shown) {
				t.Errorf("%q: %d, lacks %s:\n%s", asked, code, shown, page)
			}
		}
	}
	if code, page := get("/items?of=B81002"); code != 200 || !strings.Contains(page, "<h2>On the list of B81002: 1</h2>") {
		t.Errorf("a practice with nothing but a list: %d %s", code, page)
	}
}

func TestWhatIsNotThereIsSaidTo(t *testing.T) {
	t.Parallel()
	get := browser(t, browsed[0])
	for _, tt := range []struct{ name, path, want string }{
		{"a reference", "/items?of=7f3k-9qwm-2b5t-rx4h-b", "There is no form with the reference 7F3K-9QWM-2B5T-RX4H-B."},
		{"a practice", "/items?of=b%2081002", "There is nothing about the practice B81002."},
		{"something else", "/items?of=%3Cb%3Eme", "There is nothing for “&lt;b&gt;me”. A reference has 17 letters and digits, the code of a practice is a letter and five digits."},
		{"a partition key that was typed", "/items?of=Q%23%3Ci%3E", "There is no item with the partition key Q#&lt;i&gt;."},
		{"a partition key of a link", "/items?pk=nobody", "There is no item with the partition key nobody."},
		{"only dashes", "/items?of=---", "There is nothing for “---”."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, page := get(tt.path); code != 404 || !strings.Contains(page, "<p class=\"bad\">"+tt.want) || strings.Contains(page, "<article") {
				t.Errorf("%d, lacks %s:\n%s", code, tt.want, page)
			}
		})
	}
	if code, page := get("/items?of=+"); code != 200 || !strings.Contains(page, "F#"+firstForm) {
		t.Errorf("nothing asked for: %d %s", code, page)
	}
}

var hrefs = regexp.MustCompile(`href="(/items[^"#]*)[^"]*"`)

func TestEveryItemIsReachedByLinksAndLeadsOn(t *testing.T) {
	t.Parallel()
	get := browser(t, browsed...)
	links := func(from string) (to []string) {
		code, page := get(from)
		if code != http.StatusOK {
			t.Errorf("%s answers %d", from, code)
		}
		if strings.HasPrefix(from, "/items.json") {
			return nil
		}
		for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
			to = append(to, html.UnescapeString(m[1]))
		}
		return to
	}
	// From one form, without the list of all keys.
	start := "/items?pk=F%23" + firstForm
	seen, next := map[string]bool{start: true, "/items": true}, []string{start}
	for len(next) > 0 {
		for _, to := range links(next[0]) {
			if !seen[to] {
				seen[to], next = true, append(next, to)
			}
		}
		next = next[1:]
	}
	for _, pk := range []string{"F%23" + firstForm, "F%23" + secondForm, "N%23PERSON1", "W%23PERSON2", "P%23A81001"} {
		if !seen["/items?pk="+pk] || !seen["/items.json?pk="+pk] {
			t.Errorf("nothing leads to %s: %v", pk, seen)
		}
	}
	// From the list of all keys.
	for _, to := range links("/items") {
		if to != "/items" {
			links(to)
		}
	}
	if code, page := get("/items?pk=" + url.QueryEscape("<b>&\"'#/?")); code != 200 || !strings.Contains(page, "<article id=\"odd&lt;i&gt;\">\n<h2>&lt;b&gt;&amp;&#34;&#39;#/?</h2>") {
		t.Errorf("an odd key: %d %s", code, page)
	}
}
