package export_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// happened is what befell a form, an hour after what was before: a kind and its detail, in pairs of key and value.
type happened []string

var (
	routed    = happened{"routed", "practice", "A81001"}
	collected = happened{"collected"}
	applied   = happened{"applied", "on", "2026-11-22", "code", "9Ndo."}
)

func returned(reason optout.Reason) happened { return happened{"returned", "reason", string(reason)} }

// after is a form to which all this happened since Noon. Its reference comes of its name.
func after(name string, a optout.Answers, all ...happened) optout.Form {
	now := func() time.Time { return optouttest.Noon }
	f := optout.Registrar{Keys: optouttest.Keys{}, Now: now}.NewForm(optouttest.Online(name), a, optouttest.Accepted(a))
	for n, h := range all {
		e := optout.Event{At: optouttest.Noon.Add(time.Duration(n+1) * time.Hour), By: "engine", Kind: optout.Kind(h[0]), Detail: map[string]string{}}
		for pair := range slices.Chunk(h[1:], 2) {
			e.Detail[pair[0]] = pair[1]
		}
		f = f.With(e)
	}
	return f
}

// saying are the answers of Dissent, changed.
func saying(change func(*optout.Answers)) optout.Answers {
	a := optouttest.Dissent()
	change(&a)
	return a
}

// signedBy are answers that somebody else signed, of a person of an age at which they may.
func signedBy(capacity, birthDate string) optout.Answers {
	return saying(func(a *optout.Answers) {
		a.Proxy, a.Subject.BirthDate = &optout.Proxy{Name: "Maria Brontë", Capacity: capacity}, birthDate
	})
}

// about are answers that take back an earlier form.
func about(kind string) optout.Answers {
	return saying(func(a *optout.Answers) {
		a.Kind, a.Choice, a.About = kind, "", after("earlier", optouttest.Dissent()).Reference.String()
	})
}

// held is a form on paper of which only this can be read.
func held(name string, facts optout.Facts) optout.Form {
	f := optout.Form{Reference: optouttest.Keys{}.Reference(optouttest.Online(name)), Channel: optout.Paper, Facts: facts}
	return f.With(optout.Event{At: optouttest.Noon, By: optout.Paper, Kind: optout.Held, Detail: map[string]string{"why": optout.HeldForChoice}})
}

// samples are forms of every status, of every kind of signer and of every gap that answers can have.
var samples = func() map[string]optout.Form {
	core := saying(func(a *optout.Answers) { a.Choice = "core" })
	additional := saying(func(a *optout.Answers) { a.Choice = "core-and-additional" })
	bare := optout.Answers{Choice: "core", NotRegistered: true, Subject: optout.Subject{Surname: "Адеєми", OneName: true, BirthDate: "2024-02-29", NoAddress: true}}
	formula := saying(func(a *optout.Answers) {
		a.Subject.Surname, a.Subject.Forenames, a.Subject.Address = `=HYPERLINK("x")`, `"Ada", <b>`, []string{"+1 @Lawson Street"}
	})
	all := map[string]optout.Form{}
	add := func(name string, a optout.Answers, what ...happened) { all[name] = after(name, a, what...) }
	add("registered", optouttest.Dissent())
	add("registered-one-name-nothing-else", bare)
	add("registered-again", core, routed, collected, returned(optout.NotOurPatient), happened{"rerouted"})
	add("routed", optouttest.Dissent(), routed)
	add("routed-looks-like-a-formula", formula, routed)
	add("delivered-core", core, routed, happened{"delivered"})
	add("applied-core", core, routed, collected, happened{"applied", "on", "2026-11-22", "code", "9Ndm."})
	add("withdrawn-core", core, routed, collected, returned(optout.WithdrawnByPerson), happened{"withdrawn", "how", "phone"})
	add("collected", optouttest.Dissent(), routed, collected)
	add("collected-additional", additional, routed, collected)
	add("collected-withdrawal", about("withdrawal"), routed, collected)
	add("collected-not-me", about("not-me"), routed, collected)
	add("applied", optouttest.Dissent(), routed, collected, applied)
	add("in-doubt", optouttest.Dissent(), routed, collected, applied, happened{"missing", "run", "2026-11-22T15:30:00.000Z"})
	add("checked", optouttest.Dissent(), routed, collected, applied, happened{"found", "run", "2026-11-22T15:30:00.000Z", "practice", "A81001"})
	add("returned", optouttest.Dissent(), routed, collected, returned(optout.Coercion))
	add("duplicate", optouttest.Dissent(), happened{"settled", "as", "duplicate", "first", all["routed"].Reference.Key(), "since", "2026-11-01T12:00:00.000Z"})
	add("withdrawn", optouttest.Dissent(), routed, collected, returned(optout.WithdrawnByPerson), happened{"withdrawn", "how", "phone"})
	add("answered", optouttest.Dissent(), routed, collected, returned(optout.OtherReason), happened{"answered", "told", "2026-11-22"})
	for capacity, birthDate := range map[string]string{
		"parent": "2020-02-29", "local-authority": "2020-02-29", "attorney-health-welfare": "1957-03-31", "deputy": "1957-03-31", "best-interests": "1957-03-31",
	} {
		add("routed-signed-by-"+capacity, signedBy(capacity, birthDate), routed)
	}
	add("routed-withdrawal-by-deputy", func() optout.Answers {
		a := about("withdrawal")
		a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"}
		return a
	}(), routed)
	all["held-nothing-read"] = held("held", optout.Facts{Kind: "choice"})
	all["held-withdrawal-of-something"] = held("held-withdrawal", optout.Facts{Kind: "withdrawal", ProxyCapacity: "unread"})
	return all
}()

func TestEveryStatusIsAmongTheSamples(t *testing.T) {
	t.Parallel()
	seen, known := map[optout.Status]bool{}, 0
	for name, f := range samples {
		seen[f.State().Status] = true
		if want := string(f.State().Status); len(name) < len(want) || name[:len(want)] != want {
			t.Errorf("%s is %s", name, want)
		}
	}
	source, err := parser.ParseFile(token.NewFileSet(), "../optout/state.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(source, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "Status" {
				known++
				if status, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value); !seen[optout.Status(status)] {
					t.Errorf("no form is %s", status)
				}
			}
		}
		return true
	})
	if known != len(seen) || known < 12 {
		t.Errorf("%d statuses are known, %d seen", known, len(seen))
	}
}
