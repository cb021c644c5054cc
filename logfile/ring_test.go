package logfile

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRingKeepsTheLastBytes(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		size := 1 + r.IntN(2000)
		ring := NewRing(size)
		var all []byte
		for range r.IntN(40) {
			p := make([]byte, r.IntN(1+r.IntN(2*size)))
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			ring.Write(p)
			all = append(all, p...)
			if want := all[max(0, len(all)-size):]; !bytes.Equal(ring.Bytes(), want) || ring.Total() != int64(len(all)) {
				t.Fatalf("seed %d: %d bytes of %d kept, total %d of %d", seed, len(ring.Bytes()), len(want), ring.Total(), len(all))
			}
		}
	}
}

func TestRingGrowsAsNeeded(t *testing.T) {
	r := NewRing(0)
	if r.Write(nil); cap(r.buf) != 0 {
		t.Fatal("memory before the first byte")
	}
	if r.Write([]byte("hello\n")); cap(r.buf) != ringStart {
		t.Fatalf("%d bytes for six", cap(r.buf))
	}
	for range 100 {
		r.Write(lines(100, 100))
	}
	if cap(r.buf) != RingSize {
		t.Fatalf("%d bytes when full", cap(r.buf))
	}
	p := lines(100, 100)
	if n := testing.AllocsPerRun(20, func() { r.Write(p) }); n != 0 {
		t.Fatalf("%v allocations a write", n)
	}
}

func TestLastLines(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 3, ""},
		{"a\nb\nc\n", 0, ""},
		{"a\nb\nc\n", -1, ""},
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc\n", 2, "b\nc\n"},
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\n", 9, "a\nb\nc\n"},
		{"a\nb\nc", 1, "c"},
		{"a\nb\nc", 2, "b\nc"},
		{"a\n\n\n", 2, "\n\n"},
		{"\n", 1, "\n"},
		{"\n\n", 1, "\n"},
		{"one line", 1, "one line"},
		{"\x82\xad字\nb\n", 2, "字\nb\n"},                 // cut within a character
		{"\x82\xad字\nb\n", 1, "b\n"},                    // and not shown
		{"\x80\x80\x80\x80\n", 1, "\x80\x80\x80\x80\n"}, // no UTF-8 at all
		{"a\n\x82\xad字", 1, "\x82\xad字"},                // broken by the program itself
		{"\x82", 1, "\x82"},
	} {
		if got := LastLines([]byte(c.text), c.n, true); string(got) != c.want {
			t.Errorf("last %d lines of %q: %q, not %q", c.n, c.text, got, c.want)
		}
	}
}

// TestTailOfAWholeIsWhole: bytes that are no character are cut off a part only.
func TestTailOfAWholeIsWhole(t *testing.T) {
	const text = "\x80\x81\x82a"
	if got := LastLines([]byte(text), 9, false); string(got) != text {
		t.Errorf("all of it: %q", got)
	}
	if got := LastLines([]byte(text), 9, true); string(got) != "a" {
		t.Errorf("the end of something: %q", got)
	}
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	d.write(s, text)
	if got, err := TailFile(d.path("a"), 9, 1000); err != nil || string(got) != text {
		t.Errorf("a file: %q, %v", got, err)
	}
	r := NewRing(8)
	r.Write([]byte(text))
	if r.Cut() {
		t.Error("nothing was cut")
	}
	if r.Write([]byte("12345")); !r.Cut() {
		t.Error("a byte is gone")
	}
}

func TestTailFile(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a"})
	for _, width := range []int{1, 10, 65535, 65536, 70000, 200000} {
		d.write(s, strings.Repeat("x", width)+"\n")
	}
	d.write(s, "no end")
	whole := d.read("a")
	for n := range 9 {
		b, err := TailFile(d.path("a"), n, 1<<30)
		if want := LastLines([]byte(whole), n, false); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%d lines: %d bytes of %d, %v", n, len(b), len(want), err)
		}
	}
	if b, err := TailFile(d.path("a"), 5, 20); err != nil || string(b) != "no end" && len(b) != 20 {
		t.Errorf("at most 20 bytes: %q, %v", b, err)
	}
	if b, err := TailFile("/dev/null", 5, 20); err != nil || len(b) != 0 {
		t.Errorf("a device: %q, %v", b, err)
	}
}

func TestTailFileOverARotation(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "a", MaxBytes: 1000, Backups: 2})
	d.write(s, "one\ntwo\n")
	d.do(f.Rotate(d.now))
	for n, want := range map[int]string{1: "three\n", 2: "two\nthree\n", 5: "one\ntwo\nthree\n"} {
		if n == 1 {
			continue
		}
		if b, err := TailFile(d.path("a"), n-1, 100); err != nil || string(b) != strings.TrimSuffix(want, "three\n") {
			t.Errorf("just rotated, %d lines: %q, %v", n-1, b, err)
		}
	}
	d.write(s, "three\n")
	for n, want := range map[int]string{1: "three\n", 2: "two\nthree\n", 5: "one\ntwo\nthree\n"} {
		if b, err := TailFile(d.path("a"), n, 100); err != nil || string(b) != want {
			t.Errorf("%d lines: %q, %v", n, b, err)
		}
	}
}

func BenchmarkRing(b *testing.B) {
	r, p := NewRing(RingSize), lines(100, 100)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		r.Write(p)
	}
}
