package sim

import (
	"cmp"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
	"example.org/optout/functions/internal/worklist"
)

// attachment is a place for a scan of what somebody signed at a counter, and what was sent there.
type attachment struct {
	form  string // its reference
	id    string // of the place
	sheet *sheet
	wrong string // why it will be refused; "": it will be read
	sent  []version
}

// refusals are why a file is refused of which GuardDuty says so.
var refusals = map[string]string{"THREATS_FOUND": batch.Infected, "UNSUPPORTED": trigger.MalwareUnsupported, "PASSWORD_PROTECTED": batch.Locked}

// attach has the member of staff who registered a form ask for a place for a scan of it, and send that: soon, twice or never.
func (s *spoken) attach(times int) {
	p, at := s.part, "/practice/forms/"+s.Reference+"/scan"
	w, asked := p.w, p.w.Now()
	s.ask(http.MethodPost, at, nil, func(r Response) {
		id, ok := strings.CutPrefix(r.Header["Location"], at+"?slot=")
		switch {
		case r.Status == http.StatusSeeOther && ok:
			s.scans(at, id)
		case times < 6 && (r.failed() || r.Status == http.StatusConflict || r.Status == http.StatusNotFound && s.isElsewhere(asked)):
			w.After(time.Minute<<times+soon(p.rand, time.Minute), func() { s.attach(times + 1) })
		case r.Status == http.StatusConflict: // a colleague is at work on the form
		case !r.failed():
			s.gone(asked, "no place is made for a scan", r)
		}
	})
}

// scans opens the page that sends a file to its place, and sends it.
func (s *spoken) scans(at, id string) {
	p := s.part
	w, asked := p.w, p.w.Now()
	a := &attachment{form: s.Reference, id: id, sheet: &sheet{Serial: 1_000_000 + len(p.attached), Pages: make([]leaf, 1+p.rand.IntN(3))}}
	p.attached = append(p.attached, a)
	w.Did("counter: place for a scan")
	if p.rand.IntN(12) == 0 {
		a.sheet.Unreadable = "too-many-pages"
	}
	says := verdict(p.rand, false)
	a.wrong = cmp.Or(refusals[says], a.sheet.Unreadable)
	s.ask(http.MethodGet, at+"?slot="+url.QueryEscape(id), nil, func(r Response) {
		switch {
		case r.Status == http.StatusOK && !strings.Contains(r.Body, "https://bucket.example"):
			w.Wrong("a place was made for a scan of %s, and its page has no form", a.form)
		case r.Status != http.StatusOK && !r.failed():
			s.gone(asked, "the page of its scans is not shown", r)
		}
	})
	if p.rand.IntN(8) == 0 {
		w.Did("counter: scan never sent")
		return
	}
	for range 1 + p.rand.IntN(6)/5 {
		w.After(soon(p.rand, upload.Lasts)+soon(p.rand, 30*time.Minute), func() { s.sends(a, at, says) })
	}
}

// sends sends the file of a place. The bucket leads back to the door, unless the page is closed.
func (s *spoken) sends(a *attachment, at, says string) {
	p := s.part
	w, asked := p.w, p.w.Now()
	a.sent = append(a.sent, w.scanner.comes(a.id, a.sheet.file(), says))
	w.Did("counter: scan sent")
	if p.rand.IntN(4) == 0 {
		return
	}
	s.ask(http.MethodGet, at+"?came="+url.QueryEscape(a.id), nil, func(r Response) {
		switch {
		case r.Status == http.StatusSeeOther && r.Header["Location"] == at+"?done=scan":
			if slot, err := w.Store.Upload(w.Outside(), a.id); err != nil || slot.State == upload.Promised {
				w.Wrong("the door says that it knows of a scan of %s, which is %s: %v", a.form, slot.State, err)
			}
		case !r.failed():
			s.gone(asked, "the door does not see that a scan came", r)
		}
	})
}

// isElsewhere says that a form was not on its counter's list all the time since somebody asked for it.
func (s *spoken) isElsewhere(asked time.Time) bool {
	f, err := s.part.w.Store.Form(s.part.w.Outside(), s.ref)
	return err != nil || worklist.Of(f.State()).Owner != worklist.Practice(s.Practice) || !f.State().Since.Before(asked)
}

// gone is that a page about a form is not there, which is so only if the form is not.
func (s *spoken) gone(asked time.Time, what string, r Response) {
	if r.Status != http.StatusNotFound && r.Status != http.StatusSeeOther || !s.isElsewhere(asked) {
		s.part.w.Wrong("form %s is on the list of its counter, and %s: %d %q", s.Reference, what, r.Status, r.Header["Location"])
	}
}

// checkAttachments: each file that came for a form is read as it is, or refused for what is wrong with it, and is found with
// its form.
func (p *counters) checkAttachments() {
	w := p.w
	for _, a := range p.attached {
		ref, err := optout.ParseReference(a.form)
		ids, failed := w.Store.Attachments(w.Outside(), ref, 100)
		slot, missing := w.Store.Upload(w.Outside(), a.id)
		if err := cmp.Or(err, failed, missing); err != nil {
			w.Wrong("the scan %s of %s cannot be read: %v", a.id, a.form, err)
			continue
		}
		came := slices.ContainsFunc(a.sent, func(v version) bool { return v.id == slot.Object })
		tired := slot.State == upload.Refused && slot.Refusal.Code == batch.NotRead // it failed too often
		switch {
		case !slices.Contains(ids, a.id):
			w.Wrong("the scan %s is not found with form %s", a.id, a.form)
		case slot.Form != ref || slot.Batch != "":
			w.Wrong("the scan %s of %s is of form %s", a.id, a.form, slot.Form)
		case tired:
		case len(a.sent) == 0 && slot.State != upload.Expired:
			w.Wrong("no file came to %s of form %s, which is %s", a.id, a.form, slot.State)
		case len(a.sent) == 0:
		case a.wrong != "" && (slot.State != upload.Refused || slot.Refusal.Code != a.wrong || slot.Refusal.Detail == ""):
			w.Wrong("the scan %s of form %s is to be refused for %s, and is %s for %+v", a.id, a.form, a.wrong, slot.State, slot.Refusal)
		case a.wrong == "" && (slot.State != upload.Read || !came || slot.Pages != len(a.sheet.Pages) || hex.EncodeToString(slot.SHA256) != a.sent[0].sum):
			w.Wrong("the scan %s of form %s has %d pages, and is %s as %d of version %q", a.id, a.form, len(a.sheet.Pages), slot.State, slot.Pages, slot.Object)
		}
	}
}
