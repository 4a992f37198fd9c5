//go:build unix && !linux

package main

import "syscall"

// ownGroup cannot tie the child's life to the runner's here: after a SIGKILL of the runner the functions end by
// themselves, because their Runtime API is gone, but the engines must be killed by hand.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
