package sys

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The thread asks for it, and stays as it was otherwise. What its children are
// given is seen in package tests.
func TestShortSlice(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 3); err != nil {
		t.Fatal(err)
	}
	before := scheduling(t)
	ShortSlice()
	after := scheduling(t)
	if after.Flags != before.Flags|unix.SCHED_FLAG_RESET_ON_FORK || after.Nice != 3 || after.Policy != before.Policy {
		t.Errorf("%+v, before %+v", after, before)
	}
	if after.Runtime != 100_000 && after.Runtime != before.Runtime { // as before Linux 6.12
		t.Errorf("the slice is %d ns, it was %d", after.Runtime, before.Runtime)
	}
}

// scheduling is how this thread is scheduled.
func scheduling(t *testing.T) *unix.SchedAttr {
	t.Helper()
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return attr
}
