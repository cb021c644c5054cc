package sys

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is a timerfd on CLOCK_REALTIME: it is readable once the wall clock shows
// a time, and also when somebody sets the clock.
type Clock struct{ fd int }

// OpenClock makes a clock that waits for nothing.
func OpenClock() (*Clock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create(CLOCK_REALTIME): %w", err)
	}
	return &Clock{fd}, nil
}

// Fd is readable from the moment that the time has come, or the clock was set,
// until Set, Arm or Disarm.
func (c *Clock) Fd() int { return c.fd }

// Arm waits for the time at; at once when that is over.
func (c *Clock) Arm(at time.Time) { c.set(unix.NsecToTimespec(max(at.UnixNano(), 1))) } // zero would disarm it

// Disarm waits for nothing, not for the clock to be set either.
func (c *Clock) Disarm() { c.set(unix.Timespec{}) }

func (c *Clock) set(at unix.Timespec) {
	spec := unix.ItimerSpec{Value: at}
	_ = unix.TimerfdSettime(c.fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil) // cannot fail on a timerfd of ours
}

// Set takes note of what made Fd readable: true when the clock was set
// (ECANCELED), false when the time has come.
func (c *Clock) Set() bool {
	var count [8]byte
	err := retry(func() error {
		_, err := unix.Read(c.fd, count[:])
		return err
	})
	return err == unix.ECANCELED
}

// Close closes the descriptor.
func (c *Clock) Close() { Close(c.fd) }
