package sys

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// record is a struct inotify_event whose name takes room bytes.
func record(watch int32, mask uint32, name string, room int) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(watch))
	b = binary.NativeEndian.AppendUint32(b, mask)
	b = binary.NativeEndian.AppendUint32(b, 77) // cookie
	b = binary.NativeEndian.AppendUint32(b, uint32(room))
	return append(b, append([]byte(name), make([]byte, max(room-len(name), 0))...)[:room]...)
}

func TestParseChanges(t *testing.T) {
	one := record(1, unix.IN_CLOSE_WRITE, "x", 16)
	full := record(3, unix.IN_CREATE, "0123456789abcdef", 16) // no NUL byte after it
	overflow := record(-1, unix.IN_Q_OVERFLOW, "", 0)
	huge := record(1, 1, "", 0)
	binary.NativeEndian.PutUint32(huge[12:], 1<<32-1)
	for _, c := range []struct {
		name string
		in   []byte
		want []Change
	}{
		{"nothing", nil, nil},
		{"one", one, []Change{{1, unix.IN_CLOSE_WRITE, "x"}}},
		{"several", slices.Concat(one, full, overflow), []Change{{1, unix.IN_CLOSE_WRITE, "x"}, {3, unix.IN_CREATE, "0123456789abcdef"}, {-1, unix.IN_Q_OVERFLOW, ""}}},
		{"cut off in the name", slices.Concat(one, full[:20]), []Change{{1, unix.IN_CLOSE_WRITE, "x"}}},
		{"cut off before it", slices.Concat(one, full[:15]), []Change{{1, unix.IN_CLOSE_WRITE, "x"}}},
		{"a length of 4 GiB", huge, nil},
	} {
		var got []Change
		parseChanges(c.in, func(ch Change) { got = append(got, ch) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestInotify(t *testing.T) {
	n, err := OpenInotify()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	watch, err := n.Watch(dir, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := n.Watch(dir+"/.", unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO); again != watch || err != nil {
		t.Errorf("watched as %d, then as %d (%v)", watch, again, err)
	}
	var got []Change
	take := func(c Change) { got = append(got, c) }
	if err := n.Read(take); err != nil || len(got) != 0 {
		t.Errorf("before anything has happened: %v (%v)", got, err)
	}
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Rename(file, file+"2")); err != nil {
		t.Fatal(err)
	}
	if !await(n.Fd()) {
		t.Fatal("not readable")
	}
	n.Forget(watch)
	if err := n.Read(take); err != nil {
		t.Fatal(err)
	}
	if want := []Change{{watch, unix.IN_CLOSE_WRITE, "x"}, {watch, unix.IN_MOVED_TO, "x2"}, {watch, unix.IN_IGNORED, ""}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, path := range []string{filepath.Join(dir, "none"), file + "2"} {
		if _, err := n.Watch(path, unix.IN_CREATE); err == nil {
			t.Errorf("%s was watched", path)
		}
	}
}

func TestEntries(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.MkdirAll(at("releases/5/etc"), 0o755), os.WriteFile(at("releases/5/app"), nil, 0o755),
		os.Symlink("releases/5/", at("current")), os.Symlink(at("current")+"/../5/app", at("absolute")),
		os.Symlink("loop", at("loop")), os.Symlink("none/x", at("dangling")),
	); err != nil {
		t.Fatal(err)
	}
	releases, five := at("releases"), at("releases/5")
	for _, c := range []struct {
		path    string
		entries []Entry
		file    string
		isDir   bool
		err     error
	}{
		{"releases/5/app", []Entry{{five, "app"}}, five + "/app", false, nil},
		{"current/app", []Entry{{dir, "current"}, {five, "app"}}, five + "/app", false, nil},
		{"current", []Entry{{dir, "current"}, {releases, "5"}}, five, true, nil},
		{"absolute", []Entry{{dir, "absolute"}, {dir, "current"}, {five, "app"}}, five + "/app", false, nil},
		{"releases/6/app", []Entry{{releases, "6"}}, at("releases/6"), false, unix.ENOENT},
		{"current/none", []Entry{{dir, "current"}, {five, "none"}}, five + "/none", false, unix.ENOENT},
		{"dangling", []Entry{{dir, "dangling"}, {dir, "none"}}, at("none"), false, unix.ENOENT},
		{"current/app/x", []Entry{{dir, "current"}, {five + "/app", "x"}}, five + "/app/x", false, unix.ENOTDIR},
	} {
		entries, file, isDir, err := Entries(at(c.path))
		if !slices.Equal(entries, c.entries) || file != c.file || isDir != c.isDir || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %s, %t, %v", c.path, entries, file, isDir, err)
		}
	}
	if _, _, _, err := Entries(at("loop")); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
	if entries, file, isDir, err := Entries("/"); len(entries) != 0 || file != "/" || !isDir || err != nil {
		t.Errorf("/: %v, %s, %t, %v", entries, file, isDir, err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	file, link, twin := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "twin")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	if !BeingWritten(file) || BeingWritten(link) || BeingWritten(dir) || BeingWritten(twin) {
		t.Error("BeingWritten is wrong")
	}
	if err := os.Link(file, twin); err != nil {
		t.Fatal(err)
	}
	if BeingWritten(file) || !SameFile(file, twin) || !SameFile(file, link) || SameFile(file, dir) || SameFile(file, file+"x") {
		t.Error("a second name changes nothing")
	}
	if !Exists(link) || Exists(file+"x") {
		t.Error("Exists is wrong")
	}
}
