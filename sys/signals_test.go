package sys

import (
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func openSignals(t *testing.T, sigs ...unix.Signal) *Signals {
	t.Helper()
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	s, err := OpenSignals(sigs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Every exit leads to a SIGCHLD that is read after it: a signal that is lost
// leaves a child unreaped for ever, and the test hangs and fails.
func TestNoExitIsMissed(t *testing.T) {
	s := openSignals(t, unix.SIGCHLD)
	const total, atOnce = 1000, 8
	started, reaped := 0, 0
	start := func() {
		s.Around(func() {
			if _, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{}); err != nil {
				t.Error(err)
			}
		})
		started++
	}
	for range atOnce {
		start()
	}
	for reaped < total {
		if !await(s.Fd()) {
			t.Fatalf("a SIGCHLD was lost: %d of %d children were reaped", reaped, started)
		}
		if err := s.Read(func(unix.Signal, uint32, uint32) {}); err != nil {
			t.Fatal(err)
		}
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
			if reaped++; started < total {
				start()
			}
		}
	}
}

// A flood of one signal does not displace another.
func TestFloodOfOneSignal(t *testing.T) {
	s := openSignals(t, unix.SIGUSR1, unix.SIGTERM)
	pid := unix.Getpid()
	for i := range 5000 {
		sig := unix.SIGUSR1
		if i == 2500 {
			sig = unix.SIGTERM
		}
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	got := map[unix.Signal]bool{}
	for !got[unix.SIGTERM] || !got[unix.SIGUSR1] {
		if !await(s.Fd()) {
			t.Fatalf("only %v came", got)
		}
		if err := s.Read(func(sig unix.Signal, _, _ uint32) { got[sig] = true }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadWithoutSignal(t *testing.T) {
	s := openSignals(t, unix.SIGUSR2)
	if err := s.Read(func(sig unix.Signal, _, _ uint32) { t.Errorf("got %v", sig) }); err != nil {
		t.Error(err)
	}
}
