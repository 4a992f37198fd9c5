package mailroom_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.org/optout/functions/internal/batch"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

func TestFilesAreSentOneByOneWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	b := h.asAnn()
	b.get(batchPath(id, "files")).says(t, "the page", 200, "How many files do you want to send?", "Each file is an envelope of its own", "the next free numbers")
	for range 2 {
		b.fill(batchPath(id, "files"), "count", "2", "envelopes", "each", "key", "k1").leads(t, "two files", batchPath(id, "send"))
	}
	if n := h.stored(id).Pieces; n != 2 {
		t.Fatalf("a double click makes %d places", n)
	}
	page := b.get(batchPath(id, "send")).says(t, "their forms", 200, "1. File 1 sent on", ", envelope 1", "2. File 2 sent on", ", envelope 2", "Send this file to place 2")
	if strings.Count(page.body, `action="https://bucket.example/" enctype="multipart/form-data"`) != 2 || strings.Count(page.body, `name="key" value="scans/`) != 2 {
		t.Errorf("the forms are %s", page.body)
	}
	pieces, err := h.Pieces(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	slot := h.slot(pieces[0].At)
	back := batchPath(id, "arrived", slot.ID)
	if f := h.signer.last(); f.Most != 20<<20 || f.Kind != "application/octet-stream" || !strings.HasPrefix(f.Key, "scans/") || !strings.HasPrefix(f.Back, address+batchPath(id, "arrived")) {
		t.Errorf("a form was signed for %+v", f)
	}
	for range 2 { // a browser that loads it again
		b.get(back+"?bucket=b&key=k&etag=e").leads(t, "the bucket sends the browser back", batchPath(id, "send")+"?done=arrived")
	}
	if s, p := h.slot(pieces[0].At), h.stands(pieces[0].At); s.State != upload.Uploaded || p.Status != batch.Checking {
		t.Errorf("%+v, %+v", s, p)
	}
	b.get(batchPath(id, "send")+"?done=arrived").says(t, "after the first", 200, "The file has arrived. 1 place waits for a file.", "Being checked")
	h.asBob().get(batchPath(id, "send")).says(t, "to a colleague", 200, "No place waits for a file of yours.")
	h.Move(46 * time.Minute)
	b = h.asAnn()
	if page := b.get(batchPath(id, "send")).says(t, "too late", 200, "This place was made too long ago."); strings.Contains(page.body, "multipart") {
		t.Error("a form is signed for what is not waited for")
	}
	h.Move(15 * time.Minute)
	h.asAnn().get(batchPath(id, "send")).says(t, "much too late", 200, "No place waits for a file of yours.")
}

func TestHowManyFilesAreSentIsSaidRightly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	b := h.asAnn()
	for name, c := range map[string][]string{
		"nothing": {"", "each", "Say how many files you want to send, as a number."}, "none": {"0", "one", "At most 10 files are sent at a time"}, "eleven": {"11", "one", "At most 10 files are sent at a time"},
		"no envelopes": {"2", "", "Say which envelopes they are from."}, "odd envelopes": {"2", "purple", "Choose one of the options offered."},
	} {
		b.fill(batchPath(id, "files"), "count", c[0], "envelopes", c[1], "key", "k").says(t, name, 422, c[2])
	}
	if n := h.stored(id).Pieces; n != 0 {
		t.Errorf("%d places were made", n)
	}
}

func TestAScriptGetsAPlaceForEachFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(50)
	b := h.asAnn()
	ask := []string{"key", "k1", "envelopes", "one", "name", "Zoe O'Neill.pdf", "kind", "application/pdf", "name", "two.exe", "kind", "text/html"}
	places := b.script(http.MethodPost, batchPath(id, "files"), ask...).places(t)
	if len(places) != 2 || places[0].Name != "Zoe O'Neill.pdf" || places[0].Address != "https://bucket.example/" || !strings.HasPrefix(places[1].Fields["key"], "scans/") {
		t.Fatalf("%+v", places)
	}
	var kinds []string
	for _, f := range h.signer.forms {
		if f.Back != "" || f.Most != 20<<20 {
			t.Errorf("a form for a script: %+v", f)
		}
		kinds = append(kinds, f.Kind)
	}
	if all := fmt.Sprint(kinds); !strings.Contains(all, "application/pdf") || !strings.Contains(all, "application/octet-stream") || strings.Contains(all, "html") {
		t.Errorf("kinds %v", kinds)
	}
	again := b.script(http.MethodPost, batchPath(id, "files"), ask...).places(t)
	if again[0].Arrived != places[0].Arrived || h.stored(id).Pieces != 2 {
		t.Errorf("asked again: %+v", again)
	}
	if a := b.script(http.MethodGet, places[0].Arrived); a.status != 200 || strings.TrimSpace(a.body) != `{"arrived":true}` {
		t.Errorf("arrived: %+v", a)
	}
	if left := b.script(http.MethodPost, batchPath(id, "files"), ask...).places(t); left[0].Address != "" || left[1].Address == "" {
		t.Errorf("once the first is there: %+v", left)
	}
	pieces, err := h.Pieces(t.Context(), id)
	if err != nil || pieces[0].Envelope != 1 || pieces[1].Envelope != 1 {
		t.Errorf("%+v, %v", pieces, err)
	}
	b.get(batchPath(id)).says(t, "the books", 200, "Zoe O'Neill.pdf", "Being checked", "No file yet")
}

func TestAScriptIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(1)
	b := h.asAnn()
	refused := func(what string, a answer, status int, code string) {
		t.Helper()
		if a.status != status || !strings.Contains(a.body, `"code":"`+code+`"`) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s is answered with %d: %s", what, a.status, a.body)
		}
	}
	path := batchPath(id, "files")
	refused("no key", b.script(http.MethodPost, path, "envelopes", "each", "name", "a", "kind", ""), 422, "files-not-named")
	refused("no files", b.script(http.MethodPost, path, "key", "k", "envelopes", "each"), 422, "files-not-named")
	refused("no kinds", b.script(http.MethodPost, path, "key", "k", "envelopes", "each", "name", "a"), 422, "files-not-named")
	many := []string{"key", "k", "envelopes", "each"}
	for range 41 {
		many = append(many, "name", "a", "kind", "")
	}
	refused("41 files", b.script(http.MethodPost, path, many...), 422, "files-not-named")
	one := []string{"key", "k", "envelopes", "each", "name", "a.pdf", "kind", ""}
	b.script(http.MethodPost, path, one...).places(t)
	refused("another file under the key", b.script(http.MethodPost, path, "key", "k", "envelopes", "each", "name", "b.pdf", "kind", ""), 409, "key-used-for-another-act")
	h.signer.away = true
	refused("the bucket away", b.script(http.MethodPost, path, one...), 503, "not-now")
	h.signer.away = false
	refused("nobody signed in", (&browser{house: h}).script(http.MethodPost, path, one...), 401, "sign-in-needed")
	refused("no batch", b.script(http.MethodPost, "/mailroom/batches/7F3K-9QWM-2B5T-RX4H-A/files", one...), 404, "no-such-batch")
	other := h.opened(1)
	if _, err := h.room.ByHand(t.Context(), other, ann, 1, batch.Outcome{Status: batch.OtherPost, Why: "blank"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.room.Close(t.Context(), other, ann); err != nil {
		t.Fatal(err)
	}
	refused("a closed batch", b.script(http.MethodPost, batchPath(other, "files"), one...), 409, "batch-closed")
}

func TestNobodySendsToTheSlotOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id, other := h.opened(5), h.opened(5)
	at := h.expected(id, "mine.pdf")
	slot := batch.FileOf(at.ID)
	h.asBob().get(batchPath(id, "arrived", slot)).says(t, "a colleague's place", 404, "There is no such piece")
	b := h.asAnn()
	b.get(batchPath(other, "arrived", slot)).says(t, "another batch", 404)
	b.get(batchPath(id, "arrived", "AAAAAAAAAAAAAAAAAAAAAAAAAA")).says(t, "no place", 404)
	b.get(batchPath(id, "arrived", "x")).says(t, "no name of a place", 404)
	if s := h.slot(at); s.State != upload.Promised {
		t.Errorf("%+v", s)
	}
	extract, err := h.SaveUpload(t.Context(), upload.New(ann, h.Now(), false, h.Now()))
	if err != nil {
		t.Fatal(err)
	}
	b.get(batchPath(id, "arrived", extract.ID)).says(t, "a practice's list", 404)
}

func TestAPlaceThatWasUsedTakesNoOtherFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	at := h.expected(id, "a.pdf")
	s, err := h.SaveUpload(t.Context(), h.slot(at).Arrived(h.Now()).End(upload.Read, h.Now()))
	if err != nil {
		t.Fatal(err)
	}
	b := h.asAnn()
	h.signer.versions = 1
	b.get(batchPath(id, "arrived", s.ID)).says(t, "the file, read before its browser came back", 303)
	if a := b.script(http.MethodGet, batchPath(id, "arrived", s.ID)); a.status != 200 {
		t.Errorf("%+v", a)
	}
	h.signer.versions = 2
	b.get(batchPath(id, "arrived", s.ID)).says(t, "a second file", 409, "A file was sent to this place before", "The file that came first counts")
	if a := b.script(http.MethodGet, batchPath(id, "arrived", s.ID)); a.status != 409 || !strings.Contains(a.body, "place-used") {
		t.Errorf("%+v", a)
	}
}

func TestAFileThatComesLateIsOnTheBooksAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	at := h.expected(id, "late.pdf")
	h.Move(61 * time.Minute)
	_, err := h.SaveUpload(t.Context(), h.slot(at).Missed(h.Now()))
	if err := errors.Join(err, h.room.Lapsed(t.Context(), at)); err != nil {
		t.Fatal(err)
	}
	b := h.asAnn()
	b.get(batchPath(id)).says(t, "lapsed", 200, "0 on the books =", "No file came (1)")
	b.get(batchPath(id, "arrived", batch.FileOf(at.ID))).leads(t, "after all", batchPath(id, "send")+"?done=arrived")
	b.get(batchPath(id)).says(t, "after all", 200, "1 on the books =", "1 waiting")
	h.Fate = func(method string) optouttest.Fate {
		if method == "Upload" {
			return optouttest.Throttle
		}
		return optouttest.Fine
	}
	b.get(batchPath(id, "arrived", batch.FileOf(at.ID))).says(t, "the table away", 503)
}

// Whoever says that a file is there, and it is not, moves nothing: neither a place that waits, nor one that was given up,
// nor a batch that is closed.
func TestAWordAloneMovesNothingOnTheBooks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.signer.empty = true
	id := h.opened(5)
	at := h.expected(id, "never.pdf")
	b := h.asAnn()
	arrived := batchPath(id, "arrived", batch.FileOf(at.ID))
	b.get(arrived).leads(t, "not there", batchPath(id, "send"))
	b.script(http.MethodGet, arrived).says(t, "not there, for a script", 409, "file-not-there")
	if p, err := h.Piece(t.Context(), at); err != nil || p.Status != batch.Awaited {
		t.Errorf("%+v, %v", p, err)
	}
	h.Move(61 * time.Minute)
	_, err := h.SaveUpload(t.Context(), h.slot(at).Missed(h.Now()))
	if err := errors.Join(err, h.room.Lapsed(t.Context(), at)); err != nil {
		t.Fatal(err)
	}
	b = h.asAnn()
	b.get(arrived).leads(t, "given up", batchPath(id, "send"))
	b.get(batchPath(id)).says(t, "given up", 200, "0 on the books =", "No file came (1)")
}

func TestNamesOfFilesAreShownAndNeverLogged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.opened(5)
	b := h.asSue()
	b.script(http.MethodPost, batchPath(id, "files"), "key", "k", "envelopes", "each", "name", "Quillfeather Zoe 1957-03-31.pdf", "kind", "application/pdf").places(t)
	at := h.scanned(id, "Quillfeather.pdf")
	held := h.keyed(h.scanned(id, "Quillfeather 2.pdf"), ann, holds("choice", nil))
	form := "/mailroom/forms/" + held.Form.String()
	for _, path := range []string{"/mailroom", batchPath(id), batchPath(id, "send"), piecePath(at), "/mailroom/letters", form, form + "/letter", form + "/release", "/mailroom/supervise", "/mailroom/find?find=Quillfeather", "/mailroom/find?find=" + held.Form.String()} {
		b.get(path)
	}
	b.fill(form+"/wrote", "how", "phone", "text", "Quillfeather", "key", "1")
	b.fill(form+"/supersede", "newer", "Quillfeather", "key", "2")
	b.fill("/mailroom/open", "box", "Quillfeather?")
	b.get(batchPath(id)).says(t, "the books", 200, "Quillfeather Zoe 1957-03-31.pdf")
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.log.String()
	if strings.Count(lines, "\n") < 12 {
		t.Errorf("only these lines were written: %s", lines)
	}
	for _, secret := range []string{"uillfeather", "O'Neill", "Nina", "1957", "TS18"} {
		if strings.Contains(lines, secret) {
			t.Errorf("%q is in the log: %s", secret, lines)
		}
	}
}
