package sys

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The thread asks for it, what it forks is as before; and nothing is asked where
// the children are to inherit what they would lose.
func TestShortSlice(t *testing.T) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 3); err != nil {
			t.Error(err)
			return
		}
		before, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return
		}
		ShortSlice()
		after, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if after.Flags != before.Flags|unix.SCHED_FLAG_RESET_ON_FORK || after.Nice != 3 || after.Policy != before.Policy {
			t.Errorf("%+v, before %+v", after, before)
		}
		if after.Runtime != 100_000 && after.Runtime != before.Runtime { // as before Linux 6.12
			t.Errorf("the slice is %d ns, it was %d", after.Runtime, before.Runtime)
		}
	}()
	<-ended
}
