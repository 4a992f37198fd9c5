package nhsui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// outline is a parsed tree, a node a line, attributes in order of their names. White space that a browser does not
// show is left out, by the rules that its own style sheet follows: at the edges of blocks it goes, elsewhere a run of
// it is one space, which stays where it is first met.
func outline(source string) ([]string, error) {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(source), body)
	if err != nil {
		return nil, err
	}
	o := outliner{space: -1, edge: true}
	for _, n := range nodes {
		o.node(n, 0)
	}
	o.block()
	return slices.DeleteFunc(o.lines, func(l string) bool { return strings.TrimSpace(l) == "" }), nil
}

type outliner struct {
	lines []string
	space int  // line that ends with a space after which nothing came yet, or -1
	edge  bool // nothing came yet in this block
}

// block is the edge of one: a space before it is not shown, nor one after it.
func (o *outliner) block() {
	if o.space >= 0 {
		o.lines[o.space] = strings.TrimSuffix(o.lines[o.space], "␣")
	}
	o.space, o.edge = -1, true
}

func (o *outliner) node(n *html.Node, depth int) {
	indent := strings.Repeat("  ", depth)
	switch n.Type {
	case html.TextNode:
		o.text(n, indent)
		return
	case html.ElementNode:
	default:
		o.lines = append(o.lines, fmt.Sprintf("%s<!%s>", indent, n.Data))
		return
	}
	if !inline[n.DataAtom] {
		o.block()
	}
	line := indent + "<" + n.Data
	attributes := slices.Clone(n.Attr)
	slices.SortFunc(attributes, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
	for _, a := range attributes {
		if a.Key == "class" {
			a.Val = strings.Join(strings.Fields(a.Val), " ")
		}
		line += fmt.Sprintf(" %s=%q", a.Key, a.Val)
	}
	o.lines = append(o.lines, line+">")
	if inside[n.DataAtom] { // stands in a line, and has edges of its own within
		o.space, o.edge = -1, true
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		o.node(c, depth+1)
	}
	if inside[n.DataAtom] {
		o.block()
		o.edge = false
	} else if !inline[n.DataAtom] {
		o.block()
	}
}

func (o *outliner) text(n *html.Node, indent string) {
	if n.Parent != nil && (n.Parent.DataAtom == atom.Textarea || n.Parent.DataAtom == atom.Pre) {
		o.lines = append(o.lines, fmt.Sprintf("%s%q", indent, n.Data))
		return
	}
	words := strings.FieldsFunc(n.Data, white)
	var b strings.Builder
	if n.Data != "" && white(rune(n.Data[0])) && !o.edge && o.space < 0 {
		b.WriteString("␣")
		o.space = len(o.lines)
	}
	if len(words) > 0 {
		b.WriteString(strings.Join(words, "␣"))
		o.space, o.edge = -1, false
		if white(rune(n.Data[len(n.Data)-1])) {
			b.WriteString("␣")
			o.space = len(o.lines)
		}
	}
	if b.Len() > 0 {
		o.lines = append(o.lines, indent+b.String())
	}
}

// white is HTML's white space; a no-break space is none.
func white(r rune) bool { return strings.ContainsRune(" \t\n\f\r", r) }

var (
	inline = set(atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Cite, atom.Code, atom.Em, atom.I, atom.Kbd, atom.Label, atom.S,
		atom.Small, atom.Span, atom.Strong, atom.Sub, atom.Sup, atom.Time, atom.U,
		atom.Button, atom.Img, atom.Input, atom.Select, atom.Svg, atom.Textarea)
	inside = set(atom.Button, atom.Img, atom.Input, atom.Select, atom.Svg, atom.Textarea)
)

func set(elements ...atom.Atom) map[atom.Atom]bool {
	s := map[atom.Atom]bool{}
	for _, e := range elements {
		s[e] = true
	}
	return s
}

// balanced checks what a parser would forgive: every element is closed, and none is closed that was not open.
func balanced(source string) error {
	void := set(atom.Br, atom.Hr, atom.Img, atom.Input)
	var open []string
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			if len(open) > 0 {
				return fmt.Errorf("%v are not closed", open)
			}
			return nil
		case html.StartTagToken:
			if !void[token.DataAtom] {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				return fmt.Errorf("</%s> closes none of %v", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func TestOutlineIgnoresWhatHTMLIgnoresAndNothingElse(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"<div>\n  <p>a\n b</p>\n</div>", "<div><p>a b</p></div>"},
		{`<i b="1" a="2">x</i>`, `<i a="2" b="1">x</i>`},
		{"<p>a <b> c</b></p>", "<p>a <b>c</b></p>"},
		{"<p>a<b>c </b>\n</p>", "<p>a<b>c</b></p>"},
		{"<button>\n x\n</button>", "<button>x</button>"},
	}
	different := [][2]string{
		{"<p>a <b>c</b></p>", "<p>a<b>c</b></p>"},
		{"<p>a <b>c</b></p>", "<p>a<b> c</b></p>"},
		{"<p>a\u00a0b</p>", "<p>a b</p>"},
		{"<textarea> x</textarea>", "<textarea>x</textarea>"},
		{"<p>a</p>", "<div>a</div>"},
		{`<p class="a b">x</p>`, `<p class="b a">x</p>`},
		{`<p id="a">x</p>`, `<p id="a ">x</p>`},
		{"<p><b>x</b> <button>y</button></p>", "<p><b>x</b><button>y</button></p>"},
		{"<svg><path d='1'/></svg>", "<svg><path d='2'/></svg>"},
	}
	for _, pair := range append(same, different...) {
		a, err := outline(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		b, err := outline(pair[1])
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Contains(same, pair); slices.Equal(a, b) != want {
			t.Errorf("%q and %q are equal: %v, want %v\n%q\n%q", pair[0], pair[1], !want, want, a, b)
		}
	}
}
