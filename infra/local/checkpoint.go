package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
)

// position is how far a shard has been handled.
type position struct {
	After    string `json:"after,omitempty"` // sequence number of the last record of which all before are handled
	Finished bool   `json:"finished,omitempty"`
}

// checkpoint is how far an event source mapping has come, on disk.
type checkpoint struct {
	file string

	mu    sync.Mutex
	state struct {
		Stream string              `json:"stream"`
		Shards map[string]position `json:"shards"`
	}
}

// openCheckpoint reads a checkpoint. Positions in another stream than the named one mean nothing and are dropped.
func openCheckpoint(file, stream string) (*checkpoint, error) {
	c := &checkpoint{file: file}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &c.state)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if c.state.Stream != stream || c.state.Shards == nil {
		c.state.Stream, c.state.Shards = stream, map[string]position{}
	}
	return c, nil
}

func (c *checkpoint) get(shard string) position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Shards[shard]
}

func (c *checkpoint) set(shard string, p position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Shards[shard] == p {
		return nil
	}
	c.state.Shards[shard] = p
	return c.write()
}

// forget drops shards the stream no longer has.
func (c *checkpoint) forget(gone func(shard string) bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.state.Shards)
	maps.DeleteFunc(c.state.Shards, func(shard string, _ position) bool { return gone(shard) })
	if len(c.state.Shards) == before {
		return nil
	}
	return c.write()
}

func (c *checkpoint) write() error {
	b, err := json.Marshal(c.state)
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := writeAtomically(c.file, append(b, '\n')); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}
