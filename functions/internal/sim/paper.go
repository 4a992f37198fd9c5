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
	"example.org/optout/functions/internal/upload"
)

// paper is a place for a scan of the paper of a form that a counter registered, and what was sent there.
type paper struct {
	form  string // its reference
	id    string // of the place
	sheet *sheet
	fine  bool // neither the malware check nor the file is against it
	sent  []version
}

// attach has the member of staff who registered a form ask for a place for a scan of its paper, and send it: soon, twice or
// never, and with or without the page on which the bucket ends.
func (s *spoken) attach(reference string, times int) {
	p, at := s.part, "/practice/forms/"+reference+"/scan"
	w := p.w
	s.ask(http.MethodPost, at, nil, func(r Response) {
		id, ok := strings.CutPrefix(r.Header["Location"], at+"?slot=")
		switch {
		case r.Status == http.StatusSeeOther && ok:
		case r.Status == http.StatusSeeOther:
			w.Wrong("%s leads to %q", at, r.Header["Location"])
			return
		case r.Status >= 500 || r.Status == 0, r.Status == http.StatusNotFound && times < 4: // it is not on their list yet
			if times < 8 && w.stormy {
				w.After(time.Minute<<times+soon(p.rand, time.Minute), func() { s.attach(reference, times+1) })
			}
			return
		default: // another practice has it
			w.Did("counter: no scan is taken any more")
			return
		}
		n := &paper{form: reference, id: id, sheet: &sheet{Serial: 1_000_000 + len(p.paper), Pages: make([]leaf, 1+p.rand.IntN(3))}}
		p.paper = append(p.paper, n)
		w.Did("counter: place for a scan")
		if p.rand.IntN(12) == 0 {
			n.sheet.Unreadable = "encrypted"
		}
		says := verdict(p.rand, false)
		n.fine = n.sheet.Unreadable == "" && !slices.Contains([]string{"THREATS_FOUND", "UNSUPPORTED", "PASSWORD_PROTECTED"}, says)
		s.ask(http.MethodGet, at+"?slot="+url.QueryEscape(id), nil, func(r Response) {
			if r.Status == http.StatusOK && !strings.Contains(r.Body, "https://bucket.example") {
				w.Wrong("a place was made for a scan of %s, and its page has no form", reference)
			}
		})
		if p.rand.IntN(8) == 0 {
			w.Did("counter: scan never sent")
			return
		}
		for range 1 + p.rand.IntN(6)/5 {
			w.After(soon(p.rand, upload.Lasts)+soon(p.rand, 30*time.Minute), func() { s.sends(n, at, says) })
		}
	})
}

// sends sends the file of a place.
func (s *spoken) sends(n *paper, at, says string) {
	p := s.part
	n.sent = append(n.sent, p.w.scanner.comes(n.id, n.sheet.file(), says))
	p.w.Did("counter: scan sent")
	if p.rand.IntN(4) == 0 { // the page was closed
		return
	}
	s.ask(http.MethodGet, at+"?came="+url.QueryEscape(n.id), nil, func(r Response) {
		if r.Status != 0 && r.Status < 500 && r.Status != http.StatusSeeOther && r.Status != http.StatusNotFound && r.Status != http.StatusForbidden { // the form may be another practice's by now
			p.w.Wrong("the door does not see that a scan of %s came: %d", n.form, r.Status)
		}
	})
}

// checkPaper: each file that came for a form is read as it is, or refused for what is wrong with it, and is found with its form.
func (p *counters) checkPaper() {
	w := p.w
	for _, n := range p.paper {
		ref, err := optout.ParseReference(n.form)
		ids, failed := w.Store.Attachments(w.Outside(), ref, 100)
		slot, missing := w.Store.Upload(w.Outside(), n.id)
		if err := cmp.Or(err, failed, missing); err != nil {
			w.Wrong("the scan %s of %s cannot be read: %v", n.id, n.form, err)
			continue
		}
		came := slices.ContainsFunc(n.sent, func(v version) bool { return v.id == slot.Object })
		switch {
		case !slices.Contains(ids, n.id):
			w.Wrong("the scan %s is not found with form %s", n.id, n.form)
		case slot.Form != ref || slot.Batch != "":
			w.Wrong("the scan %s of %s is of form %s", n.id, n.form, slot.Form)
		case len(n.sent) == 0 && slot.State != upload.Expired:
			w.Wrong("no file came to %s of form %s, which is %s", n.id, n.form, slot.State)
		case len(n.sent) == 0:
		case slot.State == upload.Read && (!came || !n.fine || slot.Pages != len(n.sheet.Pages) || hex.EncodeToString(slot.SHA256) != n.sent[0].sum):
			w.Wrong("the scan %s of form %s was read as %d pages of version %q: %d came", n.id, n.form, slot.Pages, slot.Object, len(n.sheet.Pages))
		case slot.State == upload.Refused && (slot.Refusal.Code == "" || slot.Refusal.Detail == "" || n.fine && slot.Refusal.Code != batch.NotRead):
			w.Wrong("the scan %s of form %s was refused for %+v", n.id, n.form, slot.Refusal)
		case slot.State != upload.Read && slot.State != upload.Refused:
			w.Wrong("a file came to %s of form %s, which is %s", n.id, n.form, slot.State)
		}
	}
}
