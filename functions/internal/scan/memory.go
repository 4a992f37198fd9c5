package scan

import (
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// memory is the sandbox's memory: reserved as a whole, taken from the machine as it is touched, given back at once when
// the sandbox is thrown away. Go's own memory would be copied whenever it grows, and stay until it is collected.
type memory struct {
	most    int
	refused bool // whether more was asked for: then something was not drawn, and pdfium may not say so
}

var _ experimental.MemoryAllocator = (*memory)(nil)

// Allocate implements experimental.MemoryAllocator. Without memory it panics, which fails the file.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory {
	reserved, err := syscall.Mmap(-1, 0, m.most, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
	return &linear{memory: m, reserved: reserved}
}

type linear struct {
	memory   *memory
	reserved []byte
}

// Reallocate implements experimental.LinearMemory.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(len(l.reserved)) {
		l.memory.refused = true
		return nil
	}
	return l.reserved[:size]
}

// Free implements experimental.LinearMemory.
func (l *linear) Free() {
	if l.reserved != nil {
		_ = syscall.Munmap(l.reserved) // which fails only for what was never mapped
		l.reserved = nil
	}
}
