package daemon

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// DetachCommand is the hidden flag of the process that Detach starts.
const DetachCommand = "--detached"

// readyFD is where the detached daemon says that it is up.
const readyFD = 3

// Detach starts this binary again with args, in a session of its own, and
// waits until it is up: 0, or has failed: 1. What it says until then goes to
// our standard error.
func Detach(args []string) int {
	r, w, err := os.Pipe()
	if err != nil {
		return detachFailed(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return detachFailed(err)
	}
	_, err = syscall.ForkExec("/proc/self/exe", append([]string{os.Args[0], DetachCommand}, args...), &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{null.Fd(), null.Fd(), 2, w.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return detachFailed(err)
	}
	_ = w.Close()
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0
	}
	return 1
}

func detachFailed(err error) int {
	_, _ = os.Stderr.WriteString("taskmaster: cannot detach: " + err.Error() + "\n")
	return 1
}

// Detached is Options.Ready of the detached daemon: it lets go of everything of
// its caller's before it says that it is up.
func Detached() {
	if null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		_ = unix.Dup3(null, 2, 0)
		_ = unix.Close(null)
	}
	_, _ = unix.Write(readyFD, []byte{1})
	_ = unix.Close(readyFD)
}
