package sys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The handlers are a few instructions of assembly, as no Go can run in a thread
// that the kernel has interrupted. Package os/signal would do, with a goroutine
// that passes on what it receives; but each SIGCHLD would wake two threads
// beside the loop's, and each signal that is asked for costs the start of the
// daemon 60 microseconds. These are numbers of performance.md.

// Their addresses, for the kernel. Set by the assembler.
var (
	// addressOfPassOn is that of the handler that passes a signal on to the loop's
	// thread, where it is blocked and becomes pending, and blocks it for the thread
	// that it is on, once it returns (sigreturn(2) takes the mask from the ucontext).
	// So each of the runtime's threads does that once at most, and from then on the
	// signal stays pending for the process until the loop reads it. On the loop's
	// thread, which takes one only while it forks and blocks none, and while there is no loop, it is
	// noted instead.
	addressOfPassOn uintptr

	// addressOfPassFault is that of the one that passes on a fault that somebody has
	// sent (si_code is not positive: sigaction(2)), as SIGABRT. One of our own making
	// goes to the runtime's handler.
	addressOfPassFault uintptr

	// addressOfDoNothing is for what has no effect, and yet must not be ignored.
	addressOfDoNothing uintptr

	// addressOfHandlerReturn is where a handler returns to.
	addressOfHandlerReturn uintptr
)

// What the handlers read and write.
var (
	loopProcess, loopThread int32 // where signals go; no thread, 0, while there is no loop
	noted                   [signals]uint8
	faultSent               int32 // the last fault that somebody has sent

	//lint:ignore U1000 passFault reads it
	runtimeHandler uintptr
)

// sigaction is struct sigaction as the kernel takes it (rt_sigaction(2)), the
// same for amd64 and arm64.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	sigIgn = 1 // SIG_IGN

	saSiginfo  = 0x4 // these are not in x/sys/unix
	saOnstack  = 0x08000000
	saRestart  = 0x10000000
	saRestorer = 0x04000000

	signals = 65 // one more than the last
)

// handledBy is the action that calls a handler. No other signal interrupts it.
func handledBy(handler uintptr) sigaction {
	return sigaction{
		handler: handler, flags: saSiginfo | saOnstack | saRestart | saRestorer,
		restorer: addressOfHandlerReturn, mask: ^uint64(0),
	}
}

// setAction sets what is done at a signal, behind package runtime's back, and
// gives what was done before. It fails for SIGKILL and SIGSTOP only.
func setAction(sig unix.Signal, to sigaction) (before sigaction, err error) {
	err = rtSigaction(sig, &to, &before)
	return before, err
}

// ignored asks the kernel: signal.Ignored knows only what Go code ignored.
func ignored(sig unix.Signal) bool {
	var now sigaction
	return rtSigaction(sig, nil, &now) == nil && now.handler == sigIgn
}

func rtSigaction(sig unix.Signal, to, before *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(before)), unsafe.Sizeof(to.mask), 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %s: %w", unix.SignalName(sig), errno)
	}
	return nil
}
