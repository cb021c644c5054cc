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

// receive reads signals until one of them is sig, and gives its sender.
func receive(t *testing.T, s *Signals, sig unix.Signal) (pid, uid int) {
	t.Helper()
	for found := false; !found; {
		if !await(s.Fd()) {
			t.Fatalf("%s never came", unix.SignalName(sig))
		}
		err := s.Read(func(got unix.Signal, p, u uint32) {
			if got == sig {
				found, pid, uid = true, int(p), int(u)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pid, uid
}

// Who has sent a signal is known, by whichever thread of ours it was taken: at
// first by one that has not blocked it yet.
func TestSender(t *testing.T) {
	s := openSignals(t, unix.SIGUSR1)
	for range 20 {
		var gate [2]int
		if err := unix.Pipe2(gate[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		var pid int
		var err error
		s.Around(func() {
			pid, err = syscall.ForkExec("/bin/sh", []string{"sh", "-c", "read line; kill -USR1 $PPID"}, &syscall.ProcAttr{Files: []uintptr{uintptr(gate[0])}})
		})
		Close(gate[0])
		Close(gate[1]) // it goes on now
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
			t.Fatal(err)
		}
		if from, uid := receive(t, s, unix.SIGUSR1); from != pid || uid != unix.Getuid() {
			t.Fatalf("sent by pid %d, uid %d; was sent by pid %d, uid %d", from, uid, pid, unix.Getuid())
		}
	}
}

// What comes while no signal is blocked is delivered afterwards, and leaves none
// blocked for the child that is forked meanwhile.
func TestSignalsAroundAFork(t *testing.T) {
	s := openSignals(t, unix.SIGUSR1, unix.SIGTERM)
	s.Around(func() {
		for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGTERM} {
			if err := unix.Tgkill(unix.Getpid(), unix.Gettid(), sig); err != nil {
				t.Error(err)
			}
		}
		var now unix.Sigset_t
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &now); err != nil || now != (unix.Sigset_t{}) {
			t.Errorf("blocked: %v, %v", now, err)
		}
	})
	receive(t, s, unix.SIGUSR1)
	s.Around(func() { _ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTERM) })
	receive(t, s, unix.SIGTERM)
}

// A fault that somebody sends, to the process or to the loop's thread, comes as
// SIGABRT; one of our own making is still a panic, on that thread as on any other.
func TestFaults(t *testing.T) {
	s := openSignals(t, unix.SIGABRT)
	for _, sig := range faults {
		for _, send := range []func() error{
			func() error { return unix.Kill(unix.Getpid(), sig) },
			func() error { return unix.Tgkill(unix.Getpid(), unix.Gettid(), sig) },
		} {
			if err := send(); err != nil {
				t.Fatal(err)
			}
			receive(t, s, unix.SIGABRT)
			if got := s.Fault(); got != sig {
				t.Errorf("%s came as %s", unix.SignalName(sig), unix.SignalName(got))
			}
		}
	}
	failures := make(chan any)
	fail := func() {
		var nowhere *int
		defer func() { failures <- recover() }()
		*nowhere = 1
	}
	go fail()
	if <-failures == nil {
		t.Error("no panic on another thread")
	}
	failures = make(chan any, 1)
	fail()
	if <-failures == nil {
		t.Error("no panic on the loop's thread")
	}
}

// What was ignored or deadly is caught while there are Signals, ignored while a
// successor is made ready, and as before afterwards.
func TestDispositions(t *testing.T) {
	handler := func(sig unix.Signal) uintptr {
		var now sigaction
		if err := rtSigaction(sig, nil, &now); err != nil {
			t.Fatal(err)
		}
		return now.handler
	}
	if _, err := setAction(unix.SIGUSR2, sigaction{handler: sigIgn}); err != nil {
		t.Fatal(err)
	}
	list := []unix.Signal{unix.SIGUSR2, unix.SIGPIPE, unix.SIGTERM, unix.SIGCHLD}
	all := func() (out [4]uintptr) {
		for n, sig := range list {
			out[n] = handler(sig)
		}
		return out
	}
	before := all()
	runtime.LockOSThread()
	s, err := OpenSignals(unix.SIGTERM, unix.SIGCHLD)
	if err != nil {
		t.Fatal(err)
	}
	open := [4]uintptr{addressOfDoNothing, addressOfDoNothing, addressOfPassOn, addressOfPassOn}
	if now := all(); now != open {
		t.Errorf("open: %x, want %x", now, open)
	}
	if _, err := s.Leave(); err != nil {
		t.Error(err)
	}
	if now, want := all(), [4]uintptr{sigIgn, sigIgn, sigIgn, addressOfPassOn}; now != want {
		t.Errorf("left: %x, want %x", now, want)
	}
	s.Stay()
	if now := all(); now != open {
		t.Errorf("stayed: %x, want %x", now, open)
	}
	s.Close()
	if now := all(); now != before {
		t.Errorf("closed: %x, want %x", now, before)
	}
}
