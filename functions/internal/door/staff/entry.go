package staff

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"example.org/optout/functions/internal/door"
	"example.org/optout/functions/internal/keyring"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/nhsui"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/worklist"
)

// Entry is where staff register what somebody brings, signs or says to them: one page to fill in, one that is read back
// to the person, and the reference. Nothing is kept in between but in the page itself, sealed.
type Entry struct {
	House     *House
	Registrar optout.Registrar
	Seals     keyring.Keyring
	Looks     worklist.Store
	Rules     func() optout.Rules // with Staff
	Door      string              // optout.Counter or optout.Phone
	At        string              // address of its page; the read-back is sent to At/confirm
	Part      string
	Title     string
	Intro     template.HTML
	Then      string // what becomes of what is registered here
	Now       func() time.Time
}

// entered is what the read-back page keeps.
type entered struct {
	Key  string     `json:"k"`
	Form url.Values `json:"f"`
}

const (
	lookEntered = "entered"
	entryUse    = "entry"
	entryLasts  = 2 * time.Hour
)

// Blank shows the page with nothing filled in.
func (e Entry) Blank(w http.ResponseWriter, _ *http.Request, s signin.Session) {
	e.show(w, s, 0, door.Form{}, nil)
}

// Fill judges what was filled in, and shows what is read back or what is wrong.
func (e Entry) Fill(w http.ResponseWriter, r *http.Request, s signin.Session) {
	f, status, code := door.ReadForm(r)
	if code != "" {
		e.show(w, s, status, door.Form{}, []Fault{{"", "What was sent is no form, or far too large a one. Fill it in again."}})
		return
	}
	if wrong := e.elsewhere(f, s); wrong != nil {
		e.show(w, s, http.StatusConflict, f, []Fault{*wrong})
		return
	}
	e.judge(w, r, s, f)
}

// elsewhere is the Fault of what was filled in for another practice than it would be registered at now.
func (e Entry) elsewhere(f door.Form, s signin.Session) *Fault {
	if e.Door != optout.Counter {
		return nil
	}
	return Elsewhere(f, s)
}

func (e Entry) judge(w http.ResponseWriter, r *http.Request, s signin.Session, f door.Form) {
	_, facts, faults := e.accept(f, s)
	if len(faults) > 0 {
		e.show(w, s, http.StatusUnprocessableEntity, f, faults)
		return
	}
	key := f.Get("key")
	plain, err := json.Marshal(entered{key, url.Values(f)})
	if err != nil {
		panic("entry: " + err.Error())
	}
	sealed, err := e.Seals.Seal(e.use(s), e.Now().Add(entryLasts), plain)
	if errors.Is(err, keyring.ErrTooLarge) {
		e.show(w, s, http.StatusUnprocessableEntity, f, []Fault{{"", "This is more than fits. Shorten the address or the name."}})
		return
	} else if err != nil {
		e.House.Fail(w, r, err)
		return
	}
	e.readBack(w, s, sealed, facts, 0, nil)
}

// readBack shows what is read back to the person.
func (e Entry) readBack(w http.ResponseWriter, s signin.Session, sealed string, facts optout.Facts, status int, faults []Fault) {
	said := Summary(optout.Form{Facts: facts, Channel: e.Door})
	said.Rows = slices.DeleteFunc(said.Rows, func(row nhsui.SummaryRow) bool { return row.Key.Text == "Came in" })
	e.House.Show(w, s, Page{
		Name: "readback", Title: "Read this back to the person", Part: e.Part, Status: status, Faults: faults,
		Data: struct {
			Said         nhsui.SummaryList
			Means        nhsui.WarningCallout
			Action       string
			Sealed       template.HTML
			Send, Change nhsui.Button
		}{
			said, Means(facts), e.At + "/confirm", Hidden("sealed", sealed),
			nhsui.Button{Text: "The person agrees: register it", Name: "do", Value: "send", PreventDoubleClick: new(true)},
			nhsui.Button{Text: "Change something", Name: "do", Value: "change", Variant: "secondary"},
		},
	})
}

// use binds what is sealed to whoever entered it. For which practice stands in it.
func (e Entry) use(s signin.Session) string { return entryUse + " " + e.At + " " + s.ID }

// Confirm registers what was read back, once, or gives it back to be changed.
func (e Entry) Confirm(w http.ResponseWriter, r *http.Request, s signin.Session) {
	f, status, code := door.ReadForm(r)
	var kept entered
	plain, err := e.Seals.Unseal(e.use(s), f.Get("sealed"), e.Now())
	if code != "" || err != nil || json.Unmarshal(plain, &kept) != nil {
		if status == 0 {
			status = http.StatusBadRequest
		}
		e.show(w, s, status, door.Form{}, []Fault{{"", "What was read back is too old, or was entered by somebody else. Nothing was registered. Fill it in again."}})
		return
	}
	form := door.Form(kept.Form)
	if f.Get("do") != "send" {
		e.show(w, s, 0, form, nil)
		return
	}
	if wrong := e.elsewhere(form, s); wrong != nil {
		e.show(w, s, http.StatusConflict, form, []Fault{*wrong})
		return
	}
	answers, facts, faults := e.accept(form, s)
	again := func(status int, wrong []Fault) { e.readBack(w, s, f.Get("sealed"), facts, status, wrong) }
	origin := optout.Origin{Door: e.Door, Client: s.String(), Key: kept.Key}
	var receipt optout.Receipt
	if len(faults) == 0 {
		receipt, err = e.Registrar.Register(r.Context(), origin, answers, facts)
	} else { // the rules, or the day, are others now; what was sent before gets its answer all the same
		receipt, err = e.Registrar.Replay(r.Context(), origin, &answers)
	}
	switch {
	case len(faults) > 0 && errors.Is(err, optout.ErrNotFound):
		e.show(w, s, http.StatusUnprocessableEntity, form, faults)
		return
	case errors.Is(err, optout.ErrOtherAnswers):
		url.Values(form).Del("key")
		e.show(w, s, http.StatusConflict, form, []Fault{{"", "This page has registered something else already. Read this one back and register it on its own."}})
		return
	case err != nil:
		e.House.Answer(w, r, err, Outcome{Again: again})
		return
	}
	if !receipt.Replayed {
		observe.Count(r.Context(), "FormsRegistered", 1)
	}
	observe.Note(r.Context(), "reference", receipt.Reference.String())
	if err := e.Looks.Look(r.Context(), worklist.Look{At: e.Now(), By: s.String(), What: lookEntered}, receipt.Reference); err != nil {
		e.House.Answer(w, r, err, Outcome{Again: again}) // the same page can be sent again
		return
	}
	See(w, e.At+"/registered?reference="+url.QueryEscape(receipt.Reference.String()))
}

// Registered says which reference the person gets, to whoever registered it.
func (e Entry) Registered(w http.ResponseWriter, r *http.Request, s signin.Session) {
	ref, err := optout.ParseReference(r.URL.Query().Get("reference"))
	if err != nil {
		See(w, e.At)
		return
	}
	own := false
	for l, failed := range e.Looks.Looks(r.Context(), ref) {
		if failed != nil {
			e.House.Fail(w, r, failed)
			return
		}
		own = own || l.What == lookEntered && l.By == s.String()
	}
	if !own { // an address that somebody made up, or was given
		See(w, e.At)
		return
	}
	e.House.Show(w, s, Page{Name: "registered", Title: "It is registered", Part: e.Part, Data: struct{ Reference, Again, Then string }{ref.String(), e.At, e.Then}})
}

func (e Entry) show(w http.ResponseWriter, s signin.Session, status int, f door.Form, faults []Fault) {
	b := Fields{f, faults}
	var all template.HTML
	add := func(parts ...template.HTML) {
		for _, p := range parts {
			all += p + "\n"
		}
	}
	heading := func(text string) template.HTML { return template.HTML(`<h2 class="nhsuk-heading-m">` + text + `</h2>`) }
	if e.Door == optout.Counter {
		add(For(s))
	}
	add(b.Key(), b.Want("What does the person want?", ""), b.About())
	add(heading("The person"), b.Names(), b.Born(), b.Number("NHS number, if known", "10 digits, like 943 476 5919. Leave it empty if it is not known."), b.Lives())
	if e.Door == optout.Phone {
		add(b.Practice("Code of the person's practice", "A letter and five digits, like A81001. Leave it empty if it is not known: the office finds it.", 10))
	}
	add(heading("Who says so"), b.One("signer", "Who signs or speaks?", "From 16 people decide for themselves. A child under 16 may sign alone, and the practice decides.",
		Option{"self", "The person", ""}, Option{"proxy", "Somebody else, who has the right to", ""}))
	add(b.Proxy("Leave it empty if the person signs.", "Leave this open if the person signs."), b.Signed("Signed, or asked for, on", "Leave this empty if it was today."))
	add(heading("How the person may be answered"), b.Replies("Which ways are safe?", "Ask the person. Somebody else may read their post or answer their telephone."))
	e.House.Show(w, s, Page{
		Name: "ask", Status: status, Title: e.Title, Part: e.Part, Faults: faults,
		Data: Ask{Above: e.Intro, Action: e.At, Fields: all, Button: nhsui.Button{Text: "Continue to read it back"}},
	})
}

// accept reads answers out of what was filled in and judges them by the rules of every door.
func (e Entry) accept(f door.Form, s signin.Session) (a optout.Answers, facts optout.Facts, faults []Fault) {
	a, faults = AnswersIn(f)
	if a.SignedOn == "" {
		a.SignedOn = nhs.DateOf(e.Now()).ISO()
	}
	if e.Door == optout.Counter {
		a.Practice = s.Practice.String()
	} else {
		a.Practice, a.NotRegistered = f.Get("practice"), f.Ticked("not-registered")
	}
	if len(f.All("safe")) == 0 {
		faults = append(faults, Fault{"safe", "Ask which ways are safe, and tick them."})
	}
	facts, broken := e.Rules().Accept(a)
	return a, facts, Wrong(faults, broken)
}

// Means is what people must know of what they ask for (domain facts, wording).
func Means(f optout.Facts) nhsui.WarningCallout {
	var text string
	switch {
	case f.Kind == "withdrawal", f.Kind == "not-me":
		text = "The practice looks at the earlier form and asks the person before anything more is shared. Until then what they had said before holds."
	case f.Choice == "core":
		text = "They will still be treated. Staff elsewhere, such as in A&E, see their medicines, allergies and bad reactions, and nothing else, even when the person cannot tell them more. What more a record that already exists holds is hidden, not erased."
	case f.Choice == "core-and-additional":
		text = "Staff elsewhere, such as in A&E, see their medicines, allergies, bad reactions and additional information, such as operations and vaccinations. If they had chosen to share less, the practice checks with them before more is shared."
	default:
		text = "They will still be treated. But staff elsewhere, such as in A&E, may not see their medicines, allergies and bad reactions, even when the person cannot tell them. A record that already exists is hidden, not erased."
	}
	return nhsui.WarningCallout{Heading: nhsui.Heading{Text: "Say this to the person"}, HTML: Paragraphs(text, "They can change their mind at any time, by the same route.",
		"This is not the Type 1 opt-out, for which they ask their GP practice, nor the National Data Opt-out, which they make on the NHS website, in the NHS App or by phone.")}
}
