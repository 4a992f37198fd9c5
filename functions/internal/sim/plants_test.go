package sim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	find  = flag.Int("sim.find", 0, "of each planted fault, look for a seed that catches it among so many, instead of running the one that is kept")
	plant = flag.String("sim.plant", "", "only planted faults whose name has this in it")
)

// planted is a fault of the safety net, put into the source on purpose, and a history that catches it.
type planted struct {
	name      string
	file      string // below functions/internal
	old, with string
	forms     int    // of the history
	seed      uint64 // that catches it
}

// plants are faults that reviews, incidents elsewhere and our own first tries have taught. Each is one that every other
// test might miss.
var plants = []planted{
	// Registering.
	{"a form is written over another one under its key", "dynamo/store.go", `TableName: &s.table, Item: formItem(f), ConditionExpression: aws.String("attribute_not_exists(PK)"),`, `TableName: &s.table, Item: formItem(f),`, 1, 1},
	{"other answers under a key get the first one's receipt", "optout/register.go", `!bytes.Equal(stored.Fingerprint, form.Fingerprint):`, `false:`, 1, 42},
	{"a repeat is answered with a new time", "optout/register.go", "\tcase errors.Is(err, ErrTaken):\n\t\treturn receipt(stored, true), nil", "\tcase errors.Is(err, ErrTaken):\n\t\treturn receipt(form, true), nil", 1, 1},
	{"a form is not put on its person's list", "dynamo/store.go", `if f.Person != "" && !f.Crowded() {`, `if false {`, 1, 1},
	{"the person's list is written over", "dynamo/store.go", `SET refs = list_append(if_not_exists(refs, :none), :r) ADD v :one`, `SET refs = list_append(:none, :r) ADD v :one`, 30, 1},
	{"a page that is sent twice registers twice", "door/staff/entry.go", "\t\treceipt, err = e.Registrar.Register(", "\t\tif _, again := e.Registrar.Replay(r.Context(), origin, &answers); again == nil {\n\t\t\torigin.Key += \"again\"\n\t\t}\n\t\treceipt, err = e.Registrar.Register(", 30, 2},
	{"a log says who sends a form", "door/patient/forms.go", "\treceipt, again, err := d.within(r, origin, answers, facts)\n\tswitch {\n\tcase errors.Is(err, errTooMany):\n\t\td.comeAgain(w, again)\n\t\tproblem.Write", "\tobserve.Note(ctx, \"who\", facts.Surname.Text())\n\treceipt, again, err := d.within(r, origin, answers, facts)\n\tswitch {\n\tcase errors.Is(err, errTooMany):\n\t\td.comeAgain(w, again)\n\t\tproblem.Write", 1, 1},
	// Recording.
	{"a change is written on top of any version", "dynamo/store.go", "\t\tConditionExpression: aws.String(\"v = :before\"), ExpressionAttributeValues: values,\n\t}\n}\n\n// ask makes", "\t\tConditionExpression: aws.String(\"v >= :before\"), ExpressionAttributeValues: values,\n\t}\n}\n\n// ask makes", 30, 1},
	{"the due time is lost", "dynamo/store.go", `place("DPK", "DSK", ":dpk", ":dsk", dueEntry(f.Due, optout.Due{Noun: optout.DueForm, ID: f.Reference.Key()}))`, `place("DPK", "DSK", ":dpk", ":dsk", entry{})`, 1, 1},
	{"a form stays on the list where it stood", "dynamo/store.go", `place("LPK", "LSK", ":lpk", ":lsk", listEntry(f))`, `if f.Stored() < 3 { place("LPK", "LSK", ":lpk", ":lsk", listEntry(f)) }`, 1, 1},
	{"the others that change with a form are left out", "dynamo/store.go", "\tfor _, f := range c.Others {\n\t\twrites = append(", "\tfor _, f := range c.Others[:0] {\n\t\twrites = append(", 30, 1},
	// Moving on.
	{"partial failures of the stream are ignored", "trigger/stream.go", `if done < len(e.Records) {`, `if done < 0 {`, 1, 11},
	{"the sweeper leaves out a part", "job/sweep.go", `for n := range shards {`, `for n := range shards - 1 {`, 1, 5},
	{"what fails is not put off but forgotten", "optout/advance.go", `p.Until, did = now.Add(steady.Backoff(p.Tries)), Postponed`, `p.Until, did = now.AddDate(1, 0, 0), Postponed`, 1, 3},
	{"what may pass is taken for good", "dynamo/errors.go", `meaning := optout.ErrUnavailable`, `meaning := optout.ErrUnreadable`, 1, 11},
	{"what nobody can put off is said to be done", "optout/advance.go", `case errors.Is(err, ErrNotFound):
		return Nothing, nil
	case err != nil: // with ErrConflict`, `case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
		return Nothing, nil
	case err != nil: // with ErrConflict`, 1, 121},
	{"a hint is acted on as if it were due", "optout/advance.go", `f.Due.IsZero() || f.Due.After(now) && !ours {`, `f.Due.IsZero() || false && ours {`, 30, 1},
	{"routing asks nobody to tell the practice", "optout/route.go", `return Change{Form: f.With(event), Tell: practice}, nil`, `return Change{Form: f.With(event)}, nil`, 1, 1},
	{"a form is routed to a practice that has closed", "optout/route.go", `if practice, known = e.successor(chosen); !known {`, `if practice, known = chosen, true; !known {`, 30, 2},
	// Telling.
	{"the mail goes out before anybody claims it", "optout/tell.go", "\tp.Digest = p.Digest.Claimed(now)\n\tif err := e.saveDigest(ctx, p); err != nil {\n\t\treturn Nothing, err\n\t}\n\tp.Digest.Version++\n\tid, sendErr := e.Post.Tell(ctx, digest.Notice{Practice: code.String(), To: to, AtLeast: waiting, Oldest: oldest, Extract: d.Extract})\n", "\tid, sendErr := e.Post.Tell(ctx, digest.Notice{Practice: code.String(), To: to, AtLeast: waiting, Oldest: oldest, Extract: d.Extract})\n\tp.Digest = p.Digest.Claimed(now)\n\tif err := e.saveDigest(ctx, p); err != nil {\n\t\treturn Nothing, err\n\t}\n\tp.Digest.Version++\n", 30, 4},
	{"a lease of a sender that died never ends", "digest/digest.go", `d.Due = now.Add(max(SendingTakes, steady.Backoff(d.Tries)))`, `d.Due = time.Time{}`, 1, 22},
	{"the day between two mails is forgotten", "digest/digest.go", `return until, !d.Sent.IsZero() && until.After(now)`, `return until, false && !d.Sent.IsZero() && until.After(now)`, 30, 1},
	{"the record of a mail is written by whoever comes later, too", "optout/tell.go", `if !p.Digest.Lease.Equal(claim.Digest.Lease) {`, `if false {`, 30, 1},
	{"a digest is saved on top of any version", "dynamo/store.go", `condition = "v = :before"`, `condition = "v >= :before"`, 30, 1},
	// Linking.
	{"another answer is taken for a duplicate", "optout/settle.go", `for i := n - 1; i >= 0 && all[i].sameAnswer(f); i-- {`, `for i := n - 1; i >= 0; i-- {`, 30, 1},
	{"another signer's form is taken for a duplicate", "optout/settle.go", `if o.sameSigner(f) && o.Facts.Practice`, `if o.Facts.Practice`, 30, 1},
	{"a later form is taken for the first", "optout/settle.go", `beside, before := all, all[:earlier]`, `beside, before := all, all[earlier/2:]`, 30, 22},
	{"a duplicate whose first ended another way stays behind it", "optout/settle.go", "\tcase s.Ended():\n\t\treturn \"reopened\"\n\t}", "\tcase s.Ended():\n\t\treturn \"\"\n\t}", 30, 3},
	{"a choice to share more needs no word of the person", "optout/apply.go", `if o.binds(all) && sharing(o.Facts) < sharing(f.Facts) {`, `if false && o.binds(all) {`, 30, 1},
	{"what was replaced does not come back", "optout/apply.go", `case o.replacedBy(f) && !slices.ContainsFunc(change.Others`, `case false && !slices.ContainsFunc(change.Others`, 30, 47},
	// Acting.
	{"a key that was used is not known again", "optout/act.go", `if first, ok := f.said(by, said.Key); ok && first.says(e) {`, `if first, ok := f.said(by, said.Key); false && ok && first.says(e) {`, 30, 1},
	{"a page that took a form away is refused when it is sent again", "door/staff/answer.go", `return f.Knows(s.Actor, filled.Get("key"))`, `return false && f.Knows(s.Actor, filled.Get("key"))`, 30, 7},
	// Lists.
	{"a list run before a form was applied puts it in doubt", "optout/state.go", `return run.After(s.Evidence) && (e.Kind != Missing || run.After(s.Said))`, `return run.After(s.Evidence)`, 30, 9},
	// Paper.
	{"a file that nobody opens is not put on the books", "job/scans.go", `if err := r.books(s).Quarantine(ctx, at, why.Code, s.SHA256); err != nil {`, `if err := error(nil); err != nil {`, 30, 5},
	{"a second file at a place is passed over", "job/scans.go", `if err := r.books(s).AnotherFile(ctx, at, o.Version); err != nil {`, `if err := error(nil); err != nil {`, 30, 2},
	{"a batch is closed whatever its envelopes", "batch/ledger.go", "case l.Missing > 0:\n\t\treturn MoreDeclared", "case l.Missing > 99:\n\t\treturn MoreDeclared", 30, 1},
	{"books are counted while they change", "door/mailroom/books.go", `b, pieces, err := d.mailroom().Whole(r.Context(), b.ID)`, `pieces, err := d.Store.Pieces(r.Context(), b.ID)`, 30, 35},
	{"a letter is said to be posted, and that is written nowhere", "door/mailroom/piece.go", `_, err := d.mailroom().Posted(ctx, p.At, s.Actor, filled.Get("how"))`, `_, err := p, error(nil)`, 30, 7},
	{"what a clerk reads is not written down", "door/mailroom/key.go", "\tnow, err := d.mailroom().Key(r.Context(), p.At, s.Actor, reading)\n", "\tnow, err := p, error(nil)\n", 30, 1},
	{"the same bytes are first wherever they come last", "dynamo/batch.go", `SET #batch = if_not_exists(#batch, :batch), #in = if_not_exists(#in, :in)`, `SET #batch = :batch, #in = :in`, 30, 1},
	{"what was counted with a piece is counted once more", "batch/sample.go", `if len(differ) == 0 {`, `if p.History = append(p.History[:0:0], p.History[:len(p.History)-1]...); len(differ) == 0 {`, 30, 2},
	{"what else comes to the place of a scan is not looked for", "upload/slot.go", "	if last := s.Promised.Add(Lingers); now.Before(last) {", "	if last := s.Promised.Add(Lingers); false && now.Before(last) {", 30, 5},
	{"a scan that has come is noted by nobody", "door/practice/scan.go", `_, err = upload.NoteArrived(r.Context(), d.Store, u, d.Now())`, `_, err = u, r.Context().Err()`, 30, 3},
	{"a file with a password is taken for one that cannot be checked", "trigger/malware.go", `locked := result == MalwareUnsupported &&`, `locked := false && result == MalwareUnsupported &&`, 30, 27},
	{"a slot that nobody finished is forgotten", "upload/slot.go", `s.Due = s.Lease`, `s.Due = time.Time{}`, 30, 1},
}

// Each fault that is planted is caught by the simulation. The mutations are made in copies of the source, which the
// compiler is told to use in its place: there is no switch for them in the product.
func TestPlantedFaultsAreCaught(t *testing.T) {
	if len(plants) < 25 {
		t.Fatalf("only %d faults are planted", len(plants))
	}
	dir := t.TempDir()
	var (
		all  sync.WaitGroup
		next = make(chan int)
	)
	for range 2 {
		all.Go(func() {
			for n := range next {
				plants[n].catch(t, filepath.Join(dir, strconv.Itoa(n)))
			}
		})
	}
	for n, p := range plants {
		if strings.Contains(p.name, *plant) {
			next <- n
		}
	}
	close(next)
	all.Wait()
}

func (p planted) catch(t *testing.T, dir string) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", p.file))
	if err != nil {
		t.Error(err)
		return
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if n := strings.Count(string(source), p.old); n != 1 {
		t.Errorf("%s: what it replaces stands %d times in %s: plant it anew", p.name, n, p.file)
		return
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: filepath.Join(dir, "planted.go")}})
	for _, err := range []error{
		err, os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "planted.go"), []byte(strings.Replace(string(source), p.old, p.with, 1)), 0o600),
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600),
	} {
		if err != nil {
			t.Error(err)
			return
		}
	}
	binary := filepath.Join(dir, "sim.test")
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Errorf("%s: it does not even compile:\n%s", p.name, out)
		return
	}
	defer os.Remove(binary)
	// A change of the product changes histories: those that come next are tried too.
	first, histories := p.seed, max(3, 1200/p.forms)
	if *find > 0 {
		first, histories = 1, max(1, *find/p.forms)
	}
	began := time.Now()
	c := exec.Command(binary, "-test.run=^TestHistoriesEndWell$", "-test.timeout=5m", "-sim.from="+strconv.FormatUint(first, 10), "-sim.histories="+strconv.Itoa(histories), "-sim.forms="+strconv.Itoa(p.forms), "-sim.stop")
	c.Env = append(os.Environ(), "GOGC=400")
	out, err := c.CombinedOutput()
	caught := ""
	for line := range strings.Lines(string(out)) {
		if _, what, ok := strings.Cut(line, "seed "); ok && caught == "" {
			caught = strings.TrimSpace(what)
		}
	}
	switch {
	case err == nil || caught == "":
		t.Errorf("%s: nobody noticed (%v, %.1f s) %.300s", p.name, err, time.Since(began).Seconds(), out)
	default:
		t.Logf("%s: %.1f s: seed %.220s", p.name, time.Since(began).Seconds(), caught)
		if *find > 0 {
			fmt.Printf("FOUND %q %s\n", p.name, strings.SplitN(caught, ":", 2)[0])
		}
	}
}
