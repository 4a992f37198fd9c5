package optout

import (
	"encoding/hex"
	"testing"
	"time"
)

var zeroReference = NewReference([10]byte{})

func history() []Event {
	at := time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)
	f := Form{Reference: zeroReference}.
		With(Event{At: at, By: "online", Kind: Registered, Detail: map[string]string{"rules": "1", "answers": "00ff"}}).
		With(Event{At: at.Add(time.Second), By: "engine", Kind: Routed, Detail: map[string]string{"practice": "A81001"}}).
		With(Event{At: at.Add(48 * time.Hour), By: "engine", Kind: Reminded})
	return f.Events
}

// The hashes of a known history: whoever changes the canonical bytes breaks every chain there is.
func TestTheChainIsWhatItAlwaysWas(t *testing.T) {
	t.Parallel()
	want := []string{
		"3059330989fd2ccd407d1dbfce60e1bf67f8e8ffdb879de65d7cb71261a6e0aa",
		"59829d3579a7d15c29ee6975391d5b711ab45a195a892ae39f678eb5dc8a0969",
		"2acb69e537971eff7ac2f88f0884ceae5f5f2de170513baeb1838135b662c7c2",
	}
	for i, e := range history() {
		if got := hex.EncodeToString(e.Hash[:]); got != want[i] {
			t.Errorf("event %d has hash %s, want %s", e.Seq, got, want[i])
		}
	}
}

func TestNoEventCanBeChangedMovedOrLeftOut(t *testing.T) {
	t.Parallel()
	if err := verify(zeroReference, history()); err != nil {
		t.Fatalf("an untouched history: %v", err)
	}
	other := NewReference([10]byte{1})
	for name, tamper := range map[string]func([]Event) []Event{
		"another time":   func(h []Event) []Event { h[1].At = h[1].At.Add(time.Millisecond); return h },
		"another actor":  func(h []Event) []Event { h[1].By = "office"; return h },
		"another kind":   func(h []Event) []Event { h[2].Kind = Routed; return h },
		"another detail": func(h []Event) []Event { h[1].Detail = map[string]string{"practice": "A81002"}; return h },
		"a detail more":  func(h []Event) []Event { h[2].Detail = map[string]string{"a": "b"}; return h },
		"one left out":   func(h []Event) []Event { return append(h[:1], h[2:]...) },
		"two swapped":    func(h []Event) []Event { h[1], h[2] = h[2], h[1]; return h },
		"first cut off":  func(h []Event) []Event { return h[1:] },
		"shifted details": func(h []Event) []Event {
			h[0].Detail = map[string]string{"rules": "1answers", "answer": "00ff"}
			return h
		},
	} {
		if verify(zeroReference, tamper(history())) == nil {
			t.Errorf("%s: nobody notices", name)
		}
	}
	if verify(other, history()) == nil {
		t.Error("a history under another reference: nobody notices")
	}
}

func TestEventsNeverGoBackInTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f := Form{Reference: zeroReference}.With(Event{At: at, Kind: Registered}).With(Event{At: at.Add(-time.Hour), Kind: Unrouted})
	if got := f.Events[1].At; !got.Equal(at) {
		t.Errorf("the clock jumped back and the event says %v, want %v", got, at)
	}
}

func TestTheRemindersComeOnDay2And14And28AndThenEvery28Days(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday, and so are all the others
	f := Form{Reference: zeroReference}.
		With(Event{At: start, Kind: Registered}).
		With(Event{At: start, Kind: Routed, Detail: map[string]string{"practice": "A81001"}})
	for _, days := range []int{2, 14, 28, 56, 84, 112} {
		if got := f.Due.Sub(start); got != time.Duration(days)*day {
			t.Fatalf("the next reminder is due after %v, want day %d", got, days)
		}
		f = f.With(Event{At: f.Due, Kind: Reminded})
	}
}

// Fingerprints of stored forms are made of this spelling: whoever changes it turns every repeat into other answers.
func TestTheSpellingOfAnswersIsWhatItAlwaysWas(t *testing.T) {
	t.Parallel()
	whole := Answers{
		Kind: "choice", Choice: "dissent",
		Subject: Subject{
			Title: "Ms", Surname: "O'Neill", Forenames: "Ada", BirthDate: "1957-03-31", NHSNumber: "900 000 0009",
			Address: []string{"1 Lawson Street"}, Postcode: "TS18 1HU",
		},
		Proxy: &Proxy{Name: "M", Capacity: "parent"}, Practice: "A81001", SignedOn: "2026-11-20",
		Reply: &Reply{Safe: []string{"email"}, Email: "a@b.example", Phone: "01642 672351", Format: "braille", Language: "cy"},
	}
	bare := Answers{Kind: "withdrawal", About: "0", Subject: Subject{Surname: "A", Forenames: "B", BirthDate: "2000-01-01", NoAddress: true}, NotRegistered: true, Reply: &Reply{Safe: []string{}}}
	oneName := Answers{Choice: "core", Subject: Subject{Surname: "A", OneName: true, BirthDate: "2000-01-01"}}
	for want, a := range map[string]Answers{
		`{"choice":"core","subject":{"surname":"A","forenames":"","oneName":true,"birthDate":"2000-01-01"}}`: oneName,
		`{"choice":"dissent","subject":{"title":"Ms","surname":"O'Neill","forenames":"Ada","birthDate":"1957-03-31","nhsNumber":"900 000 0009","address":["1 Lawson Street"],"postcode":"TS18 1HU"},"proxy":{"name":"M","capacity":"parent"},"practice":"A81001","signedOn":"2026-11-20","reply":{"safe":["email"],"email":"a@b.example","phone":"01642 672351","format":"braille","language":"cy"}}`: whole,
		`{"kind":"withdrawal","about":"0","subject":{"surname":"A","forenames":"B","birthDate":"2000-01-01","noAddress":true},"notRegistered":true,"reply":{"safe":[]}}`:                                                                                                                                                                                                                              bare,
	} {
		if got := string(canonical(a)); got != want {
			t.Errorf("spelt\n%s, was\n%s", got, want)
		}
	}
}
