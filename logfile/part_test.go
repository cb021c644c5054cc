package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPart(t *testing.T) {
	const text = "0123456789"
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, last := NewRing(100), NewRing(6)
	whole.Write([]byte(text))
	last.Write([]byte(text))
	for _, c := range []struct {
		offset, length, most int64
		want, ofLast         string
	}{
		{0, 0, 100, text, "456789"},
		{0, 3, 100, "012", "456"},
		{3, 4, 100, "3456", "4567"},
		{5, 1, 100, "5", "5"},
		{-4, 0, 100, "6789", "6789"},
		{-4, 2, 100, "67", "67"},
		{-99, 0, 100, text, "456789"},
		{10, 0, 100, "", ""},
		{99, 5, 100, "", ""},
		{0, 0, 2, "01", "45"},
		{1 << 62, 1 << 62, 1 << 62, "", ""},
		{-1 << 63, 1<<63 - 1, 1 << 20, text, "456789"},
	} {
		f, err := PartOfFile(path, c.offset, c.length, c.most)
		if err != nil || string(f.Data) != c.want || f.Size != 10 {
			t.Errorf("file %+v: %q at %d of %d, %v", c, f.Data, f.Offset, f.Size, err)
		}
		if p := whole.Part(c.offset, c.length, c.most); string(p.Data) != c.want || p.Size != 10 || p.Offset != f.Offset {
			t.Errorf("whole %+v: %q at %d of %d", c, p.Data, p.Offset, p.Size)
		}
		if p := last.Part(c.offset, c.length, c.most); string(p.Data) != c.ofLast || p.Size != 10 || !strings.HasPrefix(text[p.Offset:], c.ofLast) {
			t.Errorf("last %+v: %q at %d of %d", c, p.Data, p.Offset, p.Size)
		}
	}
	if _, err := PartOfFile(path+".gone", 0, 0, 1); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestClear(t *testing.T) {
	r := NewRing(6)
	r.Write([]byte("0123456789"))
	r.Clear()
	r.Write([]byte("ab"))
	if p := r.Part(0, 0, 9); string(p.Data) != "ab" || p.Size != 2 || r.Cut() {
		t.Errorf("%q of %d", p.Data, p.Size)
	}
	path := filepath.Join(t.TempDir(), "log")
	if err := ClearFile(path); err != nil {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it made a file")
	}
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ClearFile(path); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() != 0 {
		t.Errorf("%v, %v", st.Size(), err)
	}
}
