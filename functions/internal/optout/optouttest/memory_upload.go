package optouttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"example.org/optout/functions/internal/nhs"
	"example.org/optout/functions/internal/optout"
	"example.org/optout/functions/internal/upload"
)

// SaveUpload implements upload.Store.
func (m *Memory) SaveUpload(_ context.Context, s upload.Slot) (stored upload.Slot, err error) {
	err = m.do("SaveUpload", func() error {
		if m.uploads[s.ID].Version != s.Version {
			return optout.ErrConflict
		}
		s.Version++
		stored = apart(s)
		m.uploads[s.ID] = apart(s)
		return nil
	})
	if err != nil {
		return upload.Slot{}, err
	}
	return stored, nil
}

// apart shares nothing that can be changed with s, and has its times as they are kept.
func apart(s upload.Slot) upload.Slot {
	for _, at := range []*time.Time{&s.Run, &s.Promised, &s.Uploaded, &s.Ended, &s.Used, &s.Due, &s.Lease} {
		if !at.IsZero() {
			*at = at.UTC().Truncate(time.Millisecond)
		}
	}
	s.SHA256 = slices.Clone(s.SHA256)
	s.Answer.Used, s.Answer.Faults, s.Answer.Forms = maps.Clone(s.Answer.Used), maps.Clone(s.Answer.Faults), maps.Clone(s.Answer.Forms)
	s.Answer.Doubt, s.Answer.Faulty = slices.Clone(s.Answer.Doubt), slices.Clone(s.Answer.Faulty)
	return s
}

// Upload implements upload.Store.
func (m *Memory) Upload(_ context.Context, id string) (s upload.Slot, err error) {
	err = m.do("Upload", func() error {
		stored, ok := m.uploads[id]
		if !ok {
			return optout.ErrNotFound
		}
		s = apart(stored)
		return nil
	})
	return s, err
}

// Uploads implements upload.Store.
func (m *Memory) Uploads(_ context.Context, practice nhs.ODSCode, n int) ([]string, error) {
	return m.slots("Uploads", n, func(s upload.Slot) bool { return s.For == upload.Extract && s.Practice == practice })
}

// Attachments implements upload.Store.
func (m *Memory) Attachments(_ context.Context, form optout.Reference, n int) ([]string, error) {
	return m.slots("Attachments", n, func(s upload.Slot) bool { return s.Form == form })
}

func (m *Memory) slots(method string, n int, which func(upload.Slot) bool) (ids []string, err error) {
	err = m.do(method, func() error {
		var slots []upload.Slot
		for _, s := range m.uploads {
			if which(s) {
				slots = append(slots, s)
			}
		}
		slices.SortFunc(slots, upload.Newest)
		for _, s := range slots[:min(n, 100, len(slots))] {
			ids = append(ids, s.ID)
		}
		return nil
	})
	return ids, err
}

// UploadShards implements upload.Store.
func (m *Memory) UploadShards() int { return 1 }

// UploadsDue implements upload.Store.
func (m *Memory) UploadsDue(_ context.Context, p upload.Purpose, _ int, now time.Time) iter.Seq2[string, error] {
	var due []upload.Slot
	err := m.do("UploadsDue", func() error {
		for _, s := range m.uploads {
			if s.DueAs() == p && !s.Due.IsZero() && !s.Due.After(now) {
				due = append(due, s)
			}
		}
		return nil
	})
	slices.SortFunc(due, func(a, b upload.Slot) int { return a.Due.Compare(b.Due) })
	return func(yield func(string, error) bool) {
		if err != nil {
			yield("", err)
			return
		}
		for _, s := range due {
			if !yield(s.ID, nil) {
				return
			}
		}
	}
}

// TakeTurn implements upload.Store.
func (m *Memory) TakeTurn(_ context.Context, t upload.Turn, now time.Time) (held upload.Turn, err error) {
	err = m.do("TakeTurn", func() error {
		held = m.turns[t.Practice]
		switch {
		case held.Run.After(t.Run):
			return upload.ErrOlder
		case held.ID != "" && held.ID != t.ID && held.Until.After(now):
			return upload.ErrBusy
		}
		kept := upload.Turn{Practice: t.Practice, ID: t.ID, Until: t.Until.UTC().Truncate(time.Millisecond), Run: held.Run}
		if t.Uses {
			kept.Run = t.Run.UTC().Truncate(time.Millisecond)
		}
		held, m.turns[t.Practice] = t, kept
		return nil
	})
	if errors.Is(err, optout.ErrUnavailable) {
		held = upload.Turn{}
	}
	return held, err
}

// EndTurn implements upload.Store.
func (m *Memory) EndTurn(_ context.Context, practice nhs.ODSCode, id string) error {
	return m.do("EndTurn", func() error {
		if t := m.turns[practice]; t.ID == id {
			t.ID, t.Until = "", time.Time{}
			m.turns[practice] = t
		}
		return nil
	})
}

// Files is an upload.Files in memory. Its zero value is ready to use.
type Files struct {
	// Fate decides what befalls a call, by the name of the method; nil: all is fine. Nothing conflicts here.
	Fate func(method string) Fate

	mu    sync.Mutex
	files map[string][]version // oldest first
	n     int
}

type version struct {
	upload.Object
	body []byte
}

var _ upload.Files = (*Files)(nil)

func (f *Files) do(method string, call func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.files == nil {
		f.files = map[string][]version{}
	}
	fate := Fine
	if f.Fate != nil {
		fate = f.Fate(method)
	}
	switch fate {
	case Conflict, Throttle:
		return optout.ErrUnavailable
	case Lost:
		_ = call()
		return optout.ErrUnavailable
	case Broken:
		return errors.New("nobody foresaw this")
	}
	return call()
}

// Find implements upload.Files.
func (f *Files) Find(_ context.Context, key string) (found []upload.Object, err error) {
	err = f.do("Find", func() error {
		for _, v := range slices.Backward(f.files[key]) {
			found = append(found, v.Object)
		}
		return nil
	})
	return found, err
}

// Open implements upload.Files.
func (f *Files) Open(_ context.Context, key, id string) (body io.ReadCloser, err error) {
	err = f.do("Open", func() error {
		for _, v := range f.files[key] {
			if v.Version == id {
				body = io.NopCloser(bytes.NewReader(v.body))
				return nil
			}
		}
		return upload.ErrGone
	})
	return body, err
}

// Put implements upload.Files.
func (f *Files) Put(_ context.Context, key, _ string, body []byte) error {
	return f.do("Put", func() error {
		f.n++
		f.files[key] = append(f.files[key], version{upload.Object{Version: strconv.Itoa(f.n), Size: int64(len(body))}, slices.Clone(body)})
		return nil
	})
}

// Delete implements upload.Files.
func (f *Files) Delete(_ context.Context, key, id string) error {
	return f.do("Delete", func() error {
		f.files[key] = slices.DeleteFunc(f.files[key], func(v version) bool { return v.Version == id })
		return nil
	})
}

// Newest is a file as it was put there last; nil if it is not there.
func (f *Files) Newest(key string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.files[key]); n > 0 {
		return f.files[key][n-1].body
	}
	return nil
}
