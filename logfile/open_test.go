package logfile

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenRefuses(t *testing.T) {
	d := newDesk(t)
	d.do(os.Mkdir(d.path("dir"), 0o755))
	d.do(unix.Mkfifo(d.path("fifo"), 0o600))
	d.do(unix.Mknod(d.path("socket"), unix.S_IFSOCK|0o600, 0))
	d.do(os.WriteFile(d.path("file"), nil, 0o600))
	d.do(os.Symlink("loop", d.path("loop")))
	reader, err := unix.Open(d.path("fifo"), unix.O_RDONLY|unix.O_NONBLOCK, 0)
	d.do(err)
	for range 2 { // with and without a reader
		for name, want := range map[string]string{
			"dir": "is a directory", "fifo": "is a FIFO", "socket": "is a socket", "nodir/a.log": "no such file or directory",
			"file/a.log": "not a directory", "loop": "too many levels of symbolic links", "dir/..": "is a directory", strings.Repeat("n", 300): "file name too long",
		} {
			_, err := d.Open(Options{Path: d.path(name)})
			if want := "open " + d.path(name) + ": " + want; err == nil || err.Error() != want {
				t.Errorf("%v, not %s", err, want)
			}
			if _, err := TailFile(d.path(name), 1, 10); err == nil {
				t.Errorf("tail of %s", name)
			}
		}
		if reader >= 0 {
			d.do(unix.Close(reader))
			reader = -1
		}
	}
	if len(d.files) != 0 {
		t.Errorf("%d files are left", len(d.files))
	}
}

func TestModes(t *testing.T) {
	d := newDesk(t)
	d.do(os.WriteFile(d.path("old"), []byte("x\n"), 0o600))
	d.do(os.Chmod(d.path("old"), 0o604))
	for _, umask := range []int{0, 0o22, 0o777} {
		before := unix.Umask(umask)
		for name, mode := range map[string]uint32{"default": 0, "own": 0o600, "world": 0o666, "odd": 0o7777, "old": 0o640} {
			_, s := d.open(Options{Path: name, Mode: mode, MaxBytes: 10, Backups: 1})
			d.write(s, "0123456\n")
			d.write(s, "rotated\n")
		}
		unix.Umask(before)
		for name, want := range map[string]os.FileMode{"default": 0o640, "own": 0o600, "world": 0o664, "odd": 0o775, "old": 0o640, "default.1": 0o640} {
			st, err := os.Stat(d.path(name))
			d.do(err)
			if st.Mode().Perm() != want {
				t.Errorf("umask %o: %s has mode %o, not %o", umask, name, st.Mode().Perm(), want)
			}
		}
	}
}

func TestExistingFileKeepsItsMode(t *testing.T) {
	d := newDesk(t)
	d.do(os.WriteFile(d.path("old"), []byte("x\n"), 0o600))
	d.do(os.Chmod(d.path("old"), 0o604))
	d.open(Options{Path: "old"})
	if st, err := os.Stat(d.path("old")); err != nil || st.Mode().Perm() != 0o604 {
		t.Fatal(st, err)
	}
}

func TestOwnLinksAreFollowed(t *testing.T) {
	d := newDesk(t)
	d.do(os.MkdirAll(d.path("real/deep"), 0o755))
	d.do(os.Symlink("real/deep", d.path("dir")))
	d.do(os.Symlink("dir/../x.log", d.path("x"))) // physically: real/x.log
	d.do(os.Symlink(d.path("dir")+"/abs.log", d.path("abs")))
	for name, real := range map[string]string{"x": "real/x.log", "abs": "real/deep/abs.log", "dir/y": "real/deep/y"} {
		f, s := d.open(Options{Path: name, MaxBytes: 100, Backups: 1})
		d.write(s, "one\n")
		d.do(f.Rotate(d.now))
		d.write(s, "two\n")
		d.want(real, "two\n")
		d.want(real+".1", "one\n") // beside the file, not beside the link
		if b, err := TailFile(d.path(name), 2, 100); err != nil || string(b) != "one\ntwo\n" {
			t.Errorf("tail of %s: %q, %v", name, b, err)
		}
	}
}

func TestLinksOfOthersAreNot(t *testing.T) {
	needRoot(t)
	d := newDesk(t)
	d.do(os.Mkdir(d.path("dir"), 0o755))
	d.do(os.WriteFile(d.path("secret"), nil, 0o600))
	for link, target := range map[string]string{"evil": "secret", "hole": "missing", "evildir": "dir"} {
		d.do(os.Symlink(target, d.path(link)))
		d.do(os.Lchown(d.path(link), 12345, 12345))
	}
	d.do(os.Symlink("evil", d.path("ours")))
	for _, name := range []string{"evil", "hole", "evildir/a", "ours"} {
		if _, err := d.Open(Options{Path: d.path(name)}); err == nil || !strings.Contains(err.Error(), "symbolic link of user 12345") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(d.path("missing")); err == nil {
		t.Error("a file was created through the link")
	}
}

func TestLinkPutInPlaceOfAnOpenFile(t *testing.T) {
	needRoot(t)
	d := newDesk(t)
	d.do(os.WriteFile(d.path("secret"), nil, 0o600))
	_, s := d.open(Options{Path: "a"})
	d.write(s, "one\n")
	d.do(os.Rename(d.path("a"), d.path("b")))
	d.do(os.Symlink("secret", d.path("a")))
	d.do(os.Lchown(d.path("a"), 12345, 12345))
	d.Reopen(d.now)
	d.pass(checkEvery)
	d.write(s, "two\n")
	d.want("secret", "")
	d.want("b", "one\ntwo\n")
	if len(d.faults) != 1 {
		t.Errorf("said %v", d.faults)
	}
}

func TestDevicesAreTakenAsTheyAre(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "/dev/null", MaxBytes: 10, Backups: 3})
	for range 100 {
		d.write(s, "0123456789\n")
		d.pass(checkEvery)
	}
	d.do(f.Rotate(d.now))
	d.Reopen(d.now)
	if len(d.faults) != 0 || f.Dropped() != 0 {
		t.Fatalf("said %v", d.faults)
	}
	if _, err := os.Lstat("/dev/null.1"); err == nil {
		t.Fatal("it was rotated")
	}
}

// TestOwnStderr: /dev/stderr may be a pipe (a container), and a full one is no block.
func TestOwnStderr(t *testing.T) {
	d := newDesk(t)
	var p [2]int
	d.do(unix.Pipe2(p[:], unix.O_CLOEXEC))
	saved, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	d.do(err)
	d.do(unix.Dup2(p[1], 2))
	f, openErr := d.Open(Options{Path: "/dev/stderr", MaxBytes: 10, Backups: 1})
	flags, _ := unix.FcntlInt(uintptr(p[1]), unix.F_GETFL, 0)
	d.do(unix.Dup2(saved, 2))
	d.do(openErr)
	if flags&unix.O_NONBLOCK != 0 {
		t.Error("the pipe of our parent was made non-blocking")
	}
	s := f.Stream(Options{})
	for range 100 {
		s.Write(lines(100, 100), d.now)
	}
	if f.Dropped() == 0 || len(d.faults) != 1 {
		t.Errorf("dropped %d, said %v", f.Dropped(), d.faults)
	}
	f.Close()
	for _, fd := range []int{p[0], p[1], saved} {
		d.do(unix.Close(fd))
	}
}

func TestNoDescriptorIsLeft(t *testing.T) {
	d := newDesk(t)
	count := func() int {
		e, err := os.ReadDir("/proc/self/fd")
		d.do(err)
		return len(e)
	}
	d.do(os.Symlink("a", d.path("link")))
	before := count()
	for range 10 {
		o := Options{Path: d.path("link"), MaxBytes: 50, Backups: 2, Compress: true}
		f, err := d.Open(o)
		d.do(err)
		s := f.Stream(o)
		for range 20 {
			d.write(s, "0123456789\n")
			d.gzipJobs()
		}
		d.do(os.Remove(d.path("a")))
		d.Reopen(d.now)
		s.End(d.now)
		f.Close()
		if _, err := d.Open(Options{Path: d.path("none/x")}); err == nil {
			t.Fatal("opened")
		}
		if _, err := TailFile(d.path("link"), 10, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(); after != before {
		t.Fatalf("%d descriptors, before %d", after, before)
	}
}
