package optout_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

var update = flag.Bool("update", false, "write the examples in events/ anew")

const events = "../../../events"

// document is an event as its schema describes it. Nothing hands events out yet, so that its JSON stands in events/ and
// here only: an Event that spelled itself would have to leave out its Text unseen.
type document struct {
	Seq    int               `json:"seq"`
	At     string            `json:"at"`
	By     string            `json:"by"`
	Kind   optout.Kind       `json:"kind"`
	Detail map[string]string `json:"detail"`
	Hash   string            `json:"hash"`
}

func documentOf(e optout.Event) document {
	detail := map[string]string{}
	maps.Copy(detail, e.Detail)
	return document{e.Seq, e.At.Format("2006-01-02T15:04:05.000Z"), e.By, e.Kind, detail, hex.EncodeToString(e.Hash[:])}
}

func (d document) json(t *testing.T) []byte {
	t.Helper()
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// schemas are those of all kinds.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	all, compiler := map[string]*jsonschema.Schema{}, jsonschema.NewCompiler()
	files, err := filepath.Glob(filepath.Join(events, "*", "schema.json"))
	for _, f := range files {
		if err == nil {
			all[filepath.Base(filepath.Dir(f))], err = compiler.Compile(f)
		}
	}
	return all, err
})

// unfit says why a document does not fit the schema of a kind; nil if it does.
func unfit(t *testing.T, kind string, document []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return schemaOf(t, kind).Validate(v)
}

func schemaOf(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	all, err := schemas()
	if err != nil || all[kind] == nil {
		t.Fatalf("the schema of %s: %v", kind, err)
	}
	return all[kind]
}

// kinds are those that event.go has.
func kinds(t *testing.T) (all []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Kind" {
				name, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				all = append(all, name)
			}
		}
		return true
	})
	return all
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{events}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryKindIsDescribedAndNothingElse(t *testing.T) {
	t.Parallel()
	var described []string
	folders, err := os.ReadDir(events)
	if err != nil {
		t.Fatal(err)
	}
	index := string(read(t, "README.md"))
	for _, f := range folders {
		if !f.IsDir() || f.Name() == "received" {
			continue
		}
		if !strings.Contains(index, "]("+f.Name()+"/README.md)") {
			t.Errorf("the index does not lead to %s", f.Name())
		}
		page := string(read(t, f.Name(), "README.md"))
		for _, part := range []string{"# " + f.Name() + "\n", "**Context.**", "**Trigger.**", "**Effect.**"} {
			if !strings.Contains(page, part) {
				t.Errorf("%s/README.md has no %q", f.Name(), part)
			}
		}
		if f.Name() != "notice" { // which is no event
			described = append(described, f.Name())
		}
	}
	known := kinds(t)
	slices.Sort(known)
	if !slices.Equal(known, described) || len(known) < 30 {
		t.Errorf("there are\n%v\nand described are\n%v", known, described)
	}
}

// The examples are what the engine and people at work make, to the last hash. -update writes them anew, so that no other
// test may read them meanwhile.
func TestTheExamplesAreWhatTheCodeSays(t *testing.T) {
	for example, tell := range stories {
		kind, name, _ := strings.Cut(example, "/")
		h := newHouse(t)
		f := h.form(tell(h))
		n := len(f.Events) - 1
		for n > 0 && string(f.Events[n].Kind) != kind {
			n--
		}
		if string(f.Events[n].Kind) != kind {
			t.Errorf("%s: the story has no such event", example)
			continue
		}
		if e := f.Events[n]; e.Detail["text"] != "" || e.Text != "" {
			if digest := hex.EncodeToString(optouttest.Keys{}.Fingerprint(f.Reference, []byte(e.Text))); e.Detail["text"] != digest {
				t.Errorf("%s: the digest of what is kept beside it is %s", example, digest)
			}
		}
		path, want := filepath.Join(events, kind, "examples", name+".json"), documentOf(f.Events[n]).json(t)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is %s (%v), and the code says %s", example, got, err, want)
		}
	}
	for _, e := range examples(t) {
		if stories[e] == nil {
			t.Errorf("%s has no story", e)
		}
	}
}

// examples are all there are, by kind and name.
func examples(t *testing.T) (all []string) {
	t.Helper()
	for _, kind := range kinds(t) {
		files, err := filepath.Glob(filepath.Join(events, kind, "examples", "*.json"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has no example, %v", kind, err)
		}
		for _, f := range files {
			all = append(all, kind+"/"+strings.TrimSuffix(filepath.Base(f), ".json"))
		}
	}
	return all
}

func example(t *testing.T, of string) (raw []byte, d document) {
	t.Helper()
	kind, name, _ := strings.Cut(of, "/")
	raw = read(t, kind, "examples", name+".json")
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return raw, d
}

// Every example fits its schema, and a schema allows nothing of which there is no example: no key, and of what can be
// enumerated no value.
func TestSchemasAndExamplesAgree(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for _, e := range examples(t) {
		kind, _, _ := strings.Cut(e, "/")
		raw, d := example(t, e)
		if err := unfit(t, kind, raw); err != nil {
			t.Errorf("%s: %v", e, err)
		}
		for k, v := range d.Detail {
			shown[kind+" "+k], shown[kind+" "+k+" "+v] = true, true
			shown[k] = true
		}
	}
	for _, kind := range kinds(t) {
		for key, p := range schemaOf(t, kind).Properties["detail"].Properties {
			if p.Ref != nil {
				p = p.Ref
			}
			said := (key == "key" || key == "text") && shown[key] // with whatever is said: shown once
			if !shown[kind+" "+key] && !said {
				t.Errorf("no example of %s has %q", kind, key)
			}
			if p.Enum != nil {
				for _, v := range p.Enum.Values {
					if !shown[fmt.Sprintf("%s %s %s", kind, key, v)] {
						t.Errorf("no example of %s has %q %q", kind, key, v)
					}
				}
			}
		}
	}
}

// Whatever happens to a person's forms, every event fits its schema, and the JSON of a history is enough to check its
// chain as events/README.md says it.
func TestWhateverHappensFitsItsSchema(t *testing.T) {
	t.Parallel()
	const lives, aLife = 150, 60
	seen := map[optout.Kind]int{}
	for seed := range uint64(lives) {
		p := person{house: newHouse(t), random: rand.New(rand.NewPCG(seed, 6)), number: optouttest.Number()}
		for range aLife {
			p.step()
		}
		for _, ref := range p.refs {
			before := sha256.Sum256([]byte(ref.Key()))
			for _, e := range p.form(ref).Events {
				seen[e.Kind]++
				b := documentOf(e).json(t)
				if err := unfit(t, string(e.Kind), b); err != nil {
					t.Fatalf("seed %d: %s%v", seed, b, err)
				}
				var d document
				if err := json.Unmarshal(b, &d); err != nil {
					t.Fatal(err)
				}
				before = d.sum(before)
				if hex.EncodeToString(before[:]) != d.Hash {
					t.Fatalf("seed %d: the hash of %s is %x", seed, b, before)
				}
			}
		}
	}
	if len(seen) < 25 {
		t.Errorf("only these kinds came about: %v", seen)
	}
}

// sum is a document's hash after that of the one before it, made from events/README.md and not from the code.
func (d document) sum(before [sha256.Size]byte) [sha256.Size]byte {
	parts := []string{strconv.Itoa(d.Seq), d.At, d.By, string(d.Kind)}
	for _, key := range slices.Sorted(maps.Keys(d.Detail)) {
		parts = append(parts, key, d.Detail[key])
	}
	b := before[:]
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return sha256.Sum256(b)
}

// private is what must not be in a history, in the spellings that slip in.
var private = []string{
	"Ada", "O'Neill", "Ada Quillfeather", "1957-03-31", "9000000009", "900 000 0009", "900-000-0009", "ada@quillfeather.example",
	"01642672351", "01642 672351", "TS18 1HU", "TS181HU", "1 Lawson Street", "she says that her son has signed it", "",
}

// No example fits any more once it is changed: nothing that is not described can be in an event, and nothing personal
// in the place of anything.
func TestSchemasRefuseWhatIsNotDescribed(t *testing.T) {
	t.Parallel()
	all, tried := kinds(t), map[string]bool{}
	for _, e := range examples(t) {
		kind, _, _ := strings.Cut(e, "/")
		s := schemaOf(t, kind)
		raw, d := example(t, e)
		alike := fmt.Sprint(kind, slices.Sorted(maps.Keys(d.Detail)))
		if tried[alike] {
			continue
		}
		tried[alike] = true
		refused := func(what string, change func(event, detail map[string]any)) {
			t.Helper()
			var v map[string]any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			change(v, v["detail"].(map[string]any))
			if s.Validate(v) == nil {
				t.Errorf("%s with %s is taken", e, what)
			}
		}
		for _, value := range private {
			refused(value+" beside its detail", func(v, _ map[string]any) { v["text"] = value })
			refused(value+" as an unknown key's value", func(_, detail map[string]any) { detail["surname"] = value })
			refused(value+" as a key", func(_, detail map[string]any) { detail[value] = "yes" })
			role, _, _ := strings.Cut(d.By, " ")
			for _, by := range []string{value, role + " " + value, role + " A81001 " + value, d.By + " " + value} {
				if by != d.By {
					refused(by+" as who said it", func(v, _ map[string]any) { v["by"] = by })
				}
			}
			for key := range d.Detail {
				if kind != "applied" || key != "code" || value != "9000000009" { // an id of SNOMED CT may look like that
					refused(value+" as "+key, func(_, detail map[string]any) { detail[key] = value })
				}
				refused(value+" after "+key, func(_, detail map[string]any) { detail[key] = d.Detail[key] + " " + value })
			}
		}
		for _, other := range all {
			if other != kind {
				refused("the kind "+other, func(v, _ map[string]any) { v["kind"] = other })
			}
		}
		for _, key := range []string{"seq", "at", "by", "kind", "detail", "hash"} {
			refused("no "+key, func(v, _ map[string]any) { delete(v, key) })
			refused("nothing as "+key, func(v, _ map[string]any) { v[key] = nil })
		}
		for key := range d.Detail {
			refused("a number as "+key, func(_, detail map[string]any) { detail[key] = 1 })
		}
		refused("the place 0", func(v, _ map[string]any) { v["seq"] = 0 })
		refused("a time without milliseconds", func(v, _ map[string]any) { v["at"] = "2026-11-22T12:00:00Z" })
		refused("a time elsewhere", func(v, _ map[string]any) { v["at"] = "2026-11-22T12:00:00.000+01:00" })
		refused("half a hash", func(v, _ map[string]any) { v["hash"] = d.Hash[:32] })
	}
}

// Whatever machines hand out as a key, an id or a code fits, and nothing fits that an act does not take.
func TestSchemasTakeKeysIdsAndCodesAsActsDo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 4)
	for value, want := range map[string]bool{
		"6f1c9b0e-7a43-4c55-9d57-0d6f6f2f5b1a": true, "6F1C9B0E-7A43-4C55-9D57-0D6F6F2F5B1A": true, "01KAPXJ5W1V0ZRTQ3M5N2H8Y7D": true,
		"555036632103": true, "u-17": true, "U17": true, long: true, long + "0": false, "u_17": false, "u 17": false, "u-1é": false,
	} {
		for what, as := range map[string]struct{ id, key string }{"an id": {value, "k-1"}, "a key": {"u-1", value}} {
			h := newHouse(t)
			by := optout.Actor{Role: optout.AtPractice, Practice: densham, ID: as.id}
			_, err := h.custody.Collect(t.Context(), routed(h), by, optout.Said{Key: as.key})
			_, d := example(t, "collected/collected")
			d.By, d.Detail = by.String(), map[string]string{"key": as.key}
			if unfit := unfit(t, "collected", d.json(t)); (err == nil) != want || (unfit == nil) != want {
				t.Errorf("%q as %s: the act says %v, the schema %v", value, what, err, unfit)
			}
		}
	}
	for code, want := range map[string]bool{"EPL-151": true, "01": true, "ERR-2026-11-x-000001": true, "ERR-2026-11-x-0000012": false, "EPL 151": false, "": false} {
		h := newHouse(t)
		ref := routed.then("del")(h)
		_, err := h.custody.Reject(t.Context(), ref, mesh, said(""), code)
		_, d := example(t, "rejected/rejected")
		d.Detail["fault"] = code
		if unfit := unfit(t, "rejected", d.json(t)); (err == nil) != want || (unfit == nil) != want {
			t.Errorf("%q as a carrier's code: the act says %v, the schema %v", code, err, unfit)
		}
	}
}

// An id of SNOMED CT that the codebook was given fits, of whatever length.
func TestSchemasTakeEveryIdOfTheCodebook(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"123008", "1234567009", "123456710000037102"} {
		book, err := nhs.NewCodebook(map[nhs.Preference]string{nhs.Dissent: id})
		if err != nil {
			t.Fatal(id, err)
		}
		h := newHouse(t)
		h.custody.Codes = book
		f := h.form(collected.does(apply(optout.Application{Code: id}))(h))
		e := f.Events[f.Version()-1]
		if err := unfit(t, "applied", documentOf(e).json(t)); err != nil || e.Detail["code"] != id {
			t.Errorf("applied as %s: %v", id, err)
		}
	}
}

// To whom somebody withdrew a form is kept beside the event, and what else was written after it.
func TestToWhomAFormWasWithdrawnIsKeptBesideTheHistory(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]optout.Text{"": "the receptionist", "by letter": "the receptionist: by letter"} {
		h := newHouse(t)
		f := h.form(collected.givenBack(optout.WithdrawnByPerson).tookBack("post", words)(h))
		if e := f.Events[f.Version()-1]; e.Kind != optout.Withdrawn || e.Text != want {
			t.Errorf("with the words %q: %q is kept", words, string(e.Text))
		}
	}
}

// Each kind is said by those who may, spelt as they are spelt, and by nobody else.
func TestSchemasKnowWhoSaysWhat(t *testing.T) {
	t.Parallel()
	const atPractice = "practice A81001 u-1, clinician A81001 u-2"
	may := map[string]string{}
	for kinds, by := range map[string]string{
		"registered held": "online, paper, practice, phone",
		"wrote":           "desk u-3, supervisor u-4", "released superseded": "supervisor u-4",
		"numbered": "desk u-3, supervisor u-4, office u-5, " + atPractice,
		"settled followed routed unrouted reminded closed rerouted failed discarded": "engine",
		"delivered undelivered rejected":                                             "mesh A81001 X26ABC1",
		"assigned answered confirmed complained":                                     "office u-5",
		"collected let-go applied corrected replaced restored found missing":         atPractice,
		"returned decided withdrawn":                                                 atPractice,
	} {
		for _, kind := range strings.Fields(kinds) {
			may[kind] = by
		}
	}
	for _, e := range examples(t) {
		kind, _, _ := strings.Cut(e, "/")
		_, d := example(t, e)
		want := strings.Split(may[kind], ", ")
		if d.Detail["told"] == "unsafe" {
			want = []string{"clinician A81001 u-2"}
		}
		for _, by := range []string{
			"online", "paper", "practice", "phone", "engine", "mesh A81001 X26ABC1", "desk u-3", "supervisor u-4", "office u-5", "practice A81001 u-1", "clinician A81001 u-2",
			"practice u-1", "desk", "office A81001 u-5", "practice V81999 u-1", "practice W00001 u-1", "engine u-1", "",
			"mesh X26ABC1", "mesh V81999 X26ABC1", "mesh A81001", "practice A81001", "office " + strings.Repeat("u1", 33),
		} {
			d.By = by
			if fits := unfit(t, kind, d.json(t)) == nil; fits != slices.Contains(want, by) {
				t.Errorf("%s by %q fits: %v", e, by, fits)
			}
		}
	}
}
