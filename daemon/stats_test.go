package daemon

import (
	"testing"
	"time"

	"taskmaster/sys"
)

// A deadline may have come in a turn that something else began, before the
// timer was seen: that is lateness too, and is counted once.
func TestDeadlineOfAnothersTurnIsCounted(t *testing.T) {
	timer, err := sys.OpenTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer timer.Close()
	d := &Daemon{timer: timer, armed: time.Now().Add(-3 * time.Millisecond)}
	d.tick()
	if d.pulse.LateSum < 3*time.Millisecond {
		t.Errorf("late for %v, want at least 3 ms", d.pulse.LateSum)
	}
	d.ring(0)
	d.tick()
	rang := int64(0)
	for _, n := range d.pulse.Late {
		rang += n
	}
	if rang != 1 {
		t.Errorf("counted %d times, want once", rang)
	}
}
