package sim

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"example.org/optout/functions/internal/dynamo"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// dueOnly is the table for one run of a schedule. It leaves out the parts of the list of due things in which nothing is due
// when the run begins: they would be asked, a thousand of them, and have nothing to say.
type dueOnly struct {
	dynamo.Store
	w     *World
	forms []int // the parts of the list of forms and practices
}

func (w *World) dueNow() dueOnly {
	d := dueOnly{Store: w.reach, w: w}
	now := w.Now().Format("2006-01-02T15:04:05.000Z") + "#~"
	for partition, first := range w.Table.Partitions("due") {
		if n, err := strconv.Atoi(strings.TrimPrefix(partition, "DUE#")); err == nil && first <= now {
			d.forms = append(d.forms, n)
		}
	}
	return d
}

// DueShards implements optout.Store.
func (d dueOnly) DueShards() int { return max(1, len(d.forms)) }

// Due implements optout.Store.
func (d dueOnly) Due(ctx context.Context, shard int, now time.Time) iter.Seq2[optout.Due, error] {
	if shard < len(d.forms) {
		return d.Store.Due(ctx, d.forms[shard], now)
	}
	return func(func(optout.Due, error) bool) {}
}

// UploadsDue implements upload.Store. Their parts are few, and keep their numbers.
func (d dueOnly) UploadsDue(ctx context.Context, p upload.Purpose, shard int, now time.Time) iter.Seq2[string, error] {
	if d.w.Table.Has("due", fmt.Sprintf("%s%d", uploadsDue[p], shard), "") {
		return d.Store.UploadsDue(ctx, p, shard, now)
	}
	return func(func(string, error) bool) {}
}

// uploadsDue are the partitions of due uploads, without their numbers (package dynamo, table of keys).
var uploadsDue = map[upload.Purpose]string{upload.Extract: "DUE#upload#", upload.Scan: "DUE#scan#", upload.Unanswered: "DUE#unanswered#"}

// ofUploads says of a partition that it is of due uploads for one of these purposes.
func ofUploads(purposes ...upload.Purpose) func(partition string) bool {
	return func(partition string) bool {
		for _, p := range purposes {
			if strings.HasPrefix(partition, uploadsDue[p]) {
				return true
			}
		}
		return false
	}
}
