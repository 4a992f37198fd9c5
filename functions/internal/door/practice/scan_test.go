package practice_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

// atCounter registers a form at the practice's counter and has the engine put it on its list.
func (h *house) atCounter() optout.Reference {
	h.t.Helper()
	a := optouttest.Dissent()
	a.Subject.NHSNumber = optouttest.Number()
	o := optout.Origin{Door: optout.Counter, Client: "counter", Key: a.Subject.NHSNumber}
	r, err := optout.Registrar{Store: h.Memory, Keys: ring, Now: h.Now}.Register(h.t.Context(), o, a, optouttest.Accepted(a))
	if err != nil {
		h.t.Fatal(err)
	}
	h.advance(r.Reference)
	return r.Reference
}

// The paper of a form that was registered at the counter is attached to it, checked and shown once the form is collected.
func TestTheScanOfACounterFormIsAttached(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.atCounter()
	b := h.signedIn("u-manager", "ods-A81001")
	at := "/practice/forms/" + ref.String()
	b.says(b.get(at), 200, "Attach a scan of the paper")
	a := b.post(at + "/scan")
	to := a.header.Get("Location")
	id := strings.TrimPrefix(to, at+"/scan?slot=")
	if a.status != http.StatusSeeOther || !upload.IsID(id) {
		t.Fatalf("%d, to %s", a.status, to)
	}
	if a := b.says(b.get(to), 200, "Send the scan", "scans/"+id); strings.Contains(a.body, "No file yet") {
		t.Error("the place that waits for the file is among what was sent")
	}
	b.says(b.get(at+"/scan"), 200, "To be sent", "No file yet")
	if h.bucket.most != 20<<20 || !strings.HasSuffix(h.bucket.back, at+"/scan?came="+id) {
		t.Errorf("the form is for %d bytes and leads to %s", h.bucket.most, h.bucket.back)
	}
	if err := h.bucket.Put(t.Context(), "scans/"+id, "", []byte("ab")); err != nil {
		t.Fatal(err)
	}
	if a := b.get(at + "/scan?came=" + id); a.header.Get("Location") != at+"/scan?done=scan" {
		t.Errorf("%d, to %s", a.status, a.header.Get("Location"))
	}
	b.says(b.get(at+"/scan?done=scan"), 200, "The scan was sent", "Being checked")
	found, err := h.bucket.Find(t.Context(), "scans/"+id)
	if err != nil {
		t.Fatal(err)
	}
	scans := job.Scans{Store: h.Memory, Files: &h.bucket.Files, Now: h.Now, Draw: func(_ context.Context, file []byte, page func(job.Drawn) error) error {
		for n := range file {
			if err := page(job.Drawn{Number: n + 1, JPEG: file[n : n+1]}); err != nil {
				return err
			}
		}
		return nil
	}}
	if err := scans.Heard(t.Context(), trigger.MalwareResult{Key: "scans/" + id, Version: found[0].Version, Result: trigger.MalwareClean}); err != nil {
		t.Fatal(err)
	}
	// Nothing personal before it is collected.
	if a := b.says(b.get(at+"/scan"), 200, "2 pages", "once the form is collected"); strings.Contains(a.body, "<img") {
		t.Error("the paper is shown before the form is collected")
	}
	b.says(b.get(at+"/scans/"+id+"/1"), 404)
	b.post(at + "/collect")
	b.says(b.get(at), 200, "The paper")
	b.says(b.get(at+"/scan"), 200, `src="`+at+"/scans/"+id+`/2"`)
	if a := b.get(at + "/scans/" + id + "/2"); a.status != http.StatusSeeOther || a.header.Get("Location") != "https://bucket.example/pages/"+id+"/002.jpg" {
		t.Errorf("%d, to %s", a.status, a.header.Get("Location"))
	}
	looked := 0
	for l, err := range h.Looks(t.Context(), ref) {
		if err != nil {
			t.Fatal(err)
		}
		if l.What == "scan" {
			looked++
		}
	}
	if looked != 2 {
		t.Errorf("%d looks at the paper are written down", looked)
	}
	for _, page := range []string{"0", "3", "01", "x", "2/"} {
		if a := b.get(at + "/scans/" + id + "/" + page); a.status != 404 {
			t.Errorf("page %s: %d", page, a.status)
		}
	}
	// It belongs to this form, and to this practice.
	other := h.atCounter()
	b.post("/practice/forms/" + other.String() + "/collect")
	b.says(b.get("/practice/forms/"+other.String()+"/scans/"+id+"/1"), 404)
	b.says(b.get("/practice/forms/"+other.String()+"/scan?came="+id), 404)
	n := h.signedIn("u-9", "ods-A81002")
	n.says(n.get(at+"/scan"), 404)
	n.says(n.get(at+"/scans/"+id+"/1"), 404)
	if a := n.post(at + "/scan"); a.status != 404 {
		t.Errorf("a neighbour attaches: %d", a.status)
	}
}

func TestAScanThatIsNotUsedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.atCounter()
	by := optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-manager"}
	for code, want := range map[string]string{"infected": "Malware was found", "unsupported": "cannot be checked for malware", "corrupt": "could not be read"} {
		s := upload.NewAttachment(by, ref, h.Now()).Arrived(h.Now()).End(upload.Refused, h.Now())
		s.Refusal = upload.Refusal{Code: code, Detail: batch.Sentence(code)} // as the reader of scans writes it
		if _, err := h.SaveUpload(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		b := h.signedIn("u-manager", "ods-A81001")
		b.says(b.get("/practice/forms/"+ref.String()+"/scan"), 200, "Not used", want)
	}
}

func TestAScanThatHasNoMalwareResultSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.atCounter()
	by := optout.Actor{Role: optout.AtPractice, Practice: nhs.StoredODSCode("A81001"), ID: "u-manager"}
	s := upload.NewAttachment(by, ref, h.Now()).Arrived(h.Now())
	s.Asked = upload.MostAsked
	if _, err := h.SaveUpload(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b := h.signedIn("u-manager", "ods-A81001")
	b.says(b.get("/practice/forms/"+ref.String()+"/scan"), 200, "Not checked", "The malware check has given no answer")
}

// Only what came over the counter has paper at the practice.
func TestAFormThatCameOnlineHasNoPaper(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ref := h.sent(nil)
	b := h.signedIn("u-manager", "ods-A81001")
	b.post("/practice/forms/" + ref.String() + "/collect")
	b.says(b.get("/practice/forms/"+ref.String()+"/scan"), 404)
	if a := b.post("/practice/forms/" + ref.String() + "/scan"); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}
