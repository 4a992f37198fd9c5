package main

import (
	"context"
	"sync"
)

// toggle is a switch of the console that others can wait at.
type toggle struct {
	mu   sync.Mutex
	on   bool
	open chan struct{} // closed while on
}

func newToggle(on bool) *toggle {
	t := &toggle{open: make(chan struct{})}
	t.set(on)
	return t
}

func (t *toggle) set(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case on && !t.on:
		close(t.open)
	case !on && t.on:
		t.open = make(chan struct{})
	}
	t.on = on
}

func (t *toggle) isOn() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.on
}

// wait returns when the switch is on, or false when the context has ended.
func (t *toggle) wait(ctx context.Context) bool {
	t.mu.Lock()
	open := t.open
	t.mu.Unlock()
	select {
	case <-open:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
