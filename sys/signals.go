package sys

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals delivers signals through a descriptor, to the one thread that opened
// it. Package runtime's other threads never block a signal to begin with, so they
// take most of those sent to the process before a signalfd can show them.
// Therefore handlers of our own (handler.go), which pass a signal on to the
// loop's thread; that blocks it, so that it becomes pending there and the
// signalfd readable.
//
// Like the kernel's own pending set, this merges equal signals that come quickly
// and never loses the last one. A flood of one signal cannot displace another.
type Signals struct {
	fd     int
	set    unix.Sigset_t // delivered
	buf    [8]unix.SignalfdSiginfo
	caught []caught
}

// caught is a signal with a handler of ours.
type caught struct {
	sig     unix.Signal
	handler uintptr
	before  sigaction // what was done at it
}

// faults end a process that makes one. Package runtime turns those of this
// program's own making into panics; what is sent by somebody is delivered as
// SIGABRT, where that is asked for, so that the terminal can be put back first.
var faults = []unix.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS, unix.SIGSTKFLT}

// OpenSignals starts to deliver sigs, to the calling thread only: the caller
// has locked its goroutine to it, and reads and waits for Fd there. The signals
// are blocked on this thread, so children have to be started inside Around. A
// process has one Signals at a time.
//
// Every signal that was ignored when the process started (by nohup, or a
// careless parent) is caught from now on, and SIGPIPE as well: those among sigs
// are delivered, the others have no effect. So none of them ends the daemon,
// and its children start with default dispositions, as execve(2) resets what
// is caught but keeps what is ignored.
func OpenSignals(sigs ...unix.Signal) (*Signals, error) {
	s := &Signals{}
	for _, sig := range sigs {
		addSignal(&s.set, sig)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &s.set, nil); err != nil {
		return nil, fmt.Errorf("block signals: %w", err)
	}
	fd, err := unix.Signalfd(-1, &s.set, unix.SFD_NONBLOCK|unix.SFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("signalfd: %w", err)
	}
	s.fd = fd
	loopProcess, loopThread = int32(unix.Getpid()), int32(unix.Gettid())
	if err := s.catchAll(sigs); err != nil {
		s.Close()
		return nil, err
	}
	s.sendNoted()
	return s, nil
}

// catchAll sets the handlers.
func (s *Signals) catchAll(sigs []unix.Signal) (err error) {
	for _, sig := range sigs {
		err = errors.Join(err, s.catch(sig, addressOfPassOn))
	}
	if slices.Contains(sigs, unix.SIGABRT) {
		for _, sig := range faults {
			err = errors.Join(err, s.catch(sig, addressOfPassFault))
			runtimeHandler = s.caught[len(s.caught)-1].before.handler // the same for all of them
		}
	}
	for sig := unix.Signal(1); sig < signals; sig++ {
		if !hasSignal(&s.set, sig) && (sig == unix.SIGPIPE || ignored(sig)) {
			err = errors.Join(err, s.catch(sig, addressOfDoNothing))
		}
	}
	return err
}

func (s *Signals) catch(sig unix.Signal, handler uintptr) error {
	before, err := setAction(sig, handledBy(handler))
	s.caught = append(s.caught, caught{sig, handler, before})
	return err
}

// sendNoted makes the signals that the handler has noted pending on this thread,
// which blocks them again.
func (s *Signals) sendNoted() {
	for _, c := range s.caught {
		if noted[c.sig] != 0 {
			noted[c.sig] = 0
			_ = unix.Tgkill(int(loopProcess), int(loopThread), c.sig) // cannot fail for a thread of ours
		}
	}
}

// Fault is what a SIGABRT stands for: the fault that somebody has sent, else itself.
func (s *Signals) Fault() unix.Signal {
	if sig := unix.Signal(faultSent); sig != 0 {
		return sig
	}
	return unix.SIGABRT
}

// Fd is readable when a signal is waiting. It is for epoll on the same thread.
func (s *Signals) Fd() int { return s.fd }

// Read calls got for every signal that is waiting. pid and uid are the sender's;
// pid is 0 when the kernel does not tell it, and this process's own when the
// signal came while a child was forked. Equal signals merge, so of a SIGCHLD only
// its number means anything.
func (s *Signals) Read(got func(sig unix.Signal, pid, uid uint32)) error {
	const size = int(unsafe.Sizeof(s.buf[0]))
	for {
		n, err := Read(s.fd, unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), len(s.buf)*size))
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("read signalfd: %w", err)
		}
		for i := range s.buf[:n/size] {
			got(unix.Signal(s.buf[i].Signo), s.buf[i].Pid, s.buf[i].Uid)
		}
	}
}

// Around runs fn with no signal blocked on this thread, so that a child forked
// in fn has an empty mask, whatever mask the daemon was started with. Signals
// that arrive meanwhile are delivered afterwards.
func (s *Signals) Around(fn func()) {
	var old unix.Sigset_t
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, &old) // cannot fail with valid arguments
	defer func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		s.sendNoted()
	}()
	fn()
}

// deadly are those of the usual signals that Go's runtime unblocks as it starts,
// whatever it was started with, and that end the process until they are handled.
var deadly = []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT}

// Leave makes ready for an execve that goes on with this process. It gives the
// delivered signals that were waiting. Those that come later stay pending, as
// they are blocked, and TakePending finds them; but the deadly ones, which the
// new program's runtime unblocks before it can handle them, are ignored: one of
// these can be missed in the few milliseconds that the kernel takes. What had
// no effect in this program has none in the new one, which finds it ignored.
func (s *Signals) Leave() (waiting []unix.Signal, err error) {
	err = s.Read(func(sig unix.Signal, _, _ uint32) { waiting = append(waiting, sig) })
	for _, c := range s.caught {
		if c.handler == addressOfDoNothing || slices.Contains(deadly, c.sig) {
			_, _ = setAction(c.sig, sigaction{handler: sigIgn}) // has been set before
		}
	}
	return waiting, err
}

// Stay undoes Leave.
func (s *Signals) Stay() {
	for _, c := range s.caught {
		_, _ = setAction(c.sig, handledBy(c.handler)) // has been set before
	}
}

// Reset does what the runtime does at a signal, from now on.
func (s *Signals) Reset(sig unix.Signal) {
	for _, c := range s.caught {
		if c.sig == sig {
			_, _ = setAction(sig, c.before) // has been set before
		}
	}
}

// TakePending gives those of sigs that wait for this thread or for the process
// and are blocked, and takes them off. After an execve that is what came in its
// middle.
func TakePending(sigs ...unix.Signal) (pending []unix.Signal) {
	s := &Signals{}
	for _, sig := range sigs {
		addSignal(&s.set, sig)
	}
	var err error
	if s.fd, err = unix.Signalfd(-1, &s.set, unix.SFD_NONBLOCK|unix.SFD_CLOEXEC); err != nil {
		return nil
	}
	defer Close(s.fd)
	_ = s.Read(func(sig unix.Signal, _, _ uint32) { pending = append(pending, sig) }) // what cannot be read stays
	return pending
}

// Close ends the delivery, and what was done at the signals before is done again.
// They stay blocked on this thread, and on others that have taken one.
func (s *Signals) Close() {
	for _, c := range s.caught {
		_, _ = setAction(c.sig, c.before) // has been set before
	}
	loopThread = 0
	Close(s.fd)
}

func addSignal(set *unix.Sigset_t, sig unix.Signal) {
	const bits = int(unsafe.Sizeof(set.Val[0])) * 8
	set.Val[(int(sig)-1)/bits] |= 1 << ((int(sig) - 1) % bits)
}

func hasSignal(set *unix.Sigset_t, sig unix.Signal) bool {
	const bits = int(unsafe.Sizeof(set.Val[0])) * 8
	return set.Val[(int(sig)-1)/bits]>>((int(sig)-1)%bits)&1 == 1
}
