package sim

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/observe"
	"example.org/optout/functions/internal/trigger"
	"example.org/optout/functions/internal/upload"
)

var _ = Join("scanner", func(testing.TB) func() Part { return func() Part { return &scanner{} } })

// The services that scans use beside the table and the bucket.
const (
	guardDuty = "GuardDuty"
	drawing   = "drawing"

	scanBucket = "uploads"
)

// scanner is what reads scans, of the mailroom and of practices: the malware check, the function that hears of it, and the
// schedule.
type scanner struct {
	w        *World
	verdicts map[string]string // of GuardDuty, by the version of a file
	malware  func(context.Context, events.EventBridgeEvent) error
}

// sheet is what a file shows. Its JSON are the file's bytes, and its pages are drawn from them.
type sheet struct {
	Serial     int
	Unreadable string `json:",omitempty"` // a code
	Pages      []leaf
	letters    []*letter
}

type leaf struct {
	Blank bool   `json:",omitempty"`
	Fault string `json:",omitempty"`
}

// file is a sheet as it is sent.
func (s *sheet) file() []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return raw
}

// version is a file that came to a place.
type version struct {
	id  string
	sum string
}

// Functions implements Functions, as template.yaml wires them.
func (p *scanner) Functions(w *World) ([]*Consumer, []*Schedule) {
	p.w, p.verdicts, w.scanner = w, map[string]string{}, p
	scans := job.Scans{Store: w.reach, Files: files{}, Draw: p.draw, Ask: p.ask, Now: w.Now}
	p.malware = trigger.Malware(observe.New("scans-malware", logs, w.Now), scanBucket, scans.Heard)
	return nil, []*Schedule{{
		Name: "scans-clock", Long: 150 * time.Second,
		Due: ofUploads(upload.Scan, upload.Unanswered),
		Serve: func(ctx context.Context, e events.EventBridgeEvent) error {
			scans := scans
			scans.Store = w.dueNow()
			return trigger.Schedule(observe.New("scans-schedule", logs, w.Now), w.Now, job.ScansDue(scans))(ctx, e)
		},
	}}
}

// Begin implements Part.
func (p *scanner) Begin(*World) {}

// Settle implements Part.
func (p *scanner) Settle(*World) {}

// Check implements Part: whoever sends files says what has become of them.
func (p *scanner) Check(*World) {}

// verdict draws what GuardDuty will say of a file.
func verdict(r *rand.Rand, keen bool) string {
	if keen {
		return "NO_THREATS_FOUND"
	}
	switch r.IntN(30) {
	case 0:
		return "THREATS_FOUND"
	case 1:
		return "UNSUPPORTED"
	case 2:
		return "PASSWORD_PROTECTED"
	case 3:
		return "FAILED"
	case 4:
		return "ACCESS_DENIED"
	case 5: // it says nothing
		return ""
	}
	return "NO_THREATS_FOUND"
}

// comes is a file that comes to its place in the bucket.
func (p *scanner) comes(id string, file []byte, verdict string) version {
	w, key := p.w, upload.Slot{ID: id, For: upload.Scan}.Key()
	if err := w.files.Put(w.Outside(), key, "application/pdf", file); err != nil {
		w.Wrong("the bucket takes nothing: %v", err)
	}
	found, err := w.files.Find(w.Outside(), key)
	if err != nil || len(found) == 0 {
		w.Wrong("the bucket has nothing: %v", err)
		return version{}
	}
	sum := sha256.Sum256(file)
	v := version{found[0].Version, hex.EncodeToString(sum[:])}
	w.note("version %s of %s comes", v.id, id)
	p.verdicts[v.id] = verdict
	p.looks(key, v.id)
	return v
}

// draw draws the pages of a file, which may fail.
func (p *scanner) draw(ctx context.Context, file []byte, page func(job.Drawn) error) error {
	sum := sha256.Sum256(file)
	err := p.w.call(ctx, &call{service: drawing, name: "draw " + hex.EncodeToString(sum[:4]), effect: func() error { return nil }, fails: func(failure) error {
		return errors.New("whatever draws has ended")
	}})
	if err != nil {
		return err
	}
	var s sheet
	if err := json.Unmarshal(file, &s); err != nil {
		return &job.Unreadable{Code: "no-scan", Detail: "This is no scan."}
	}
	if s.Unreadable != "" {
		return &job.Unreadable{Code: s.Unreadable, Detail: "Scan the paper again."}
	}
	for n, l := range s.Pages {
		d := job.Drawn{Number: n + 1, JPEG: []byte("picture"), Blank: l.Blank, Fault: l.Fault}
		if l.Fault != "" {
			d.JPEG = nil
		}
		if err := page(d); err != nil {
			return err
		}
	}
	return nil
}

// ask asks GuardDuty once more.
func (p *scanner) ask(ctx context.Context, key, id string) error {
	return p.w.call(ctx, &call{service: guardDuty, name: "ask " + key, writes: true, fails: away, effect: func() error {
		if v := p.verdicts[id]; (v == "" || v == "FAILED" || v == "ACCESS_DENIED") && (!p.w.stormy || p.w.wind.IntN(3) > 0) {
			p.verdicts[id] = "NO_THREATS_FOUND"
		}
		p.looks(key, id)
		return nil
	}})
}

// looks has GuardDuty look at a version of a file: its result comes in a while; late, twice or never, perhaps.
func (p *scanner) looks(key, id string) {
	w, verdict := p.w, p.verdicts[id]
	if verdict == "" {
		return
	}
	var why []string
	if verdict == "PASSWORD_PROTECTED" {
		verdict, why = "UNSUPPORTED", []string{verdict}
	}
	detail, err := json.Marshal(map[string]any{
		"s3ObjectDetails":   map[string]any{"bucketName": scanBucket, "objectKey": key, "versionId": id},
		"scanResultDetails": map[string]any{"scanResultStatus": verdict, "statusReasons": why},
	})
	if err != nil {
		panic(err)
	}
	e := events.EventBridgeEvent{Source: "aws.guardduty", DetailType: "GuardDuty Malware Protection Object Scan Result", Detail: detail}
	after := time.Duration(w.wind.Int64N(int64(time.Minute)))
	if w.stormy && w.chance(w.weather.Stream) {
		w.fault("malware result late")
		after = time.Duration(w.wind.Int64N(int64(3 * time.Hour)))
	}
	w.After(after, func() { p.brings(e, 0) })
	if w.stormy && w.chance(w.weather.Stream) {
		w.fault("malware result twice")
		w.After(after+time.Duration(w.wind.Int64N(int64(time.Hour))), func() { p.brings(e, 0) })
	}
}

// brings delivers a result, again if it fails.
func (p *scanner) brings(e events.EventBridgeEvent, times int) {
	var failed error
	p.w.Start("scans-malware", 90*time.Second, func(ctx context.Context) { failed = p.malware(ctx, e) }, func(err error) {
		if cmp.Or(err, failed) != nil && times < 2 {
			p.w.After(time.Minute<<times, func() { p.brings(e, times+1) })
		}
	})
}
