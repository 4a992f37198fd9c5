package extract_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/extract"
	"example.org/optout/functions/internal/nhs"
)

// list is a file of so many people, each with a number of their own, and so many bytes that are not needed.
func list(tb testing.TB, people, padding int) []byte {
	tb.Helper()
	var out bytes.Buffer
	fmt.Fprint(&out, "Surname,NHS number,Code,Date\n")
	pad := strings.Repeat("x", padding)
	for n := 900_000_000; people > 0; n++ {
		sum := 0
		for i, c := range fmt.Sprint(n) {
			sum += int(c-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check < 10 {
			people--
			fmt.Fprintf(&out, "%s,%d%d,9Ndo.,%d/%d/2026\n", pad, n, check, 1+n%28, 1+n%12)
		}
	}
	return out.Bytes()
}

// watched is a file that looks at the memory in use once in a while.
type watched struct {
	io.Reader
	unseen int
	most   uint64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.unseen += n; w.unseen > 1<<18 {
		w.unseen, w.most = 0, max(w.most, inUse())
	}
	return n, err
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What is kept of an extract depends on how many rows it has and not on how wide they are. Others would be measured
// too if this were parallel.
func TestWideRowsCostNoMoreMemoryThanNarrowOnes(t *testing.T) {
	kept := func(padding int) int64 {
		file := list(t, 10_000, padding)
		runtime.GC()
		before := inUse()
		e, err := extract.Read(bytes.NewReader(file), extract.Layouts, nhs.Codebook{}, true)
		if err != nil || e.Good != 10_000 {
			t.Fatal(err)
		}
		runtime.GC()
		after := inUse()
		runtime.KeepAlive(e)
		runtime.KeepAlive(file)
		return int64(after) - int64(before)
	}
	if narrow, wide := kept(0), kept(1000); wide > narrow+narrow/4 || wide > 4<<20 {
		t.Errorf("10,000 narrow rows keep %d bytes, wide ones %d", narrow, wide)
	}
}

// busy is the CPU time of this process, which others on the machine do not change as they do the time that passes.
func busy() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkRead(b *testing.B) {
	for name, padding := range map[string]int{"narrow": 0, "wide": 500} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "list.csv") // in memory it would be counted
			file := list(b, extract.MostRows, padding)
			b.SetBytes(int64(len(file)))
			if err := os.WriteFile(path, file, 0o600); err != nil {
				b.Fatal(err)
			}
			file = nil
			b.ReportAllocs()
			var most uint64
			var kept *extract.Extract
			runtime.GC()
			before, start := inUse(), busy()
			for b.Loop() {
				opened, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				w := &watched{Reader: opened}
				e, err := extract.Read(w, extract.Layouts, nhs.Codebook{}, true)
				opened.Close()
				if err != nil || e.Good != extract.MostRows {
					b.Fatal(err)
				}
				most, kept = max(most, w.most), e
			}
			b.ReportMetric(float64((busy()-start).Milliseconds())/float64(b.N), "ms-CPU")
			runtime.GC()
			b.ReportMetric(float64(inUse()-before)/1e6, "MB-kept")
			b.ReportMetric(float64(most-before)/1e6, "MB-most")
			runtime.KeepAlive(kept)
		})
	}
}
