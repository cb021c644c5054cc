package sys

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTimer(t *testing.T) {
	tm, err := OpenTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer tm.Close()
	for _, d := range []time.Duration{-time.Hour, 0, 1, time.Millisecond} {
		tm.Arm(d)
		if !await(tm.Fd()) {
			t.Fatalf("Arm(%v) never fires", d)
		}
		tm.Drain()
		if readable(tm.Fd()) {
			t.Errorf("Arm(%v): readable after Drain", d)
		}
	}
	tm.Arm(0)
	await(tm.Fd())
	tm.Arm(time.Hour)
	if readable(tm.Fd()) {
		t.Error("a timer armed anew has fired")
	}
	tm.Drain() // does not block
	tm.Arm(0)
	await(tm.Fd())
	tm.Disarm()
	if readable(tm.Fd()) {
		t.Error("a disarmed timer has fired")
	}
}

func TestPipe(t *testing.T) {
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer Close(r)
	defer Close(w)
	for fd, want := range map[int]int{r: unix.O_NONBLOCK, w: 0} {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		cloexec, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.O_NONBLOCK != want || cloexec != unix.FD_CLOEXEC {
			t.Errorf("flags %#x, %#x (%v)", flags, cloexec, err)
		}
	}
	SetPipeSize(w, 1<<17)
	if size, err := unix.FcntlInt(uintptr(r), unix.F_GETPIPE_SZ, 0); err != nil || size != 1<<17 {
		t.Errorf("size %d (%v)", size, err)
	}
	SetPipeSize(-1, 1) // a wish
}

func openPty(t *testing.T) (master, slave int) {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { Close(master) })
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = unix.Open(filepath.Join("/dev/pts", itoa(n)), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(slave) })
	return master, slave
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestTerminal(t *testing.T) {
	master, slave := openPty(t)
	if !IsTerminal(slave) || IsTerminal(-1) {
		t.Error("IsTerminal is wrong")
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 34}); err != nil {
		t.Fatal(err)
	}
	if rows, cols := Size(slave); rows != 12 || cols != 34 {
		t.Errorf("Size = %d, %d", rows, cols)
	}
	before, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	state, err := MakeRaw(slave)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err != nil || raw.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || raw.Oflag != before.Oflag {
		t.Errorf("raw: %+v (%v)", raw, err)
	}
	for range 2 {
		if err := state.Restore(); err != nil {
			t.Fatal(err)
		}
		if now, err := unix.IoctlGetTermios(slave, unix.TCGETS); err != nil || *now != *before {
			t.Errorf("restored: %+v, want %+v (%v)", now, before, err)
		}
	}
	if err := state.Raw(); err != nil {
		t.Error(err)
	}
	if now, err := unix.IoctlGetTermios(slave, unix.TCGETS); err != nil || *now != *raw {
		t.Errorf("raw again: %+v, want %+v (%v)", now, raw, err)
	}
}

func TestNoTerminal(t *testing.T) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := MakeRaw(int(f.Fd())); err == nil {
		t.Error("/dev/null was made raw")
	}
	if rows, cols := Size(int(f.Fd())); rows != 24 || cols != 80 || IsTerminal(int(f.Fd())) {
		t.Errorf("Size = %d, %d", rows, cols)
	}
}

// What is shared stays blocking, whatever it is.
func TestReopenNonblock(t *testing.T) {
	_, slave := openPty(t)
	r, w, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := unix.Open(filepath.Join(t.TempDir(), "f"), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{r, w, pair[0], pair[1], file} {
		defer Close(fd)
	}
	for _, test := range []struct {
		name  string
		fd    int
		write bool
		own   bool
	}{
		{"terminal", slave, false, true},
		{"write end of a pipe", w, true, true},
		{"socket", pair[0], false, false},
		{"regular file", file, true, false},
	} {
		checkReopened(t, test.name, test.fd, test.write, test.own)
	}
	if _, _, err := ReopenNonblock(9999, false); err == nil {
		t.Error("a closed descriptor was opened again")
	}
}

func checkReopened(t *testing.T, name string, shared int, write, wantOwn bool) {
	t.Helper()
	before, _ := unix.FcntlInt(uintptr(shared), unix.F_GETFL, 0)
	fd, own, err := ReopenNonblock(shared, write)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer Close(fd)
	flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	after, _ := unix.FcntlInt(uintptr(shared), unix.F_GETFL, 0)
	if own != wantOwn || own != (flags&unix.O_NONBLOCK != 0) || before != after || fd <= 2 {
		t.Errorf("%s: own %v, flags %#x, shared %#x -> %#x", name, own, flags, before, after)
	}
}
