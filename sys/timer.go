package sys

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Timer is a timerfd on CLOCK_MONOTONIC: it is readable once its time is over.
type Timer struct{ fd int }

// OpenTimer makes a timer that is not armed.
func OpenTimer() (*Timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &Timer{fd}, nil
}

// Fd is readable from the moment the timer has fired until Drain, Arm or Disarm.
func (t *Timer) Fd() int { return t.fd }

// Arm makes the timer fire once, d from now, instead of what it was armed for;
// at once when d is zero or less.
func (t *Timer) Arm(d time.Duration) {
	t.set(max(d, 1)) // zero would disarm it
}

// Disarm makes the timer never fire.
func (t *Timer) Disarm() { t.set(0) }

func (t *Timer) set(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	_ = unix.TimerfdSettime(t.fd, 0, &spec, nil) // cannot fail on a timerfd of ours
}

// Drain takes note of a timer that has fired: Fd is not readable afterwards.
func (t *Timer) Drain() {
	var count [8]byte
	_ = retry(func() error {
		_, err := Read(t.fd, count[:])
		return err
	})
}

// Close closes the descriptor.
func (t *Timer) Close() { Close(t.fd) }
