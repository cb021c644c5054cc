package epoll

import (
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// handler calls itself.
type handler func(events uint32)

func (h handler) Ready(events uint32) { h(events) }

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// readyPipe gives the read end of a pipe that has something to read.
func readyPipe(t *testing.T) (r, w int) {
	t.Helper()
	r, w, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(w) })
	if _, err := unix.Write(w, []byte("x")); err != nil {
		t.Fatal(err)
	}
	return r, w
}

func add(t *testing.T, l *Loop, fd int, class Class, h handler) {
	t.Helper()
	if err := l.Add(fd, unix.EPOLLIN, class, h); err != nil {
		t.Fatal(err)
	}
}

func wait(t *testing.T, l *Loop) {
	t.Helper()
	if err := l.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestClassesAreHandledInOrder(t *testing.T) {
	l := newLoop(t)
	var got []Class
	for _, class := range []Class{Client, Deadline, Output, Signal, Output} {
		r, _ := readyPipe(t)
		defer sys.Close(r)
		add(t, l, r, class, func(uint32) { got = append(got, class) })
	}
	wait(t, l)
	if want := []Class{Output, Output, Signal, Deadline, Client}; !slices.Equal(got, want) {
		t.Errorf("handled in the order %v, want %v", got, want)
	}
}

func TestRemovedInTheSameBatchIsNotCalled(t *testing.T) {
	l := newLoop(t)
	a, _ := readyPipe(t)
	b, _ := readyPipe(t)
	calls := 0
	for fd, other := range map[int]int{a: b, b: a} {
		add(t, l, fd, Output, func(uint32) {
			calls++
			l.Remove(other)
			sys.Close(other)
		})
	}
	wait(t, l)
	if calls != 1 {
		t.Errorf("%d handlers were called, want 1: the first one removed the second", calls)
	}
}

// A later handler of the batch has its descriptor's number taken over by a new
// descriptor that is ready itself, but not in this batch.
func TestNumberReusedInTheSameBatch(t *testing.T) {
	l := newLoop(t)
	a, _ := readyPipe(t)
	b, _ := readyPipe(t)
	fresh, _ := readyPipe(t)
	defer sys.Close(a)
	var got []string
	add(t, l, b, Client, func(uint32) { got = append(got, "old") })
	add(t, l, a, Output, func(uint32) {
		l.Remove(a)
		l.Remove(b)
		if err := unix.Dup2(fresh, b); err != nil {
			t.Error(err)
		}
		add(t, l, b, Client, func(uint32) { got = append(got, "new") })
	})
	wait(t, l)
	if len(got) != 0 {
		t.Fatalf("called %v for an event of a registration that is gone", got)
	}
	wait(t, l)
	if !slices.Equal(got, []string{"new"}) {
		t.Errorf("called %v in the next turn, want the new handler", got)
	}
}

func TestModifyAndPoll(t *testing.T) {
	l := newLoop(t)
	r, _ := readyPipe(t)
	defer sys.Close(r)
	calls, woken := 0, 0
	l.Woken = func() { woken++ }
	add(t, l, r, Output, func(uint32) { calls++ })
	for _, step := range []struct {
		events uint32
		calls  int
	}{{0, 0}, {unix.EPOLLIN, 1}, {0, 1}} {
		if err := l.Modify(r, step.events); err != nil {
			t.Fatal(err)
		}
		if err := l.Poll(); err != nil {
			t.Fatal(err)
		}
		if calls != step.calls {
			t.Errorf("with events %#x: %d calls, want %d", step.events, calls, step.calls)
		}
	}
	if woken != 3 {
		t.Errorf("Woken was called %d times in 3 turns", woken)
	}
}

func TestNotPollable(t *testing.T) {
	l := newLoop(t)
	for _, path := range []string{"/dev/null", "/proc/self/exe", os.TempDir()} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Add(int(f.Fd()), unix.EPOLLIN, Client, handler(nil)); err != ErrNotPollable {
			t.Errorf("Add(%s) = %v, want ErrNotPollable", path, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFaultsAreNamed(t *testing.T) {
	l := newLoop(t)
	for _, fd := range []int{-1, 9999} {
		if err := l.Add(fd, unix.EPOLLIN, Client, handler(nil)); err == nil {
			t.Errorf("Add(%d) succeeded", fd)
		}
		if err := l.Modify(fd, 0); err == nil {
			t.Errorf("Modify(%d) succeeded", fd)
		}
		l.Remove(fd)
	}
}

func TestTurnAllocatesNothing(t *testing.T) {
	l := newLoop(t)
	calls := 0
	for range 8 {
		r, _ := readyPipe(t)
		defer sys.Close(r)
		add(t, l, r, Output, func(uint32) { calls++ })
	}
	if n := testing.AllocsPerRun(100, func() { _ = l.Wait() }); n != 0 {
		t.Errorf("a turn allocates %v times", n)
	}
	if calls == 0 {
		t.Error("no handler was called")
	}
}
