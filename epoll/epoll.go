// Package epoll waits for descriptors and calls their handlers. It knows
// nothing of what they are for.
//
// One batch of events at a time is taken from the kernel and handled in the
// order of the classes: output of programs first, so that last words are read
// before the death that follows them, then signals, deadlines, clients. Within
// a class the kernel's order holds, which is fair: it serves each ready
// descriptor before it serves one twice.
//
// Invariants: a handler is called only for the registration that its event was
// made for, even when an earlier handler of the same batch has removed it and
// the number belongs to another descriptor by now. Who registers a descriptor
// removes it before it closes it. A turn allocates nothing.
package epoll

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Handler is told of events. It may add, modify and remove any descriptor,
// its own too, but must not wait.
type Handler interface {
	// Ready is called with the events that came: EPOLLIN, EPOLLHUP, ….
	Ready(events uint32)
}

// Class is the priority of a descriptor within a batch.
type Class uint8

// The classes, in the order in which they are handled.
const (
	Output Class = iota
	Signal
	Deadline
	Client
	numClasses
)

// ErrNotPollable is the error of Add for what is always ready and unknown to
// epoll: a regular file, a directory, /dev/null (EPERM, epoll_ctl(2)).
var ErrNotPollable = errors.New("descriptor cannot be waited for")

// batchSize is how many events are handled between two calls of the kernel.
const batchSize = 128

// Loop is an epoll instance with the handlers of its descriptors. It belongs to
// one thread.
type Loop struct {
	// Woken, when set, is called after each wait and before the handlers, also
	// when there is nothing to handle: the moment to read the clock.
	Woken func()

	fd    int
	gen   int32
	slots []slot // by descriptor number
	batch [batchSize]unix.EpollEvent
}

// slot is one registration; a nil handler is none.
type slot struct {
	handler Handler
	gen     int32 // tells registrations of the same number apart
	class   Class
}

// New makes a loop without descriptors.
func New() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create: %w", err)
	}
	return &Loop{fd: fd}, nil
}

// Add registers fd: h is called whenever one of events is there (level
// triggered unless they say otherwise; EPOLLHUP and EPOLLERR always count).
// The error is ErrNotPollable for what is always ready.
func (l *Loop) Add(fd int, events uint32, class Class, h Handler) error {
	if fd < 0 {
		return fmt.Errorf("epoll: add descriptor %d: %w", fd, unix.EBADF)
	}
	gen := l.gen + 1
	switch err := l.control(unix.EPOLL_CTL_ADD, fd, events, gen); err {
	case nil:
	case unix.EPERM:
		return ErrNotPollable
	default:
		return fmt.Errorf("epoll: add descriptor %d: %w", fd, err)
	}
	for len(l.slots) <= fd {
		l.slots = append(l.slots, slot{})
	}
	l.gen = gen
	l.slots[fd] = slot{h, gen, class}
	return nil
}

// Modify changes the events of a registered descriptor. Those of the present
// batch that were taken before still come.
func (l *Loop) Modify(fd int, events uint32) error {
	if !l.has(fd) {
		return fmt.Errorf("epoll: modify descriptor %d: %w", fd, unix.ENOENT)
	}
	if err := l.control(unix.EPOLL_CTL_MOD, fd, events, l.slots[fd].gen); err != nil {
		return fmt.Errorf("epoll: modify descriptor %d: %w", fd, err)
	}
	return nil
}

// Remove forgets fd, before it is closed; its handler is not called again. For
// a descriptor that is not registered it does nothing.
func (l *Loop) Remove(fd int) {
	if l.has(fd) {
		l.slots[fd] = slot{}
		_ = l.control(unix.EPOLL_CTL_DEL, fd, 0, 0) // fails only when it is closed already
	}
}

func (l *Loop) has(fd int) bool {
	return fd >= 0 && fd < len(l.slots) && l.slots[fd].handler != nil
}

func (l *Loop) control(op, fd int, events uint32, gen int32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: gen}
	return unix.EpollCtl(l.fd, op, fd, &event)
}

// Wait blocks until something is ready or a signal handler ran, and handles
// one batch of events. It must not be called by a handler.
func (l *Loop) Wait() error { return l.turn(unix.EpollWait(l.fd, l.batch[:], -1)) }

// Poll handles one batch of what is ready now, without blocking. It must not
// be called by a handler.
func (l *Loop) Poll() error { return l.turn(sys.EpollTake(l.fd, l.batch[:])) }

// turn treats an interrupted wait as an empty batch: the caller's own work
// between two turns is done once too often rather than too late.
func (l *Loop) turn(n int, err error) error {
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("epoll_wait: %w", err)
	}
	if l.Woken != nil {
		l.Woken()
	}
	l.dispatch(l.batch[:max(n, 0)])
	return nil
}

func (l *Loop) dispatch(batch []unix.EpollEvent) {
	for class := range numClasses {
		for i := range batch {
			event := &batch[i]
			if s := &l.slots[event.Fd]; s.gen == event.Pad && s.class == class && s.handler != nil {
				s.handler.Ready(event.Events)
			}
		}
	}
}

// Close closes the epoll instance; the descriptors stay with their owners.
func (l *Loop) Close() { sys.Close(l.fd) }
