package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// bus is the default event bus of EventBridge: what a service puts on it reaches every function with a rule for it.
type bus struct {
	rules    []rulePlan
	complain func(format string, args ...any)

	mu        sync.Mutex
	functions map[string]invoker // by logical id
	until     context.Context    // nil: it is not open yet, or not any more
	deliver   sync.WaitGroup     // what is under way
}

// open has what is put on the bus from now on delivered, until the context ends.
func (b *bus) open(ctx context.Context, functions map[string]invoker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.functions, b.until = functions, ctx
}

// wait waits until the bus has ended, and what was under way with it.
func (b *bus) wait() {
	<-b.until.Done()
	b.mu.Lock()
	b.until = nil
	b.mu.Unlock()
	b.deliver.Wait()
}

// put takes an event of a service: it is delivered at once, but nobody waits for that. What is under way when the
// runner is killed is lost, as services promise no more than their best effort.
func (b *bus) put(source, detailType string, resources []string, detail any) error {
	return b.send(source, detailType, resources, detail, func() {})
}

// send is put by who keeps an event until it is delivered: had is called once every function with a rule for it has had
// it, or has failed for good, and never if the runner ends before.
func (b *bus) send(source, detailType string, resources []string, detail any, had func()) error {
	event, err := json.Marshal(map[string]any{
		"version": "0", "id": newUUID(), "detail-type": detailType, "source": source, "account": account, "region": region,
		"time": time.Now().UTC().Format("2006-01-02T15:04:05Z"), "resources": resources, "detail": detail,
	})
	if err != nil {
		return fmt.Errorf("put event: %w", err)
	}
	var fields any
	if err := json.Unmarshal(event, &fields); err != nil {
		return fmt.Errorf("put event: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until == nil {
		return nil
	}
	var each sync.WaitGroup
	var lost atomic.Bool
	for _, p := range b.rules {
		if p.pattern.matches(fields) {
			ctx, f := b.until, b.functions[p.function]
			each.Add(1)
			b.deliver.Go(func() {
				defer each.Done()
				if !invokeLater(ctx, f, event, p.retries, func(err error) { b.complain("%s: %s failed for good: %v", p.name(), detailType, err) }) {
					lost.Store(true)
				}
			})
		}
	}
	b.deliver.Go(func() {
		if each.Wait(); !lost.Load() {
			had()
		}
	})
	return nil
}

// invokeLater is an asynchronous invocation: it is repeated on failure, sooner than the one and two minutes of AWS. It is
// over if it succeeded or has failed for good, and not if the context ended it.
func invokeLater(ctx context.Context, f invoker, event []byte, retries int, failed func(error)) (over bool) {
	for try := 0; ; try++ {
		_, err := f.invoke(context.WithoutCancel(ctx), event)
		if err == nil || ctx.Err() != nil {
			return err == nil
		}
		if try == retries {
			failed(err)
			return true
		}
		if !pause(ctx, time.Duration(try+1)*2*time.Second) {
			return false
		}
	}
}
