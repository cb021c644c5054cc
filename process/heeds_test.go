package process

import "testing"

func TestHeeds(t *testing.T) {
	for state, want := range map[State]bool{Stopped: false, Starting: true, Running: true, Backoff: true, Stopping: false, Exited: false, Fatal: true, Unknown: false} {
		for _, w := range []Want{Up, Down, Gone} {
			i := Instance{state: state, want: w}
			if got := i.Heeds(); got != (want && w == Up) {
				t.Errorf("%s, want %d: %t", state, w, got)
			}
		}
	}
}
