package spawn

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// A descriptor of ours has the number in the child that was asked for, also one
// that the stage would have, and there is no other.
func TestExtraDescriptor(t *testing.T) {
	s := loopThread(t)
	if err := closeOnExec(3); err != nil { // what the test itself was given
		t.Fatal(err)
	}
	r, w, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(r); sys.Close(w) })
	pipe, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", w))
	if err != nil {
		t.Fatal(err)
	}
	for _, staged := range []bool{false, true} {
		for _, at := range []int{3, 4, 5, 6, 7, 63} {
			c, output := command(t, "/proc/self/exe")
			c.Env = []string{"SPAWN_TEST_CHILD=files"}
			c.Extra, c.ExtraAt = w, at
			if staged {
				c.Limits = []Rlimit{{unix.RLIMIT_CORE, 0}}
			}
			got := strings.Split(strings.TrimSpace(run(t, s, c, output)), "\n")
			if len(got) != 4 || !slices.Contains(got, fmt.Sprintf("%d %s", at, pipe)) {
				t.Errorf("at %d, staged %t: the child holds %q", at, staged, got)
			}
		}
	}
	c, output := command(t, "/bin/bash", "-c", "echo here >&1023")
	c.Extra, c.ExtraAt = w, 1023
	said := run(t, s, c, output)
	var buf [64]byte
	n, err := unix.Read(r, buf[:])
	if err != nil || string(buf[:n]) != "here\n" {
		t.Errorf("%q, %v; it said %q", buf[:max(n, 0)], err, said)
	}
}
