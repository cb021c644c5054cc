package sys

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals delivers signals through a descriptor, to the one thread that opened
// it. Package runtime's other threads never block a signal, so they take most
// of those sent to the process before a signalfd can show them. Therefore a
// bridge: what the runtime caught is sent on to the loop's thread, which blocks
// it, so that it becomes pending there and the signalfd readable.
//
// Like the kernel's own pending set, it merges equal signals that come quickly
// and never loses the last one. A flood of one signal cannot displace another.
type Signals struct {
	fd     int
	set    unix.Sigset_t
	buf    [8]unix.SignalfdSiginfo
	queues []chan os.Signal
	sigs   []unix.Signal // of queues
	quiet  []unix.Signal // caught to no effect
	masked sync.Mutex    // held while this thread does not block the signals
	fault  atomic.Int32  // the last of the faults that somebody has sent
}

// faults end a process that makes one. Package runtime turns those of this
// program's own making into panics; what is sent by somebody is delivered as
// SIGABRT, where that is asked for, so that the terminal can be put back first.
var faults = []os.Signal{unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS, unix.SIGSTKFLT}

// OpenSignals starts to deliver sigs, to the calling thread only: the caller
// has locked its goroutine to it, and reads and waits for Fd there. The signals
// are blocked on this thread, so children have to be started inside Around.
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
	s.catchIgnored()
	s.bridge(sigs)
	return s, nil
}

// bridge sends each signal that the runtime catches on to this thread. One
// queue of one place for each signal makes that exact: package signal drops
// what does not fit, and what is dropped here is equal to what waits.
func (s *Signals) bridge(sigs []unix.Signal) {
	s.sigs = sigs
	for _, sig := range sigs {
		queue := early[sig]
		if queue == nil {
			queue = make(chan os.Signal, 1)
			signal.Notify(queue, sig)
		}
		s.cross(queue, func(os.Signal) unix.Signal { return sig })
	}
	if slices.Contains(sigs, unix.SIGABRT) {
		s.bridgeFaults()
	}
}

// bridgeFaults sends SIGABRT to this thread for each fault that somebody has sent.
func (s *Signals) bridgeFaults() {
	queue := make(chan os.Signal, 1)
	signal.Notify(queue, faults...)
	s.cross(queue, func(sig os.Signal) unix.Signal {
		s.fault.Store(int32(sig.(unix.Signal)))
		return unix.SIGABRT
	})
}

// cross sends each signal of the queue to this thread, as what it is to be there.
func (s *Signals) cross(queue chan os.Signal, as func(os.Signal) unix.Signal) {
	s.queues = append(s.queues, queue)
	pid, tid := unix.Getpid(), unix.Gettid()
	go func() {
		for sig := range queue {
			to := as(sig)
			s.masked.Lock()               // sent to a thread that does not block it, it would be back at once
			_ = unix.Tgkill(pid, tid, to) // fails only when the thread is gone, and the loop with it
			s.masked.Unlock()
		}
	}()
}

// Fault is what a SIGABRT stands for: the fault that somebody has sent, else itself.
func (s *Signals) Fault() unix.Signal {
	if sig := unix.Signal(s.fault.Load()); sig != 0 {
		return sig
	}
	return unix.SIGABRT
}

// catchIgnored makes the runtime catch SIGPIPE and every ignored signal that
// is not delivered, to no effect.
func (s *Signals) catchIgnored() {
	sink := make(chan os.Signal, 1)
	for sig := unix.Signal(1); sig <= 64; sig++ {
		if sig != unix.SIGKILL && sig != unix.SIGSTOP && !hasSignal(&s.set, sig) && (sig == unix.SIGPIPE || ignored(sig)) {
			s.quiet = append(s.quiet, sig)
			signal.Notify(sink, sig)
			if ignored(sig) { // 32 to 34, which the C library keeps to itself: posix_spawn leaves one ignored
				setDefault(sig)
			}
		}
	}
}

// sigaction is struct kernel_sigaction, long enough for every architecture.
type sigaction struct {
	handler uintptr
	rest    [10]uint64
}

const sigsetSize = 8

// setDefault is for signals that package signal does not touch.
func setDefault(sig unix.Signal) {
	var action sigaction
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, sigsetSize, 0, 0)
}

// ignore has the kernel ignore a signal, behind package signal's back.
func ignore(sig unix.Signal) {
	const sigIgn = 1
	action := sigaction{handler: sigIgn}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, sigsetSize, 0, 0)
}

// ignored asks the kernel: signal.Ignored knows only what Go code ignored.
func ignored(sig unix.Signal) bool {
	var action sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&action)), sigsetSize, 0, 0)
	const sigIgn = 1
	return errno == 0 && action.handler == sigIgn
}

// Fd is readable when a signal is waiting. It is for epoll on the same thread.
func (s *Signals) Fd() int { return s.fd }

// Read calls got for every signal that is waiting. pid and uid are the
// sender's, but this process's own for signals that came over the bridge,
// which are almost all; so of a SIGCHLD only its number means anything.
func (s *Signals) Read(got func(sig unix.Signal, pid, uid uint32)) error {
	const size = int(unsafe.Sizeof(s.buf[0]))
	for {
		n, err := unix.Read(s.fd, unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), len(s.buf)*size))
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
// that arrive meanwhile go over the bridge and are not lost.
func (s *Signals) Around(fn func()) {
	s.masked.Lock()
	defer s.masked.Unlock()
	var old unix.Sigset_t
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, &old) // cannot fail with valid arguments
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil) }()
	fn()
}

// deadly are those of the usual signals that Go's runtime unblocks as it starts,
// whatever it was started with, and that end the process until package signal
// is told otherwise.
var deadly = []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT}

// Leave makes ready for an execve that goes on with this process. It gives the
// delivered signals that were waiting. Those that come later stay pending, as
// they are blocked, and TakePending finds them; but the deadly ones, which the
// new program's runtime unblocks before it can handle them, are ignored: one of
// these can be missed in the few milliseconds that the kernel takes. What had
// no effect in this program has none in the new one, which finds it ignored.
func (s *Signals) Leave() (waiting []unix.Signal, err error) {
	err = s.Read(func(sig unix.Signal, _, _ uint32) { waiting = append(waiting, sig) })
	for _, sig := range s.quiet {
		signal.Ignore(sig)
	}
	for _, sig := range deadly {
		ignore(sig) // package signal must not know, as it would forget the queue
	}
	return waiting, err
}

// Stay undoes Leave.
func (s *Signals) Stay() {
	sink := make(chan os.Signal, 1)
	for _, sig := range s.quiet {
		signal.Notify(sink, sig)
	}
	for n, sig := range s.sigs {
		if slices.Contains(deadly, sig) {
			signal.Ignore(sig) // else it believes that it still handles it
			signal.Notify(s.queues[n], sig)
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

// Close ends the delivery: the bridge stops and the descriptor is closed. The
// signals stay blocked on this thread.
func (s *Signals) Close() {
	for _, queue := range s.queues {
		signal.Stop(queue)
		close(queue)
	}
	s.queues = nil
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
