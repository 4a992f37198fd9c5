package dynamo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.org/optout/functions/internal/digest"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
)

// item is an item, or a map inside one. Its writers leave out what is empty; its readers give the zero value for
// what is not there, and remember the first attribute that has another type than it should.
type item map[string]types.AttributeValue

func (i item) str(name, v string) {
	if v != "" {
		i[name] = &types.AttributeValueMemberS{Value: v}
	}
}

func (i item) num(name string, v int) {
	if v != 0 {
		i[name] = &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
	}
}

func (i item) flag(name string, v bool) {
	if v {
		i[name] = &types.AttributeValueMemberBOOL{Value: true}
	}
}

func (i item) bytes(name string, v []byte) {
	if len(v) > 0 {
		i[name] = &types.AttributeValueMemberB{Value: v}
	}
}

func (i item) time(name string, v time.Time) {
	if !v.IsZero() {
		i.str(name, stamp(v))
	}
}

func (i item) list(name string, v []string) {
	l := make([]types.AttributeValue, len(v))
	for n, s := range v {
		l[n] = &types.AttributeValueMemberS{Value: s}
	}
	i[name] = &types.AttributeValueMemberL{Value: l}
}

func (i item) key(k key) item {
	i.str("PK", k.pk)
	i.str("SK", k.sk)
	return i
}

func (i item) place(list, due entry) {
	i.str("LPK", list.pk)
	i.str("LSK", list.sk)
	i.str("DPK", due.pk)
	i.str("DSK", due.sk)
}

// reader takes an item apart.
type reader struct {
	item
	err error
}

func (r *reader) fail(name string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("attribute %s: %w", name, err)
	}
}

var errType = errors.New("has another type")

func get[T types.AttributeValue](r *reader, name string) (v T) {
	a, ok := r.item[name]
	if !ok {
		return v
	}
	if v, ok = a.(T); !ok {
		r.fail(name, errType)
	}
	return v
}

func (r *reader) str(name string) string {
	if v := get[*types.AttributeValueMemberS](r, name); v != nil {
		return v.Value
	}
	return ""
}

func (r *reader) num(name string) int {
	v := get[*types.AttributeValueMemberN](r, name)
	if v == nil {
		return 0
	}
	n, err := strconv.Atoi(v.Value)
	if err != nil {
		r.fail(name, errType)
	}
	return n
}

func (r *reader) flag(name string) bool {
	v := get[*types.AttributeValueMemberBOOL](r, name)
	return v != nil && v.Value
}

func (r *reader) bytes(name string) []byte {
	if v := get[*types.AttributeValueMemberB](r, name); v != nil {
		return v.Value
	}
	return nil
}

func (r *reader) time(name string) time.Time { return parsed(r, name, parseTime) }

func (r *reader) list(name string) []string {
	v := get[*types.AttributeValueMemberL](r, name)
	if v == nil {
		return nil
	}
	out := make([]string, len(v.Value))
	for i, a := range v.Value {
		s, ok := a.(*types.AttributeValueMemberS)
		if !ok {
			r.fail(name, errType)
			return nil
		}
		out[i] = s.Value
	}
	return out
}

// each hands every map of a list to read.
func (r *reader) each(name string, read func(*reader)) {
	v := get[*types.AttributeValueMemberL](r, name)
	if v == nil {
		return
	}
	for _, a := range v.Value {
		m, ok := a.(*types.AttributeValueMemberM)
		if !ok {
			r.fail(name, errType)
			return
		}
		sub := &reader{item: m.Value}
		if read(sub); sub.err != nil {
			r.fail(name, sub.err)
		}
	}
}

func (r *reader) inner(name string, read func(*reader)) {
	if v := get[*types.AttributeValueMemberM](r, name); v != nil {
		sub := &reader{item: v.Value}
		if read(sub); sub.err != nil {
			r.fail(name, sub.err)
		}
	}
}

// parsed reads a string attribute into a value; one that is not there is the zero value.
func parsed[T any](r *reader, name string, parse func(string) (T, error)) (v T) {
	s := r.str(name)
	if s == "" {
		return v
	}
	v, err := parse(s)
	if err != nil {
		r.fail(name, err)
	}
	return v
}

// parseTime reads a time as stamp spells it. A layout of one's own is read piece by piece; RFC 3339 is not.
func parseTime(s string) (time.Time, error) {
	if len(s) != len(milliseconds) || s[len(s)-1] != 'Z' || s[len(s)-5] != '.' {
		return time.Parse(milliseconds, s) // which says what is wrong with it
	}
	return time.Parse(time.RFC3339, s)
}

// formItem spells a form as an item.
func formItem(f optout.Form) item {
	i := make(item, 32).key(formKey(f.Reference)) // as many as it may have
	i.num("v", f.Version())
	i.str("channel", f.Channel)
	i["facts"] = &types.AttributeValueMemberM{Value: factsItem(f.Facts)}
	i.str("person", string(f.Person))
	i.str("possible", string(f.Possible))
	i.bytes("print", f.Fingerprint)
	i.str("attempt", f.Attempt)
	i["events"] = &types.AttributeValueMemberL{Value: eventItems(f.Events)}
	i.place(listEntry(f), dueEntry(f.Due, optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}))
	return i
}

func readForm(i item) (optout.Form, error) {
	r := &reader{item: i}
	f := optout.Form{
		Channel: r.str("channel"), Person: optout.PersonKey(r.str("person")), Possible: optout.PersonKey(r.str("possible")),
		Fingerprint: r.bytes("print"), Attempt: r.str("attempt"), Tries: r.num("tries"), Fault: r.str("fault"),
	}
	var err error
	if f.Reference, err = optout.ParseReference(r.str("PK")[min(2, len(r.str("PK"))):]); err != nil {
		r.fail("PK", err)
	}
	if sk := r.str("DSK"); sk != "" {
		if f.Due, _, err = dueOf(sk); err != nil {
			r.fail("DSK", err)
		}
	}
	r.inner("facts", func(r *reader) { f.Facts = readFacts(r) })
	r.each("events", func(r *reader) { f.Events = append(f.Events, readEvent(r, len(f.Events)+1)) })
	if r.num("v") != len(f.Events) {
		r.fail("v", errors.New("is not the number of events"))
	}
	due := f.Due
	if r.err == nil {
		f, r.err = f.Restore()
	}
	if r.err != nil {
		return optout.Form{Reference: f.Reference, Due: due, Tries: f.Tries, Fault: f.Fault}, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return f, nil
}

func factsItem(f optout.Facts) item {
	i := item{}
	i.str("kind", f.Kind)
	i.str("about", f.About.Key())
	i.str("choice", f.Choice)
	i.str("title", f.Title.Text())
	i.str("surname", f.Surname.Text())
	i.str("forenames", f.Forenames.Text())
	i.flag("oneName", f.OneName)
	i.str("birthDate", f.BirthDate.ISO())
	i.str("nhsNumber", f.NHSNumber.Digits())
	if len(f.Address) > 0 {
		i.list("address", f.Address)
	}
	i.str("postcode", f.Postcode.Text())
	i.flag("noAddress", f.NoAddress)
	i.str("proxyName", f.ProxyName.Text())
	i.str("proxyCapacity", f.ProxyCapacity)
	i.str("practice", f.Practice.String())
	i.flag("notRegistered", f.NotRegistered)
	i.str("signedOn", f.SignedOn.ISO())
	if f.Reply != nil {
		reply := item{}
		reply.list("safe", f.Reply.Safe)
		reply.str("email", f.Reply.Email)
		reply.str("phone", f.Reply.Phone)
		reply.str("format", f.Reply.Format)
		reply.str("language", f.Reply.Language)
		i["reply"] = &types.AttributeValueMemberM{Value: reply}
	}
	return i
}

func readFacts(r *reader) optout.Facts {
	f := optout.Facts{
		Kind: r.str("kind"), Choice: r.str("choice"), Address: r.list("address"), NoAddress: r.flag("noAddress"),
		ProxyCapacity: r.str("proxyCapacity"), OneName: r.flag("oneName"), NotRegistered: r.flag("notRegistered"),
		About: parsed(r, "about", optout.ParseReference), Title: nhs.StoredName(r.str("title")),
		Surname: nhs.StoredName(r.str("surname")), Forenames: nhs.StoredName(r.str("forenames")),
		BirthDate: nhs.StoredDate(r.str("birthDate")), NHSNumber: nhs.StoredNumber(r.str("nhsNumber")),
		Postcode: nhs.StoredPostcode(r.str("postcode")), ProxyName: nhs.StoredName(r.str("proxyName")),
		Practice: nhs.StoredODSCode(r.str("practice")), SignedOn: nhs.StoredDate(r.str("signedOn")),
	}
	r.inner("reply", func(r *reader) {
		f.Reply = &optout.Reply{
			Safe: r.list("safe"), Email: r.str("email"), Phone: r.str("phone"), Format: r.str("format"), Language: r.str("language"),
		}
	})
	return f
}

func eventItems(events []optout.Event) []types.AttributeValue {
	out := make([]types.AttributeValue, len(events))
	for n, e := range events {
		i := make(item, 6)
		i.time("at", e.At)
		i.str("by", e.By)
		i.str("kind", string(e.Kind))
		i.bytes("hash", e.Hash[:])
		i.str("text", string(e.Text))
		if len(e.Detail) > 0 {
			detail := make(item, len(e.Detail))
			for k, v := range e.Detail {
				detail[k] = &types.AttributeValueMemberS{Value: v}
			}
			i["detail"] = &types.AttributeValueMemberM{Value: detail}
		}
		out[n] = &types.AttributeValueMemberM{Value: i}
	}
	return out
}

func readEvent(r *reader, seq int) optout.Event {
	e := optout.Event{Seq: seq, At: r.time("at"), By: r.str("by"), Kind: optout.Kind(r.str("kind")), Text: optout.Text(r.str("text"))}
	if copy(e.Hash[:], r.bytes("hash")) != sha256.Size {
		r.fail("hash", errors.New("is not 32 bytes"))
	}
	r.inner("detail", func(r *reader) {
		e.Detail = make(map[string]string, len(r.item))
		for k := range r.item {
			e.Detail[k] = r.str(k)
		}
	})
	return e
}

// practiceItem spells what a practice decided and where it is told, at the version after the one it was read at.
func practiceItem(p optout.Practice) item {
	i := item{}
	i.num("v", p.Version+1)
	i.str("email", p.Email)
	decisions := make([]types.AttributeValue, len(p.Decisions))
	for n, d := range p.Decisions {
		di := item{}
		di.str("stand", string(d.Stand))
		di.str("words", string(d.Words))
		di.str("on", d.On.ISO())
		di.time("at", d.At)
		di.str("by", d.By)
		decisions[n] = &types.AttributeValueMemberM{Value: di}
	}
	i["decisions"] = &types.AttributeValueMemberL{Value: decisions}
	contacts := make([]types.AttributeValue, len(p.Contacts))
	for n, c := range p.Contacts {
		ci := item{}
		ci.str("email", c.Email)
		ci.time("at", c.At)
		ci.str("by", c.By)
		contacts[n] = &types.AttributeValueMemberM{Value: ci}
	}
	i["contacts"] = &types.AttributeValueMemberL{Value: contacts}
	chases := make([]types.AttributeValue, len(p.Chases))
	for n, c := range p.Chases {
		ci := item{}
		ci.str("how", c.How)
		ci.str("on", c.On.ISO())
		ci.str("text", string(c.Text))
		ci.time("at", c.At)
		ci.str("by", c.By)
		chases[n] = &types.AttributeValueMemberM{Value: ci}
	}
	i["chases"] = &types.AttributeValueMemberL{Value: chases}
	return i
}

// practiceAttributes are all that practiceItem may write.
var practiceAttributes = []string{"v", "email", "decisions", "contacts", "chases"}

func readPractice(r *reader, p *optout.Practice) {
	p.Version, p.Email = r.num("v"), r.str("email")
	r.each("decisions", func(r *reader) {
		p.Decisions = append(p.Decisions, optout.Decision{
			Stand: optout.Stand(r.str("stand")), Words: optout.Text(r.str("words")), On: nhs.StoredDate(r.str("on")), At: r.time("at"), By: r.str("by"),
		})
	})
	r.each("contacts", func(r *reader) {
		p.Contacts = append(p.Contacts, optout.Contact{Email: r.str("email"), At: r.time("at"), By: r.str("by")})
	})
	r.each("chases", func(r *reader) {
		p.Chases = append(p.Chases, optout.Chase{
			How: r.str("how"), On: nhs.StoredDate(r.str("on")), Text: optout.Text(r.str("text")), At: r.time("at"), By: r.str("by"),
		})
	})
}

// digestItem spells a practice's digest at the version after the one it was read at.
func digestItem(p optout.Practice) item {
	d := p.Digest
	i := make(item, len(digestAttributes))
	i.num("v", d.Version+1)
	i.str("asked", d.Asked)
	i.flag("extractAsked", d.Extract)
	i.time("late", d.Late)
	i.time("lease", d.Lease)
	i.time("sent", d.Sent)
	i.num("mails", d.Mails)
	i.num("tries", d.Tries)
	i.str("fault", d.Fault)
	i.time("since", d.Since)
	attempts := make([]types.AttributeValue, len(d.Attempts))
	for n, a := range d.Attempts {
		ai := item{}
		ai.time("at", a.At)
		ai.num("atLeast", a.AtLeast)
		ai.str("asked", a.Asked)
		ai.flag("extract", a.Extract)
		ai.str("to", a.To)
		ai.str("outcome", a.Outcome)
		ai.str("id", a.ID)
		attempts[n] = &types.AttributeValueMemberM{Value: ai}
	}
	i["attempts"] = &types.AttributeValueMemberL{Value: attempts}
	var list entry
	if since, listed := d.OfficeSince(); listed {
		list = officeEntry(since, p.Code.String())
	}
	i.place(list, dueEntry(d.Due, optout.Due{Noun: optout.DuePractice, ID: p.Code.String()}))
	return i
}

// digestAttributes are all that digestItem may write. What newer code has put beside them stays.
var digestAttributes = []string{"v", "asked", "extractAsked", "late", "lease", "sent", "mails", "tries", "fault", "since", "attempts", "LPK", "LSK", "DPK", "DSK"}

func readDigest(i item) (digest.Digest, error) {
	r := &reader{item: i}
	d := digest.Digest{
		Version: r.num("v"), Asked: parsed(r, "asked", optout.ParseReference).Key(), Extract: r.flag("extractAsked"), Late: r.time("late"), Lease: r.time("lease"), Sent: r.time("sent"),
		Mails: r.num("mails"), Tries: r.num("tries"), Fault: r.str("fault"), Since: r.time("since"),
	}
	if sk := r.str("DSK"); sk != "" {
		at, _, err := dueOf(sk)
		if err != nil {
			r.fail("DSK", err)
		}
		d.Due = at
	}
	r.each("attempts", func(r *reader) {
		d.Attempts = append(d.Attempts, digest.Attempt{
			At: r.time("at"), AtLeast: r.num("atLeast"), Asked: parsed(r, "asked", optout.ParseReference).Key(), Extract: r.flag("extract"),
			To: r.str("to"), Outcome: r.str("outcome"), ID: r.str("id"),
		})
	})
	if r.err != nil {
		return digest.Digest{Due: d.Due}, fmt.Errorf("%w: %w", optout.ErrUnreadable, r.err)
	}
	return d, nil
}
