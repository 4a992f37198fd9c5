package scan

import (
	"image"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.org/optout/functions/internal/scan/scantest"
)

// busy is the CPU time of this process and of those that it has ended, which others on the machine do not change as they
// do the time that passes.
func busy() time.Duration {
	total := time.Duration(0)
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		_ = syscall.Getrusage(who, &u)
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return total
}

// own is a drawer in the test's process, whose code is compiled.
func own(tb testing.TB) *drawer {
	tb.Helper()
	d, err := openDrawer("")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// A cold start: the sandbox is started and says that it is ready.
func BenchmarkOpenWithCache(b *testing.B) {
	program, cache := made(b, "draw"), made(b, "cache")
	b.ResetTimer()
	start := busy()
	for b.Loop() {
		e, err := OpenProgram(program, cache)
		if err != nil || !e.Cached {
			b.Fatal(e, err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((busy()-start).Microseconds())/1000/float64(b.N), "ms-CPU")
}

// A page of a PDF, step by step, in the sandbox's process; grey and in colour.
func BenchmarkPage(b *testing.B) {
	coloured := picture(b, "form")
	grey := scantest.Grey(coloured)
	for name, file := range map[string][]byte{"colour": scantest.PDF(coloured), "grey": scantest.PDF(grey), "typed": scantest.Letter("Dear practice,\nI do not want a record.")} {
		b.Run(name, func(b *testing.B) {
			s, err := own(b).enter(file)
			if err != nil {
				b.Fatal(err)
			}
			defer s.leave()
			var draw, encode, blank time.Duration
			bytes := 0
			for b.Loop() {
				start := busy()
				r, fault, err := s.draw(0)
				if fault != nil || err != nil {
					b.Fatal(fault, err)
				}
				draw += busy() - start
				start = busy()
				file, err := r.encode()
				if err != nil {
					b.Fatal(err)
				}
				encode += busy() - start
				start = busy()
				r.blank()
				blank += busy() - start
				bytes = len(file)
			}
			for unit, d := range map[string]time.Duration{"ms-CPU-drawing": draw, "ms-CPU-encoding": encode, "ms-CPU-blank": blank} {
				b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), unit)
			}
			b.ReportMetric(float64(bytes)/1000, "kB")
		})
	}
}

// A whole file, as whoever calls Read waits for it: ten pages in colour, and as many in grey as a file may have.
func BenchmarkRead(b *testing.B) {
	e, m := open(b), picture(b, "form")
	for name, file := range map[string][]byte{
		"10 in colour": scantest.PDF(slices.Repeat([]image.Image{m}, 10)...),
		"100 in grey":  scantest.PackedPDF(40, slices.Repeat([]image.Image{scantest.Grey(m)}, 100)...),
	} {
		b.Run(name, func(b *testing.B) {
			start := busy()
			for b.Loop() {
				if s, err := e.Read(b.Context(), file, func(Page) error { return nil }); err != nil || s.Pages < 10 {
					b.Fatal(s, err)
				}
			}
			b.ReportMetric((busy()-start).Seconds()/float64(b.N), "s-CPU")
			b.ReportMetric(float64(len(file))/1e6, "MB")
		})
	}
}
