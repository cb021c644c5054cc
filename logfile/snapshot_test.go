package logfile

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is added and not saved would be lost at the next upgrade.
func TestEverythingIsSaved(t *testing.T) {
	not := map[string]string{
		"Book.Fault": "set anew", "Book.Healed": "set anew", "Book.Compress": "set anew", "Book.waits": "as WaitAt of each",
		"Book.scratch": "empty between writes", "Book.spare": "a buffer", "Book.stamped": "a cache", "Book.stamp": "a cache",
		"File.book": "ours", "File.streams": "counted anew", "File.wait": "as WaitAt", "File.healed": "of a write",
		"Stream.book": "ours", "Stream.dst": "given", "Stream.time": "in Options", "Stream.prefix": "in Options", "Stream.endLine": "as Terminate",
		"Stream.wait": "as WaitAt", "Ring.buf": "as Kept",
		"Console.fd": "opened anew", "Console.owned": "found out anew", "Console.kind": "found out anew",
	}
	for _, c := range []struct{ live, saved reflect.Type }{
		{reflect.TypeFor[Book](), reflect.TypeFor[SavedBook]()},
		{reflect.TypeFor[File](), reflect.TypeFor[SavedFile]()},
		{reflect.TypeFor[job](), reflect.TypeFor[SavedJob]()},
		{reflect.TypeFor[Stream](), reflect.TypeFor[SavedStream]()},
		{reflect.TypeFor[Ring](), reflect.TypeFor[SavedRing]()},
		{reflect.TypeFor[Console](), reflect.TypeFor[SavedConsole]()},
	} {
		for i := range c.live.NumField() {
			name := c.live.Field(i).Name
			_, listed := not[c.live.Name()+"."+name]
			_, is := c.saved.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
			if is == listed {
				t.Errorf("%s.%s: saved %t, listed as not saved %t", c.live.Name(), name, is, listed)
			}
		}
	}
}

func TestRingGoesOn(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 20, 24} {
		r, same := NewRing(8), NewRing(8)
		for i := range n {
			b := []byte{byte('a' + i)}
			r.Write(b)
			same.Write(b)
		}
		r = RestoreRing(r.Save())
		for i := range 12 {
			if string(r.Bytes()) != string(same.Bytes()) || r.Total() != same.Total() || r.Cut() != same.Cut() {
				t.Errorf("after %d and %d bytes: %q of %d, want %q of %d", n, i, r.Bytes(), r.Total(), same.Bytes(), same.Total())
			}
			r.Write([]byte{byte('A' + i)})
			same.Write([]byte{byte('A' + i)})
		}
	}
}

// A part of a line that is held is written when it would have been.
func TestStreamGoesOn(t *testing.T) {
	now := time.Unix(1000, 0)
	path := t.TempDir() + "/log"
	open := func(b *Book) (*File, *Stream) {
		f, err := b.Open(Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return f, f.Stream(Options{Prefix: "> "})
	}
	before := NewBook()
	f, s := open(before)
	s.Write([]byte("one\ntw"), now)
	after := NewBook()
	after.Restore(before.Save())
	g := after.File(f.Key())
	if g == nil {
		t.Fatal("the file is lost")
	}
	again := g.Stream(Options{})
	again.Restore(s.Save())
	if at := after.Deadline(); !at.Equal(now.Add(patience)) {
		t.Errorf("deadline %v, want %v", at, now.Add(patience))
	}
	again.Write([]byte("o\nthree"), now)
	after.Tick(now.Add(2 * patience))
	if got, err := TailFile(path, 10, 1000); err != nil || string(got) != "> one\n> two\n> three" {
		t.Errorf("%q %v", got, err)
	}
	g.Close()
}
