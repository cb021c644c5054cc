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

// Every exit leads to a SIGCHLD that is read. There is one child at a time, as
// the signal of another would make up for one that was lost: without the bridge
// that happens within the first few.
func TestNoExitIsMissed(t *testing.T) {
	s := openSignals(t, unix.SIGCHLD)
	const total = 1000
	for i := range total {
		var pid int
		var err error
		s.Around(func() { pid, err = syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{}) })
		if err != nil {
			t.Fatal(err)
		}
		for reaped := false; !reaped; {
			if !await(s.Fd()) {
				t.Fatalf("the SIGCHLD of child %d of %d was lost", i, total)
			}
			if err := s.Read(func(unix.Signal, uint32, uint32) {}); err != nil {
				t.Fatal(err)
			}
			got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
			reaped = err == nil && got == pid
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
