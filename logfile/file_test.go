package logfile

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWriteIsByteExact(t *testing.T) {
	d := newDesk(t)
	d.do(os.WriteFile(d.path("a"), []byte("before\n"), 0o640))
	_, s := d.open(Options{Path: "a"})
	want := "before\n"
	for _, p := range []string{"one", "\x00\xff\n", "", "\n\n", "no end"} {
		d.write(s, p)
		want += p
		d.want("a", want) // at once
	}
	s.End(d.now)
	d.want("a", want)
	d.write(s, "next launch\n")
	d.want("a", want+"next launch\n")
}

func TestFullDeviceIsSaidOnce(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "/dev/full", MaxBytes: 10, Backups: 1})
	for range 1000 {
		d.write(s, "0123456789")
		d.pass(time.Millisecond)
	}
	if len(d.faults) != 1 || !errors.Is(d.faults[0].err, unix.ENOSPC) || !strings.Contains(d.faults[0].err.Error(), "/dev/full") {
		t.Fatalf("said %v", d.faults)
	}
	if f.Dropped() != 10000 || !errors.Is(f.Trouble(), unix.ENOSPC) {
		t.Fatalf("%d bytes dropped, trouble %v", f.Dropped(), f.Trouble())
	}
	d.do(f.Rotate(d.now))
	d.do(f.Reopen(d.now))
}

func TestFullDiskHealsByItself(t *testing.T) {
	d := newDesk(t)
	d.dir = smallDisk(t, "size=64k")
	f, s := d.open(Options{Path: "a"})
	block := strings.Repeat("y", 9999) + "\n"
	for range 10 {
		d.write(s, block)
	}
	size := len(d.read("a"))
	if size > 64<<10 || int64(size)+f.Dropped() != 100000 || len(d.faults) != 1 {
		t.Fatalf("%d bytes written, %d dropped, said %v", size, f.Dropped(), d.faults)
	}
	d.do(os.Truncate(d.path("a"), 0))
	d.write(s, "at once\n")
	if d.want("a", "at once\n"); len(d.faults) != 1 || f.Trouble() == nil {
		t.Fatalf("called over too early: %v, trouble %v", d.faults, f.Trouble())
	}
	d.pass(calm)
	d.write(s, "again\n")
	d.want("a", "at once\nagain\n")
	lost := f.Dropped()
	if len(d.faults) != 2 || d.faults[1].err != nil || d.faults[1].dropped != lost || f.Trouble() != nil {
		t.Fatalf("said %v, dropped %d", d.faults, lost)
	}
	d.pass(checkEvery)
	d.write(s, strings.Repeat(block, 10))
	d.pass(calm)
	if len(d.faults) != 3 || d.faults[2].dropped != f.Dropped()-lost {
		t.Fatalf("the second trouble: %v", d.faults[2:])
	}
}

// TestFileSizeLimit: EFBIG is trouble as any other. The Go runtime takes SIGXFSZ
// and lets it pass. The limit is that of the whole test process for a moment.
func TestFileSizeLimit(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	var before unix.Rlimit
	d.do(unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	d.do(unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1000, Max: before.Max}))
	d.write(s, strings.Repeat("x", 1500))
	d.do(unix.Setrlimit(unix.RLIMIT_FSIZE, &before))
	d.want("a", strings.Repeat("x", 1000))
	if len(d.faults) != 1 || !errors.Is(d.faults[0].err, unix.EFBIG) || d.faults[0].dropped != 500 {
		t.Fatalf("said %v", d.faults)
	}
}

func TestHookMayWriteIntoTheFile(t *testing.T) {
	d := newDesk(t)
	d.dir = smallDisk(t, "size=64k")
	_, s := d.open(Options{Path: "a"})
	d.Fault = func(string, error, int64) { d.write(s, "fault\n") }
	d.Healed = func(string, int64) { d.write(s, "healed\n") }
	d.write(s, strings.Repeat("z", 100000))
	d.do(os.Truncate(d.path("a"), 0))
	d.pass(calm)
	d.write(s, "again\n")
	d.want("a", "again\nhealed\n")
}

func TestReopenAfterRename(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	d.write(s, "one\n")
	d.do(os.Rename(d.path("a"), d.path("b")))
	d.write(s, "two\n")
	d.Reopen(d.now)
	d.write(s, "three\n")
	d.want("b", "one\ntwo\n")
	d.want("a", "three\n")
}

func TestReopenWaitsForTheLineEnd(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	d.write(s, "one\ntw")
	d.do(os.Rename(d.path("a"), d.path("b")))
	d.Reopen(d.now)
	d.write(s, "o")
	d.write(s, "o\nthree\n")
	d.want("b", "one\ntwoo\n")
	d.want("a", "three\n")
	if !d.Deadline().IsZero() {
		t.Fatal("a deadline is left")
	}
}

func TestReopenWaitsForASecondOnly(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	d.write(s, "half")
	d.do(os.Rename(d.path("a"), d.path("b")))
	d.Reopen(d.now)
	if got := d.Deadline(); !got.Equal(d.now.Add(patience)) {
		t.Fatalf("deadline %v", got)
	}
	d.pass(patience)
	d.Tick(d.now)
	d.want("a", "")
	d.write(s, " line\n")
	d.want("a", " line\n")
}

func TestMovedOrDeletedIsNoticed(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	d.write(s, "one\n")
	d.do(os.Remove(d.path("a")))
	d.pass(checkEvery)
	d.write(s, "two\n")
	d.want("a", "two\n")
	d.do(os.Rename(d.path("a"), d.path("b")))
	d.write(s, "three\n")
	d.pass(checkEvery)
	d.write(s, "four\n")
	d.want("b", "two\nthree\n")
	d.want("a", "four\n")
	if len(d.faults) != 0 {
		t.Fatalf("said %v", d.faults)
	}
}

func TestCopyTruncateLeavesNoHole(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 1})
	d.write(s, string(lines(9, 10)))
	d.do(os.Truncate(d.path("a"), 0))
	d.pass(checkEvery)
	d.write(s, string(lines(9, 10)))
	d.want("a", string(lines(9, 10)))
	if n := d.names(); len(n) != 1 {
		t.Fatalf("rotated by a size that is no more: %v", n)
	}
}

func TestDirectoryGone(t *testing.T) {
	d := newDesk(t)
	d.do(os.Mkdir(d.path("logs"), 0o755))
	f, s := d.open(Options{Path: "logs/a"})
	d.write(s, "one\n")
	d.do(os.RemoveAll(d.path("logs")))
	for range 5 {
		d.pass(checkEvery)
		d.write(s, "lost\n")
	}
	if len(d.faults) != 1 || !errors.Is(d.faults[0].err, unix.ENOENT) || f.Dropped() != 25 {
		t.Fatalf("said %v, dropped %d", d.faults, f.Dropped())
	}
	d.do(os.Mkdir(d.path("logs"), 0o755))
	d.pass(checkEvery)
	d.write(s, "back\n")
	d.want("logs/a", "back\n")
	if len(d.faults) != 2 || d.faults[1].err != nil || d.faults[1].dropped != 25 {
		t.Fatalf("said %v", d.faults)
	}
}

func TestDirectoryMovedKeepsTheOldFile(t *testing.T) {
	d := newDesk(t)
	d.do(os.Mkdir(d.path("logs"), 0o755))
	f, s := d.open(Options{Path: "logs/a"})
	d.do(os.Rename(d.path("logs"), d.path("old")))
	for range 3 {
		d.pass(checkEvery)
		d.write(s, "kept\n")
	}
	d.want("old/a", "kept\nkept\nkept\n")
	if f.Dropped() != 0 || len(d.faults) != 1 {
		t.Fatalf("said %v, dropped %d", d.faults, f.Dropped())
	}
	d.do(os.Mkdir(d.path("logs"), 0o755))
	d.Reopen(d.now)
	d.write(s, "new\n")
	d.want("logs/a", "new\n")
	if len(d.faults) != 2 || f.Trouble() != nil {
		t.Fatalf("said %v", d.faults)
	}
}

func TestFastPathAllocatesNothing(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "/dev/null"})
	f, r := d.open(Options{Path: "a", MaxBytes: 1 << 40, Backups: 1})
	p := lines(600, 100)
	for name, s := range map[string]*Stream{"device": s, "rotating file": r} {
		if n := testing.AllocsPerRun(50, func() { s.Write(p, d.now) }); n != 0 {
			t.Errorf("%s: %v allocations a write", name, n)
		}
	}
	_, stamped := d.open(Options{Path: "/dev/null", Timestamp: true, Prefix: "[web] "})
	if n := testing.AllocsPerRun(50, func() { stamped.Write(p, d.now) }); n != 0 {
		t.Errorf("with time and prefix: %v allocations a write", n)
	}
	if f.size == 0 {
		t.Fatal("nothing was written")
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name string
		o    Options
		n    int
	}{
		{"null_64KiB", Options{Path: "/dev/null"}, 655},
		{"null_line", Options{Path: "/dev/null"}, 1},
		{"null_64KiB_stamped", Options{Path: "/dev/null", Timestamp: true}, 655},
		{"file_64KiB_rotating", Options{Path: b.TempDir() + "/a", MaxBytes: 10 << 20, Backups: 1}, 655},
	} {
		b.Run(c.name, func(b *testing.B) {
			f, err := NewBook().Open(c.o)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			s, p, now := f.Stream(c.o), lines(c.n, 100), time.Now()
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				s.Write(p, now)
			}
		})
	}
}
