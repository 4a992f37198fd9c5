package job_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/dynamo/dynamotest"
	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/job"
	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/optout/optouttest"
	"example.org/optout/functions/internal/upload"
)

// busy is the CPU time of this process, which others on the machine do not change as they do the time that passes.
func busy() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fill gives a practice so many forms that it said are applied, and a list of so many rows that has nine in ten of them.
func fill(b *testing.B, store optout.Store, forms, rows int) (list string) {
	b.Helper()
	by := clerk("A81001")
	var text strings.Builder
	text.WriteString("Surname,NHS number,Code,Date\n")
	row := func(number string) { fmt.Fprintf(&text, "Quillfeather,%s,9Ndo.,31/03/2026\n", number) }
	var failed atomic.Pointer[error]
	slots := make(chan struct{}, 16)
	for n := range forms {
		number := optouttest.Number()
		if n%10 > 0 {
			row(number)
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			a := optouttest.Dissent()
			a.Subject.NHSNumber = number
			r := optout.Registrar{Keys: optouttest.Keys{}, Now: func() time.Time { return days(10) }}
			f := r.NewForm(optouttest.Online(""), a, optouttest.Accepted(a))
			f.Possible = "" // they are all called the same, and flags are not what is measured
			for _, e := range []optout.Event{
				{At: days(9), By: "engine", Kind: optout.Routed, Detail: map[string]string{"practice": "A81001"}},
				{At: days(6), By: by.String(), Kind: optout.Collected},
				{At: days(5), By: by.String(), Kind: optout.Applied, Detail: map[string]string{"on": "2026-11-17", "code": "9Ndo."}},
			} {
				f = f.With(e)
			}
			if _, err := store.Register(context.Background(), f); err != nil {
				failed.Store(&err)
			}
		}()
	}
	for range 16 {
		slots <- struct{}{}
	}
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	for range rows - forms*9/10 {
		row(optouttest.Number())
	}
	return text.String()
}

// A list of 100,000 rows is held against 10,000 forms of the practice, nine in ten of them coded, in a table in memory.
func BenchmarkMatch(b *testing.B) {
	const forms = 10_000
	var cpu time.Duration
	var most uint64
	for b.Loop() {
		b.StopTimer()
		s := newSurgery(b)
		slot := s.sends(fill(b, s.store, forms, extract.MostRows), days(1))
		runtime.GC()
		before, start := inUse(), busy()
		calls, peak := 0, uint64(0)
		s.store.Fate = func(string) optouttest.Fate {
			if calls++; calls%500 == 0 {
				peak = max(peak, inUse())
			}
			return optouttest.Fine
		}
		b.StartTimer()
		if slot = s.reads(slot); slot.Answer.Used["checked"] != forms*9/10 || slot.Answer.Forms["in-doubt"] != forms/10 || slot.Answer.Rows != extract.MostRows {
			b.Fatalf("%s: %+v, %v", slot.State, slot.Refusal, slot.Answer)
		}
		cpu += busy() - start
		most = max(most, peak-before)
	}
	b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N), "ms-CPU")
	b.ReportMetric(float64(most)/1e6, "MB-most")
}

// Forms are closed by a list on the engine that is here: how fast that is, is the engine's. CLOSE_FORMS says how many.
func BenchmarkClose(b *testing.B) {
	forms := 1000
	if n, err := strconv.Atoi(os.Getenv("CLOSE_FORMS")); err == nil {
		forms = n
	}
	c := dynamotest.Client(b)
	for b.Loop() {
		b.StopTimer()
		store := dynamo.New(c, dynamotest.Table(b, c))
		files := &optouttest.Files{}
		slot := upload.New(clerk("A81001"), days(1), false, optouttest.Noon)
		if err := files.Put(b.Context(), slot.Key(), "", []byte(fill(b, store, forms, forms))); err != nil {
			b.Fatal(err)
		}
		if _, err := store.SaveUpload(b.Context(), slot.Arrived(optouttest.Noon)); err != nil {
			b.Fatal(err)
		}
		r := job.Reader{Store: store, Files: files, Codes: nhs.Codebook{}, Layouts: extract.Layouts, TestNumbers: true, Now: func() time.Time { return optouttest.Noon }}
		b.StartTimer()
		start := time.Now()
		slot, err := r.Read(b.Context(), slot.ID)
		if err != nil || slot.Answer.Used["checked"] != forms*9/10 {
			b.Fatalf("%+v, %v", slot, err)
		}
		b.ReportMetric(float64(forms)/time.Since(start).Seconds(), "forms/s")
	}
}
