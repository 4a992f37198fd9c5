package staff_test

import (
	"testing"

	"example.org/optout/functions/internal/door/staff"
	"example.org/optout/functions/internal/worklist"
)

// What is counted only in part is not said to be all.
func TestCountsThatMayBeCutShortSaySo(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "To do (0)", worklist.Exact - 1: "To do (999)", worklist.Exact: "To do (at least 1000)", 5200: "To do (at least 5200)"} {
		if got := staff.Counted("To do", n); got != want {
			t.Errorf("%d is said as %q, want %q", n, got, want)
		}
	}
}
