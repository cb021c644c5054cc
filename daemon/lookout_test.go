package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"taskmaster/config"
	"taskmaster/process"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// noticed is what is told of a directory, of which one entry is looked at, or
// all ("").
var noticed = []struct {
	entry string
	mask  uint32
	name  string
	what  string // "" is no change
}{
	{"app", unix.IN_CLOSE_WRITE, "app", "/conf/app changed"},
	{"app", unix.IN_MOVED_TO, "app", "/conf/app changed"},
	{"app", unix.IN_DELETE, "app", "/conf/app changed"},
	{"app", unix.IN_CLOSE_WRITE, "apple", ""},
	{"app", unix.IN_CREATE, "app", ""}, // its end will be told
	{"app", unix.IN_CREATE | unix.IN_ISDIR, "app2", ""},
	{"app", unix.IN_ATTRIB, "app", "/conf/app changed"}, // of a program that does not run
	{"app", unix.IN_ATTRIB, "", ""},
	{"app", unix.IN_MOVE_SELF, "", "/conf/app changed"},
	{"app", unix.IN_IGNORED, "", "/conf/app changed"},
	{"app", unix.IN_Q_OVERFLOW, "", "more has changed than the kernel could tell"},
	{"", unix.IN_CLOSE_WRITE, "app", "/conf/app changed"},
	{"", unix.IN_CLOSE_WRITE, "a\nb", `/conf/a\nb changed`},
	{"", unix.IN_DELETE, "gone", "/conf/gone changed"},
	{"", unix.IN_CREATE | unix.IN_ISDIR, "sub", "/conf/sub changed"},
	{"", unix.IN_CREATE, "app", ""},
	{"", unix.IN_ATTRIB, "app", ""},
	{"", unix.IN_ATTRIB, "", ""},
	{"", unix.IN_CLOSE_WRITE, ".app.swp", ""},
	{"", unix.IN_CLOSE_WRITE, "app~", ""},
	{"", unix.IN_CLOSE_WRITE, "web.log", ""},
	{"", unix.IN_MOVED_TO, "web.log.1", ""},
	{"", unix.IN_CLOSE_WRITE, "web.logs", "/conf/web.logs changed"},
	{"", unix.IN_CLOSE_WRITE, "tm.log.2.gz", ""},
}

// What is told of a directory, and what of it is a change.
func TestNotice(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"app", "web.log", "web.log.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range noticed {
		i := &process.Instance{Name: "web"}
		o := &lookout{on: i, spots: []spot{{dir: 1, at: dir, name: c.entry, path: filepath.Join("/conf", c.entry)}}}
		d := &Daemon{
			now: time.Unix(1000, 0), cfg: &config.Config{Daemon: config.Daemon{Log: filepath.Join(dir, "tm.log")}},
			children: map[*process.Instance]*child{i: {out: stream{path: filepath.Join(dir, "web.log")}}},
		}
		w := &lookouts{dirs: map[int32][]*lookout{1: {o}}, of: map[*process.Instance]*lookout{i: o}}
		ch := sys.Change{Watch: 1, Mask: c.mask, Name: c.name}
		if c.mask == unix.IN_Q_OVERFLOW {
			ch.Watch = -1
		}
		d.notice(w, ch)
		if o.what != c.what || o.due.IsZero() != (c.what == "") {
			t.Errorf("%#x of %q: %q, want %q", c.mask, c.name, o.what, c.what)
		}
		if ended := c.mask&unix.IN_IGNORED != 0; ended != (len(o.spots) == 0) || ended != (len(w.dirs) == 0) {
			t.Errorf("%#x of %q: left are %v and %v", c.mask, c.name, o.spots, w.dirs)
		}
	}
}

// Each change puts the restart off, what comes counts for more than what goes,
// and a launch makes all of it moot.
func TestCalm(t *testing.T) {
	start := time.Unix(1000, 0)
	o := &lookout{on: &process.Instance{}}
	d, w := &Daemon{now: start}, &lookouts{}
	if at := w.deadline(); !at.IsZero() {
		t.Errorf("a deadline without a change: %v", at)
	}
	d.touched(w, o, &spot{name: "b", path: "/b"}, sys.Change{Mask: unix.IN_CLOSE_WRITE})
	d.now = start.Add(900 * time.Millisecond)
	d.touched(w, o, &spot{name: "a", path: "/a"}, sys.Change{Mask: unix.IN_DELETE})
	if at := w.deadline(); !at.Equal(d.now.Add(calm)) || o.path != "/b" || o.what != "/b changed" || len(w.changed) != 1 {
		t.Errorf("due %v, %+v", at, o)
	}
	w.calm(o)
	if at := w.deadline(); !at.IsZero() || len(w.changed) != 0 {
		t.Errorf("due %v after it was launched", at)
	}
	if at := (*lookouts)(nil).deadline(); !at.IsZero() {
		t.Errorf("a deadline without watches: %v", at)
	}
}
