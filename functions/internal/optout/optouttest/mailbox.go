package optouttest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"example.org/optout/functions/internal/digest"
)

// Mailbox is an digest.Post that keeps what it is given, or fails as it is told. Its zero value is ready to use.
type Mailbox struct {
	mu    sync.Mutex
	mails []digest.Notice
	err   error
}

// Tell implements digest.Post.
func (m *Mailbox) Tell(_ context.Context, n digest.Notice) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return "", m.err
	}
	m.mails = append(m.mails, n)
	return fmt.Sprintf("m-%d", len(m.mails)), nil
}

// Fail makes every further Tell fail with this error; nil mends it.
func (m *Mailbox) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Mails are the notices that were carried, oldest first.
func (m *Mailbox) Mails() []digest.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}
