// Package optouttest has what tests of the domain and of its stores share: a store in memory that fails on
// demand, a clock, sample answers, and the conformance suite that every store passes.
package optouttest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/quota"
	"example.org/optout/functions/internal/signin"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// Fate is what befalls one call of a Memory.
type Fate int

// What can befall a call.
const (
	Fine     Fate = iota
	Conflict      // refused because somebody else's transaction was under way; nothing written
	Throttle      // refused for load; nothing written
	Lost          // done, but the answer does not arrive
	Broken        // fails for good, for no reason that anybody foresaw; nothing written
)

// Memory is an optout.Store, a quota.Counter, a worklist.Store, a signin.Sessions, a signin.Clients and an upload.Store in
// memory. It is as strict as the table: items are values, indexes hold what was last written. Its zero value is ready to use.
type Memory struct {
	// Fate decides what befalls a call, by the name of the method of these; nil: all is fine. It is called with
	// the store locked.
	Fate func(method string) Fate

	mu        sync.Mutex
	forms     map[optout.Reference]optout.Form
	persons   map[optout.PersonKey][]optout.Reference
	possible  map[optout.PersonKey][]optout.Reference
	practices map[nhs.ODSCode]optout.Practice
	counts    map[string]int
	places    map[string]place // on lists, by what stands there
	claims    map[optout.Reference]worklist.Claim
	looks     map[optout.Reference][]worklist.Look
	sessions  map[session]bool
	clients   map[string]optout.Actor
	uploads   map[string]upload.Slot
	turns     map[nhs.ODSCode]upload.Turn
	books     books
}

type session struct {
	person string
	id     [16]byte
}

var (
	_ optout.Store    = (*Memory)(nil)
	_ quota.Counter   = (*Memory)(nil)
	_ worklist.Store  = (*Memory)(nil)
	_ signin.Sessions = (*Memory)(nil)
	_ signin.Clients  = (*Memory)(nil)
	_ upload.Store    = (*Memory)(nil)
	_ batch.Store     = (*Memory)(nil)
)

// do runs a call under the store's lock and lets fate befall it.
func (m *Memory) do(method string, call func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forms == nil {
		m.forms = map[optout.Reference]optout.Form{}
		m.persons = map[optout.PersonKey][]optout.Reference{}
		m.possible = map[optout.PersonKey][]optout.Reference{}
		m.practices = map[nhs.ODSCode]optout.Practice{}
		m.counts = map[string]int{}
		m.places = map[string]place{}
		m.claims = map[optout.Reference]worklist.Claim{}
		m.looks = map[optout.Reference][]worklist.Look{}
		m.sessions = map[session]bool{}
		m.clients = map[string]optout.Actor{}
		m.uploads = map[string]upload.Slot{}
		m.turns = map[nhs.ODSCode]upload.Turn{}
		m.books = books{map[string]batch.Batch{}, map[batch.At]batch.Piece{}, map[string]batch.File{}, map[optout.Reference]batch.At{}, nil}
	}
	fate := Fine
	if m.Fate != nil {
		fate = m.Fate(method)
	}
	switch fate {
	case Conflict:
		return optout.ErrConflict
	case Throttle:
		return optout.ErrUnavailable
	case Lost:
		_ = call() // whatever it said, nobody heard it
		return optout.ErrUnavailable
	case Broken:
		return errors.New("nobody foresaw this")
	}
	return call()
}

// Register implements optout.Store.
func (m *Memory) Register(_ context.Context, f optout.Form) (stored optout.Form, err error) {
	err = m.do("Register", func() error {
		if old, ok := m.forms[f.Reference]; ok {
			stored = copied(old)
			return optout.ErrTaken
		}
		if f.Person != "" && !f.Crowded() {
			if len(m.persons[f.Person]) >= optout.MostForms {
				return optout.ErrCrowded
			}
			m.persons[f.Person] = append(m.persons[f.Person], f.Reference)
		}
		if f.Possible != "" && len(m.possible[f.Possible]) < optout.MostForms {
			m.possible[f.Possible] = append(m.possible[f.Possible], f.Reference)
		}
		m.forms[f.Reference] = copied(f)
		m.placeForm(f)
		return nil
	})
	if err == optout.ErrUnavailable {
		stored = optout.Form{}
	}
	return stored, err
}

// Form implements optout.Store.
func (m *Memory) Form(_ context.Context, ref optout.Reference) (f optout.Form, err error) {
	err = m.do("Form", func() error {
		stored, ok := m.forms[ref]
		if !ok {
			return optout.ErrNotFound
		}
		if f, err = copied(stored).Restore(); err != nil {
			f = optout.Form{Reference: ref, Due: stored.Due, Tries: stored.Tries, Fault: stored.Fault}
			return optout.ErrUnreadable
		}
		return nil
	})
	return f, err
}

// Record implements optout.Store.
func (m *Memory) Record(_ context.Context, c optout.Change) error {
	return m.do("Record", func() error {
		seen := map[optout.Reference]bool{c.While.Reference: c.While.Version() > 0}
		changed := append(slices.Clone(c.Others), c.Form)
		for _, f := range changed {
			if seen[f.Reference] {
				return errTwice
			}
			seen[f.Reference] = true
			if stored, ok := m.forms[f.Reference]; !ok || stored.Version() != f.Stored() {
				return optout.ErrConflict
			}
		}
		if w := c.While; w.Version() > 0 && m.forms[w.Reference].Version() != w.Stored() {
			return optout.ErrConflict
		}
		if c.Joins {
			if len(m.persons[c.Form.Person]) >= optout.MostForms {
				return optout.ErrConflict
			}
			m.persons[c.Form.Person] = append(m.persons[c.Form.Person], c.Form.Reference)
		}
		if c.Flags && len(m.possible[c.Form.Possible]) < optout.MostForms {
			m.possible[c.Form.Possible] = append(m.possible[c.Form.Possible], c.Form.Reference)
		}
		for _, f := range changed {
			m.forms[f.Reference] = copied(f)
			m.placeForm(f)
		}
		asked := append(slices.Clone(c.Look), c.Tell)
		for n, code := range asked {
			if slices.Contains(asked[:n], code) {
				return errTwice
			}
			if !code.IsZero() {
				m.ask(code, c)
			}
		}
		return nil
	})
}

// errTwice is what the table says, too: one transaction touches an item once.
var errTwice = errors.New("one change names an item twice")

// ask makes a practice due on behalf of a change.
func (m *Memory) ask(code nhs.ODSCode, c optout.Change) {
	at := c.At
	if at.IsZero() {
		at = c.Form.Events[c.Form.Version()-1].At
	}
	at = at.UTC().Truncate(time.Millisecond)
	p := m.practices[code]
	p.Code = code
	d := &p.Digest
	d.Version++
	if d.Due.IsZero() {
		d.Due = at
	}
	if code == c.Tell {
		d.Asked = c.Form.Reference.Key()
		d.Extract = d.Extract || c.Asks.Extract
		if c.Asks.Late && d.Late.IsZero() {
			d.Late = at
		}
		if c.Asks.Late {
			m.toOffice(code.String(), at)
		}
	}
	m.practices[code] = p
}

// Person implements optout.Store.
func (m *Memory) Person(_ context.Context, key optout.PersonKey) (list []optout.Reference, err error) {
	err = m.do("Person", func() error {
		list = slices.Clone(m.persons[key])
		return nil
	})
	return list, err
}

// Practice implements optout.Store.
func (m *Memory) Practice(_ context.Context, code nhs.ODSCode) (p optout.Practice, err error) {
	err = m.do("Practice", func() error {
		p = m.practices[code]
		p.Code, p.Decisions, p.Contacts, p.Chases = code, slices.Clone(p.Decisions), slices.Clone(p.Contacts), slices.Clone(p.Chases)
		p.Digest.Attempts = slices.Clone(p.Digest.Attempts)
		return nil
	})
	return p, err
}

// SaveDigest implements optout.Store.
func (m *Memory) SaveDigest(_ context.Context, p optout.Practice) error {
	return m.do("SaveDigest", func() error {
		stored := m.practices[p.Code]
		if stored.Digest.Version != p.Digest.Version {
			return optout.ErrConflict
		}
		stored.Code, stored.Digest = p.Code, p.Digest
		d := &stored.Digest
		d.Attempts = slices.Clone(d.Attempts)
		for _, at := range []*time.Time{&d.Due, &d.Lease, &d.Sent, &d.Since, &d.Late} {
			*at = at.Truncate(time.Millisecond)
		}
		for i := range d.Attempts {
			d.Attempts[i].At = d.Attempts[i].At.Truncate(time.Millisecond)
		}
		stored.Digest.Version++
		m.practices[p.Code] = stored
		delete(m.places, p.Code.String())
		if since, listed := d.OfficeSince(); listed {
			m.toOffice(p.Code.String(), since)
		}
		return nil
	})
}

// SavePractice implements optout.Store.
func (m *Memory) SavePractice(_ context.Context, p optout.Practice) error {
	return m.do("SavePractice", func() error {
		stored := m.practices[p.Code]
		if stored.Version != p.Version {
			return optout.ErrConflict
		}
		p.Decisions, p.Contacts, p.Chases, p.Digest = slices.Clone(p.Decisions), slices.Clone(p.Contacts), slices.Clone(p.Chases), stored.Digest
		for i := range p.Decisions {
			p.Decisions[i].At = p.Decisions[i].At.Truncate(time.Millisecond)
		}
		for i := range p.Contacts {
			p.Contacts[i].At = p.Contacts[i].At.Truncate(time.Millisecond)
		}
		for i := range p.Chases {
			p.Chases[i].At = p.Chases[i].At.Truncate(time.Millisecond)
		}
		p.Version++
		m.practices[p.Code] = p
		return nil
	})
}

// Waiting implements optout.Store.
func (m *Memory) Waiting(_ context.Context, code nhs.ODSCode) (n int, err error) {
	err = m.do("Waiting", func() error {
		n = len(m.on(toAct(code)))
		return nil
	})
	return n, err
}

// Oldest implements optout.Store.
func (m *Memory) Oldest(_ context.Context, code nhs.ODSCode, n int) (refs []optout.Reference, err error) {
	err = m.do("Oldest", func() error {
		for _, e := range toAct(code).Page(m.on(toAct(code)), worklist.Entry{}, n).Entries {
			refs = append(refs, e.Reference)
		}
		return nil
	})
	return refs, err
}

// DueShards implements optout.Store.
func (m *Memory) DueShards() int { return 1 }

// Due implements optout.Store.
func (m *Memory) Due(_ context.Context, _ int, now time.Time) iter.Seq2[optout.Due, error] {
	type entry struct {
		at time.Time
		optout.Due
	}
	var due []entry
	err := m.do("Due", func() error {
		add := func(at time.Time, d optout.Due) {
			if !at.IsZero() && !at.After(now) {
				due = append(due, entry{at, d})
			}
		}
		for ref, f := range m.forms {
			add(f.Due, optout.Due{Noun: optout.DueForm, ID: ref.Key()})
		}
		for code, p := range m.practices {
			add(p.Digest.Due, optout.Due{Noun: optout.DuePractice, ID: code.String()})
		}
		return nil
	})
	slices.SortFunc(due, func(a, b entry) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return func(yield func(optout.Due, error) bool) {
		if err != nil {
			yield(optout.Due{}, err)
			return
		}
		for _, d := range due {
			if !yield(d.Due, nil) {
				return
			}
		}
	}
}

// Postpone implements optout.Store.
func (m *Memory) Postpone(_ context.Context, d optout.Due, p optout.Postponement) error {
	return m.do("Postpone", func() error {
		if ref, err := optout.ParseReference(d.ID); err == nil && d.Noun == optout.DueForm {
			if f, ok := m.forms[ref]; ok {
				if p.Version != 0 && p.Version != f.Version() {
					return optout.ErrConflict
				}
				f.Due, f.Tries = p.Until.Truncate(time.Millisecond), p.Tries
				if p.Fault != "" {
					f.Fault = p.Fault
					m.toOffice(d.ID, p.Until)
				}
				m.forms[ref] = f
				return nil
			}
		}
		if code, err := nhs.ParseODSCode(d.ID); err == nil && d.Noun == optout.DuePractice {
			if s, ok := m.practices[code]; ok {
				if p.Version != 0 && p.Version != s.Digest.Version {
					return optout.ErrConflict
				}
				s.Digest.Due, s.Digest.Tries = p.Until.Truncate(time.Millisecond), p.Tries
				if p.Fault != "" {
					s.Digest.Fault = p.Fault
					m.toOffice(d.ID, p.Until)
				}
				m.practices[code] = s
				return nil
			}
		}
		return optout.ErrNotFound
	})
}

// Count implements quota.Counter. Nothing is forgotten here: nobody may rely on when it is.
func (m *Memory) Count(_ context.Context, key string, _ time.Time) (n int, err error) {
	err = m.do("Count", func() error {
		m.counts[key]++
		n = m.counts[key]
		return nil
	})
	return n, err
}

// Counted implements quota.Counter.
func (m *Memory) Counted(_ context.Context, key string) (n int, err error) {
	err = m.do("Counted", func() error {
		n = m.counts[key]
		return nil
	})
	return n, err
}

// OpenSession implements signin.Sessions. Nothing is forgotten here, as with Count.
func (m *Memory) OpenSession(_ context.Context, person string, id [16]byte, _ time.Time) error {
	return m.do("OpenSession", func() error {
		m.sessions[session{person, id}] = true
		return nil
	})
}

// SessionIsOpen implements signin.Sessions.
func (m *Memory) SessionIsOpen(_ context.Context, person string, id [16]byte) (open bool, err error) {
	err = m.do("SessionIsOpen", func() error {
		open = m.sessions[session{person, id}]
		return nil
	})
	return open, err
}

// EndSession implements signin.Sessions.
func (m *Memory) EndSession(_ context.Context, person string, id [16]byte) error {
	return m.do("EndSession", func() error {
		delete(m.sessions, session{person, id})
		return nil
	})
}

// EndSessions implements signin.Sessions.
func (m *Memory) EndSessions(_ context.Context, person string) error {
	return m.do("EndSessions", func() error {
		maps.DeleteFunc(m.sessions, func(s session, _ bool) bool { return s.person == person })
		return nil
	})
}

// Client implements signin.Clients.
func (m *Memory) Client(_ context.Context, id string) (a optout.Actor, err error) {
	err = m.do("Client", func() error {
		if a = m.clients[id]; a.Role == "" {
			return optout.ErrNotFound
		}
		return nil
	})
	return a, err
}

// SaveClient enters a machine of a practice.
func (m *Memory) SaveClient(_ context.Context, id string, practice nhs.ODSCode, _ string) error {
	return m.do("SaveClient", func() error {
		m.clients[id] = optout.Actor{Role: optout.AtPractice, Practice: practice, ID: id}
		return nil
	})
}

// SaveMailroomClient enters a machine of the mailroom.
func (m *Memory) SaveMailroomClient(_ context.Context, id, _ string) error {
	return m.do("SaveMailroomClient", func() error {
		m.clients[id] = optout.Actor{Role: optout.Desk, ID: id}
		return nil
	})
}

// Possible gives the list under the key of a possible person, for tests.
func (m *Memory) Possible(_ context.Context, key optout.PersonKey) ([]optout.Reference, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.possible[key]), nil
}

// Tamper changes a stored form behind the domain's back, for tests.
func (m *Memory) Tamper(ref optout.Reference, change func(*optout.Form)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := copied(m.forms[ref])
	change(&f)
	m.forms[ref] = f
}

// copied shares nothing that can be changed with f.
func copied(f optout.Form) optout.Form {
	f.Events = slices.Clip(slices.Clone(f.Events))
	for i, e := range f.Events {
		f.Events[i].Detail = maps.Clone(e.Detail)
	}
	return f
}
