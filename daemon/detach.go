package daemon

import (
	"os"
	"syscall"

	"taskmaster/logfile"
	"taskmaster/sys"

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

// letGo is the last step of a detached daemon's start: it keeps nothing of its
// caller's, and says that it is up.
func (d *Daemon) letGo() {
	d.err.Close()
	if err := unix.Dup3(d.null, 2, 0); err != nil {
		d.fault("dup3", err)
	}
	d.err.Console = logfile.NewConsole(2)
	if _, err := unix.Write(readyFD, []byte{1}); err != nil {
		d.fault("detach", err)
	}
	sys.Close(readyFD)
}
