package optout_test

import (
	"context"
	"fmt"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
)

// story is a form's life in which nothing is left to chance: its last event of a kind is an example of that kind.
type story func(h *house) optout.Reference

// stories tell every example of events/, by kind and name.
var stories = map[string]story{
	"registered/online":         online,
	"registered/on-paper":       sent(optout.Paper, nil),
	"registered/at-a-practice":  sent(optout.Counter, nil),
	"registered/by-telephone":   sent(optout.Phone, nil),
	"registered/too-many-forms": crowded(online),

	"held/choice":         held(optout.HeldForChoice, nil),
	"held/signature":      held(optout.HeldForSignature, nil),
	"held/age":            held(optout.HeldForAge, nil),
	"held/answers":        held(optout.HeldForAnswers, nil),
	"held/too-many-forms": crowded(held(optout.HeldForSignature, nil)),

	"wrote/post":     wrote("post"),
	"wrote/phone":    wrote("phone"),
	"wrote/email":    wrote("email"),
	"wrote/practice": wrote("practice"),

	"released/released":        held(optout.HeldForSignature, nil).then("rel"),
	"released/with-a-number":   held(optout.HeldForAnswers, unnumbered).does(release),
	"released/too-many-forms":  crowded(held(optout.HeldForAnswers, unnumbered).does(release)),
	"superseded/superseded":    held(optout.HeldForSignature, nil).does(supersede),
	"numbered/by-the-desk":     sent(optout.Paper, unnumbered).does(number(desk, theirs)),
	"numbered/beside-another":  second(nil, unnumbered, nil).does(number(office, theirs)),
	"numbered/no-duplicate":    second(nil, nil, nil).does(number(desk, another)),
	"numbered/nobody-else":     online.does(number(office, theirs)),
	"numbered/too-many-forms":  crowded(sent(optout.Online, unnumbered).does(number(office, theirs))),
	"numbered/as-applied":      sent(optout.Online, unnumbered).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Number: theirs})),
	"settled/duplicate":        second(nil, nil, nil),
	"settled/linked":           second(nil, core, nil),
	"followed/open":            second(nil, nil, found).days(1).failing().meanwhile(func(s story) story { return s.then("lac") }).looked(3),
	"followed/checked":         second(nil, nil, found).looked(1),
	"followed/withdrawn":       second(nil, nil, func(s story) story { return s.givenBack(optout.WithdrawnByPerson).days(1).tookBack("phone", "") }).looked(0),
	"followed/replaced":        second(nil, nil, replaced).looked(1),
	"followed/reopened":        second(nil, nil, func(s story) story { return s.givenBack(optout.NoLegalBasis).then("ref") }).looked(1),
	"routed/routed":            routed,
	"routed/to-a-successor":    sent(optout.Online, at("A81002")).closing().looked(0),
	"unrouted/no-practice":     sent(optout.Online, at("")).looked(0),
	"unrouted/not-registered":  sent(optout.Online, func(a *optout.Answers) { a.Practice, a.NotRegistered = "", true }).looked(0),
	"unrouted/about-unknown":   sent(optout.Online, aboutUnknown).looked(0),
	"unrouted/practice-closed": sent(optout.Online, at("A81003")).closing().looked(0),
	"unrouted/too-many-forms":  crowded(online).looked(0),

	"unrouted/returned-by-practice": collected.givenBack(optout.NotOurPatient).looked(0),

	"assigned/unrouted":     sent(optout.Online, at("")).looked(0).then("ass"),
	"assigned/returned":     collected.then("ret", "ass"),
	"assigned/lives":        collected.givenBack(optout.Deceased).then("ass"),
	"reminded/reminded":     routed.looked(3),
	"closed/closed":         sent(optout.Online, at("A81002")).looked(0).closing().looked(3),
	"rerouted/rerouted":     collected.givenBack(optout.HasMoved).looked(0),
	"failed/cannot-advance": online.failing(),

	"delivered/delivered":     routed.then("del"),
	"undelivered/undelivered": routed.then("del", "unf"),
	"rejected/rejected":       routed.then("del", "rej"),
	"collected/collected":     collected,
	"collected/by-a-clinician": routed.does(func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.Collect(ctx, ref, clinician, optout.Said{Key: "6f1c9b0e-7a43-4c55-9d57-0d6f6f2f5b1a", Text: "for the Monday round"})
	}),
	"let-go/let-go": collected.then("put"),

	"applied/under-a-number":      sent(optout.Online, unnumbered).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Number: theirs})),
	"applied/applied":             routed.applied(),
	"applied/and-the-person-told": collected.does(apply(optout.Application{Code: "9Ndo.", Told: true})),
	"applied/a-child-decides":     sent(optout.Online, child).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Basis: optout.Competent})),
	"applied/a-power-was-seen":    sent(optout.Online, byProxy).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Basis: optout.EvidenceSeen})),
	"applied/known-to-us":         sent(optout.Online, byProxy).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Basis: optout.KnownToUs})),
	"applied/best-interests":      sent(optout.Online, byProxy).looked(0).then("col").does(apply(optout.Application{Code: "9Ndo.", Basis: optout.BestInterests})),
	"applied/in-place-of-another": inPlace(core, nil, optout.Application{Code: "XaXj6"}),
	"applied/sharing-more":        inPlace(nil, core, optout.Application{Code: "9Ndm.", Asked: true}),
	"corrected/corrected":         routed.applied().then("cor"),
	"replaced/by-the-same-signer": inPlace(core, nil, optout.Application{Code: "XaXj6"}).first(),
	"replaced/by-another-signer":  inPlace(byProxy, nil, optout.Application{Code: "XaXj6"}).first(),
	"restored/as-corrected":       inPlace(core, nil, optout.Application{Code: "XaXj6"}).then("cor").first(),
	"restored/as-returned":        inPlace(core, nil, optout.Application{Code: "XaXj6"}).then("lac").does(returnIt).first(),

	"found/found":                 routed.applied().then("has"),
	"missing/not-listed":          routed.applied().then("lac"),
	"missing/implied":             routed.applied().does(codes("implied")),
	"missing/core":                routed.applied().does(codes("core")),
	"missing/core-and-additional": routed.applied().does(codes("core-and-additional")),
	"missing/dissent":             sent(optout.Online, core).looked(0).then("col").does(apply(optout.Application{Code: "9Ndm."})).does(codes("dissent")),
	"discarded/discarded":         sent(optout.Paper, nil).looked(0).applied().then("has").looked(92),

	"returned/not-our-patient":       collected.givenBack(optout.NotOurPatient),
	"returned/moved":                 collected.givenBack(optout.HasMoved),
	"returned/identity-not-verified": collected.givenBack(optout.IdentityNotVerified),
	"returned/withdrawn-by-person":   collected.givenBack(optout.WithdrawnByPerson),
	"returned/safeguarding":          collected.givenBack(optout.Safeguarding),
	"returned/coercion":              collected.givenBack(optout.Coercion),
	"returned/no-legal-basis":        collected.givenBack(optout.NoLegalBasis),
	"returned/deceased":              collected.givenBack(optout.Deceased),
	"returned/other":                 collected.givenBack(optout.OtherReason),

	"decided/goes-on":    collected.givenBack(optout.Safeguarding).then("kee"),
	"decided/by-mistake": collected.givenBack(optout.WithdrawnByPerson).then("kee"),
	"decided/told":       collected.givenBack(optout.Safeguarding).then("ref"),
	"decided/telling-is-unsafe": collected.givenBack(optout.Safeguarding).does(func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.Refuse(ctx, ref, clinician, said("telling may harm"), optout.Telling{Unsafe: true})
	}),
	"withdrawn/in-person":   collected.givenBack(optout.WithdrawnByPerson).tookBack("in-person", ""),
	"withdrawn/phone":       collected.givenBack(optout.WithdrawnByPerson).tookBack("phone", ""),
	"withdrawn/post":        collected.givenBack(optout.WithdrawnByPerson).tookBack("post", ""),
	"withdrawn/email":       collected.givenBack(optout.WithdrawnByPerson).tookBack("email", ""),
	"withdrawn/in-words":    collected.givenBack(optout.WithdrawnByPerson).tookBack("phone", "they want their record after all"),
	"withdrawn/by-a-proxy":  sent(optout.Online, byProxy).looked(0).then("col").givenBack(optout.WithdrawnByPerson).tookBack("phone", ""),
	"answered/answered":     collected.then("ret", "rep"),
	"confirmed/confirmed":   collected.givenBack(optout.Deceased).then("con"),
	"complained/complained": collected.givenBack(optout.Safeguarding).then("ref", "com"),
	"complained/still-held": held(optout.HeldForSignature, nil).does(supersede).then("com"),
}

// How most of them begin.
var (
	online    = sent(optout.Online, nil)
	routed    = online.looked(0)
	collected = routed.then("col")
)

// What somebody can say instead of plain dissent with everything that may be given.

func core(a *optout.Answers) { a.Choice = "core" }

func byProxy(a *optout.Answers) { a.Proxy = &optout.Proxy{Name: "Maria Brontë", Capacity: "deputy"} }

func child(a *optout.Answers) { a.Subject.BirthDate = "2014-03-31" }

func unnumbered(a *optout.Answers) { a.Subject.NHSNumber = "" }

func at(practice string) func(*optout.Answers) {
	return func(a *optout.Answers) { a.Practice = practice }
}

func aboutUnknown(a *optout.Answers) {
	a.Kind, a.Choice, a.About = "withdrawal", "", the("nobody's").String()
}

// theirs is the NHS number of everybody here, another nobody's.
var theirs, another = nhs.StoredNumber("9000000009"), nhs.StoredNumber("9000000017")

// arriving is what comes through a door under a key.
func arriving(door, key string, change func(*optout.Answers)) (optout.Origin, optout.Answers, optout.Facts) {
	a := optouttest.Dissent()
	if change != nil {
		change(&a)
	}
	o := optouttest.Online(key)
	o.Door = door
	return o, a, optouttest.Accepted(a)
}

// the is the form that came online under a key.
func the(key string) optout.Reference { return optouttest.Keys{}.Reference(optouttest.Online(key)) }

func sent(door string, change func(*optout.Answers)) story { return under("first", door, change) }

func under(key, door string, change func(*optout.Answers)) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		o, a, facts := arriving(door, key, change)
		r, err := registrar(h.Memory, h.Clock).Register(h.t.Context(), o, a, facts)
		if err != nil {
			h.t.Fatal(err)
		}
		return r.Reference
	}
}

func held(why string, change func(*optout.Answers)) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		o, a, facts := arriving(optout.Paper, "first", change)
		r, err := registrar(h.Memory, h.Clock).Hold(h.t.Context(), o, a, facts, why)
		if err != nil {
			h.t.Fatal(err)
		}
		return r.Reference
	}
}

// crowded has as many forms of the person come before as their list holds.
func crowded(s story) story {
	return func(h *house) optout.Reference {
		for n := range optout.MostForms {
			under(fmt.Sprint("before ", n), optout.Online, nil)(h)
		}
		return s(h)
	}
}

// second is the second form of one person. The engine has looked at both, and then something becomes of the first.
func second(first, second func(*optout.Answers), meanwhile func(story) story) story {
	s := story(func(h *house) optout.Reference {
		sent(optout.Online, first).looked(0)(h)
		return under("second", optout.Online, second).looked(0)(h)
	})
	if meanwhile != nil {
		s = s.meanwhile(meanwhile)
	}
	return s
}

// meanwhile is what becomes of the first form.
func (s story) meanwhile(does func(story) story) story {
	return func(h *house) optout.Reference {
		ref := s(h)
		does(func(*house) optout.Reference { return the("first") })(h)
		return ref
	}
}

// first goes on with the first form.
func (s story) first() story {
	return func(h *house) optout.Reference {
		s(h)
		return the("first")
	}
}

// inPlace has a second form applied in place of the first.
func inPlace(first, last func(*optout.Answers), a optout.Application) story {
	a.Replaces = []optout.Reference{the("first")}
	return second(first, last, nil).then("col").does(apply(a))
}

// then has verbs of the table of acts said, a minute after each other.
func (s story) then(verbs ...string) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		ref := s(h)
		h.say(ref, verbs...)
		return ref
	}
}

func (s story) applied() story { return s.then("col", "app") }

// deed is an act of somebody, with details of its own.
type deed func(context.Context, *house, optout.Reference) (optout.Answer, error)

func (s story) does(d deed) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		ref := s(h)
		h.Move(time.Minute)
		if _, err := d(h.t.Context(), h, ref); err != nil {
			h.t.Fatal(err)
		}
		return ref
	}
}

// days lets days pass, and a minute.
func (s story) days(n int) story {
	return func(h *house) optout.Reference {
		ref := s(h)
		h.Move(time.Duration(n)*24*time.Hour + time.Minute)
		return ref
	}
}

// looked lets days pass, and then the engine look at the form.
func (s story) looked(days int) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		ref := s.days(days)(h)
		h.advance(ref)
		return ref
	}
}

// closing has practices close: A81002 has a successor, A81003 has none.
func (s story) closing() story {
	return func(h *house) optout.Reference {
		ref := s(h)
		h.engine.Practices = practices{}
		return ref
	}
}

// failing has the engine fail for good when it looks at the form.
func (s story) failing() story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		ref := s(h)
		h.Fate = fates("Record", optouttest.Broken)
		if _, err := h.engine.Advance(h.t.Context(), optout.Due{Noun: optout.DueForm, ID: ref.Key()}); !optout.Recorded(err) {
			h.t.Fatal(err)
		}
		return ref
	}
}

func (s story) givenBack(why optout.Reason) story {
	return func(h *house) optout.Reference {
		h.t.Helper()
		ref := s(h)
		h.giveBack(ref, why)
		return ref
	}
}

func (s story) tookBack(how, words string) story {
	return s.does(func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.TakeBack(ctx, ref, practice, said(words), optout.TakenBack{How: how, On: nhs.DateOf(h.Now()), To: "the receptionist"})
	})
}

// found is in its practice's list.
func found(s story) story { return s.then("col", "has") }

// replaced has a third form of the person applied in place of theirs.
func replaced(s story) story {
	return func(h *house) optout.Reference {
		ref := s(h)
		a := optout.Application{Code: "9Ndm.", Asked: true, Replaces: []optout.Reference{ref}}
		under("third", optout.Online, core).looked(0).then("col").does(apply(a))(h)
		return ref
	}
}

func returnIt(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
	return h.custody.Return(ctx, ref, practice, said("the other one was meant"), optout.OtherReason)
}

func wrote(how string) story {
	return held(optout.HeldForSignature, nil).does(func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.Wrote(ctx, ref, desk, said(""), how)
	})
}

func release(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
	_, a, facts := arriving(optout.Paper, "first", nil)
	return h.custody.Release(ctx, ref, supervisor, said(""), a, facts)
}

func supersede(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
	return h.custody.Supersede(ctx, ref, supervisor, said(""), under("second", optout.Online, nil)(h))
}

func number(by optout.Actor, n nhs.Number) deed {
	return func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.Number(ctx, ref, by, said("the letter has it"), n)
	}
}

func apply(a optout.Application) deed {
	return func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		a.On = nhs.DateOf(h.Now())
		return h.custody.Apply(ctx, ref, practice, said(""), a)
	}
}

func codes(choice string) deed {
	return func(ctx context.Context, h *house, ref optout.Reference) (optout.Answer, error) {
		return h.custody.Check(ctx, ref, practice, said(""), optout.Listed{Run: h.Now(), Choice: choice})
	}
}
