package daemon

import "testing"

// The loop does not wait for who does its chores: what is too many is not taken.
func TestChores(t *testing.T) {
	c, done, last, ended := make(chores, 2), 0, make(chan struct{}), make(chan int)
	for i := range 3 {
		if taken := c.take(func() { done++ }); taken != (i < 2) {
			t.Errorf("chore %d, where two may wait, is taken: %t", i, taken)
		}
	}
	go func() {
		c <- func() { close(last) } // when there is room
		<-last
		ended <- 7
	}()
	if code := c.until(ended); code != 7 || done != 2 {
		t.Errorf("exit code %d, want 7; %d chores done, want 2", code, done)
	}
}
