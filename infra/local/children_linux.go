package main

import "syscall"

// ownGroup has the kernel kill the child when the runner is gone, however it went.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
