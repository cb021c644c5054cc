package reaper

import (
	"testing"

	"taskmaster/sys"
)

// A launch that is in the middle of its execve shows no environment. It is found
// once it is through.
func TestLaunchWithoutEnvironmentIsWaitedFor(t *testing.T) {
	bothWays(t, func(w *world) {
		since := sys.BootTicks()
		pid := w.start(1, "bare")[0]
		if got, start := FindLaunched(since, []string{"TASKMASTER_NAME=web:0"}); got != pid || start < since {
			w.Errorf("found %d, started at %d, and not %d, at %d or later", got, start, pid, since)
		}
	})
}
