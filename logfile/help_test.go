package logfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fault is one call of a hook.
type fault struct {
	path    string
	err     error // nil for Healed
	dropped int64
}

// desk is a book with hooks that write everything down, a clock and a directory.
type desk struct {
	*Book
	t      *testing.T
	now    time.Time
	dir    string
	faults []fault
	jobs   []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Book: NewBook(), t: t, now: time.Now(), dir: t.TempDir()}
	d.Fault = func(path string, err error, dropped int64) { d.faults = append(d.faults, fault{path, err, dropped}) }
	d.Healed = func(path string, dropped int64) { d.faults = append(d.faults, fault{path, nil, dropped}) }
	d.Book.Compress = func(path string) { d.jobs = append(d.jobs, path) }
	return d
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

// open opens a file in the directory and a stream into it.
func (d *desk) open(o Options) (*File, *Stream) {
	d.t.Helper()
	if !filepath.IsAbs(o.Path) {
		o.Path = d.path(o.Path)
	}
	f, err := d.Open(o)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(f.Close)
	return f, f.Stream(o)
}

func (d *desk) pass(t time.Duration) { d.now = d.now.Add(t) }

func (d *desk) write(s *Stream, text string) { s.Write([]byte(text), d.now) }

func (d *desk) read(name string) string {
	d.t.Helper()
	b, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

func (d *desk) want(name, text string) {
	d.t.Helper()
	if got := d.read(name); got != text {
		d.t.Fatalf("%s holds %q, not %q", name, short(got), short(text))
	}
}

func short(s string) string {
	if len(s) > 200 {
		return s[:100] + "…" + s[len(s)-100:]
	}
	return s
}

// names are the files in the directory.
func (d *desk) names() []string {
	d.t.Helper()
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func (d *desk) do(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// smallDisk mounts a tmpfs of so many bytes.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func lines(n, width int) []byte {
	return bytes.Repeat(append(bytes.Repeat([]byte{'x'}, width-1), '\n'), n)
}
