package logfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

const stampPattern = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) `

func TestPrefixGoesBeforeEachLineOnce(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", Prefix: "[a] "})
	d.write(s, "one")
	d.want("a", "")
	d.pass(300 * time.Millisecond)
	d.write(s, " two\nthree\n\nfo")
	d.want("a", "[a] one two\n[a] three\n[a] \n")
	d.write(s, "ur")
	s.End(d.now)
	d.want("a", "[a] one two\n[a] three\n[a] \n[a] four\n")
	d.write(s, "next\n")
	d.want("a", "[a] one two\n[a] three\n[a] \n[a] four\n[a] next\n")
}

func TestTimestampIsThatOfTheLinesFirstByte(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", Timestamp: true, Prefix: "p "})
	began := d.now
	d.write(s, "one")
	d.pass(300 * time.Millisecond)
	d.write(s, " two\nthree\n")
	got := d.read("a")
	if !regexp.MustCompile("^" + stampPattern + "p one two\n" + stampPattern + "p three\n$").MatchString(got) {
		t.Fatalf("it holds %q", got)
	}
	if !strings.HasPrefix(got, began.Format(stampFormat)) || !strings.Contains(got, "\n"+d.now.Format(stampFormat)) {
		t.Fatalf("it holds %q; the times are %v and %v", got, began, d.now)
	}
}

func TestPartOfALineIsWrittenAfterASecond(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", Prefix: "> "})
	d.write(s, "one")
	first := d.now.Add(patience)
	d.pass(patience / 2)
	d.write(s, "two")
	if !d.Deadline().Equal(first) {
		t.Fatalf("deadline %v, not %v", d.Deadline(), first)
	}
	d.Tick(d.now)
	d.want("a", "")
	d.pass(patience / 2)
	d.Tick(d.now)
	d.want("a", "> onetwo")
	if !d.Deadline().IsZero() {
		t.Fatal("a deadline is left")
	}
	d.write(s, "three")
	d.pass(patience)
	d.Tick(d.now)
	d.write(s, "\nfour\n")
	d.want("a", "> onetwothree\n> four\n")
}

func TestLongLineIsNotHeld(t *testing.T) {
	for _, o := range []Options{{Path: "a", Prefix: "> "}, {Path: "a"}} {
		d := newDesk(t)
		d.open(o) // shared
		_, s := d.open(o)
		chunk := strings.Repeat("x", 40<<10)
		for range 100 {
			d.write(s, chunk)
		}
		if len(s.held) > maxHeld {
			t.Fatalf("%d bytes are held", len(s.held))
		}
		d.write(s, "\nnext\n")
		d.want("a", o.Prefix+strings.Repeat(chunk, 100)+"\n"+o.Prefix+"next\n")
	}
}

func TestSharedFileGetsWholeLines(t *testing.T) {
	d := newDesk(t)
	f, a := d.open(Options{Path: "a"})
	g, b := d.open(Options{Path: "a"})
	if f != g {
		t.Fatal("two writers for one path")
	}
	d.write(a, "a1")
	d.write(b, "b1\nb2")
	d.write(a, "-\na2")
	d.want("a", "b1\na1-\n")
	a.End(d.now)
	d.want("a", "b1\na1-\na2")
	g.Close()
	d.write(b, "-\n")
	d.write(b, "b3")
	d.want("a", "b1\na1-\na2b2-\n")  // alone for a moment: the other one may come back
	d.t.Cleanup(func() { f.refs++ }) // open's own cleanup closes twice
}

func TestSharedFileStaysShared(t *testing.T) {
	d := newDesk(t)
	o := Options{Path: d.path("a")}
	f, err := d.Open(o)
	d.do(err)
	g, err := d.Open(o)
	d.do(err)
	f.Close()
	g.Close()
	_, a := d.open(o) // all were gone for a moment
	d.write(a, "a1")
	_, b := d.open(o)
	d.write(b, "b1\n")
	d.write(a, "-\n")
	d.want("a", "b1\na1-\n")
}

func TestSharedThroughALink(t *testing.T) {
	d := newDesk(t)
	d.do(os.Symlink("a", d.path("link")))
	f, _ := d.open(Options{Path: "a", MaxBytes: 100, Backups: 1})
	g, _ := d.open(Options{Path: "link"})
	if f != g || f.opts.MaxBytes != 100 {
		t.Fatal("two writers for one file, or its limits are lost")
	}
}

// TestRandomStreams: several streams on one rotating file with torn writes,
// restarts and ticks: each stream's lines whole, in order, none lost.
func TestRandomStreams(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 3))
		d := newDesk(t)
		o := Options{Path: "a", MaxBytes: 2000, Backups: 100000, Prefix: []string{"", "| "}[seed%2]}
		streams, rest, next := make([]*Stream, 4), make([]string, 4), make([]int, 4)
		for i := range streams {
			_, streams[i] = d.open(o)
		}
		for range 1500 {
			i := r.IntN(4)
			if rest[i] == "" {
				rest[i] = fmt.Sprintf("%d %d %s\n", i, next[i], strings.Repeat("x", r.IntN(100)))
				next[i]++
			}
			n := 1 + r.IntN(len(rest[i]))
			d.write(streams[i], rest[i][:n])
			if rest[i] = rest[i][n:]; rest[i] == "" && r.IntN(10) == 0 {
				streams[i].End(d.now)
			}
			d.disturb(r)
		}
		for i := range streams {
			d.write(streams[i], rest[i])
		}
		seen := make([]int, 4)
		for line := range strings.Lines(d.all("a")) {
			var i, n int
			var x string
			if _, err := fmt.Sscanf(line, o.Prefix+"%d %d %s\n", &i, &n, &x); err != nil && strings.Trim(line, "| 0123456789\n") != "" || n != seen[i] {
				t.Fatalf("seed %d: line %q, %d is next: %v", seed, line, seen[i], err)
			}
			seen[i]++
		}
		if fmt.Sprint(seen) != fmt.Sprint(next) {
			t.Fatalf("seed %d: %v lines of %v", seed, seen, next)
		}
	}
}

func TestIdleStreamsAreSmall(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", Prefix: "> "})
	d.write(s, strings.Repeat("x", 50000))
	d.write(s, "\n")
	if cap(s.held) > spareSize {
		t.Fatalf("an idle stream keeps %d bytes", cap(s.held))
	}
}

// FuzzLines: however a text is cut into writes, a stream with a prefix writes
// it with the prefix before each line, and a shared one as it is.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), []byte{2, 0, 7})
	f.Fuzz(func(t *testing.T, text, cuts []byte) {
		for _, prefix := range []string{"", "> "} {
			out := &collector{}
			s := newStream(NewBook(), out, Options{Prefix: prefix}, prefix != "")
			now := time.Unix(0, 0)
			rest := text
			for _, c := range cuts {
				n := min(int(c), len(rest))
				s.Write(rest[:n], now)
				rest = rest[n:]
				if c%5 == 4 {
					now = now.Add(patience)
					s.book.Tick(now)
				}
			}
			s.Write(rest, now)
			s.End(now)
			if want := prefixed(text, prefix); !bytes.Equal(out.Bytes(), want) {
				t.Fatalf("%q became %q, not %q", text, out.Bytes(), want)
			}
		}
	})
}

func prefixed(text []byte, prefix string) []byte {
	if prefix == "" {
		return text
	}
	var want []byte
	for line := range bytes.Lines(text) {
		want = append(append(want, prefix...), line...)
	}
	if len(want) > 0 && want[len(want)-1] != '\n' {
		want = append(want, '\n')
	}
	return want
}

// collector is a sink in memory that is shared.
type collector struct{ bytes.Buffer }

func (c *collector) put(p []byte, _ time.Time) { c.Write(p) }
func (c *collector) shared() bool              { return true }
func (c *collector) attach(int)                {}

// One that is to be shared is given whole lines before anybody shares it: else
// the first line of the second would come into the middle of one of the first's.
func TestSharedFromTheFirstByte(t *testing.T) {
	d := newDesk(t)
	_, first := d.open(Options{Path: "a", Shared: true})
	d.write(first, "begin")
	_, second := d.open(Options{Path: "a", Shared: true})
	d.write(second, "whole\n")
	d.write(first, "ning\n")
	d.want("a", "whole\nbeginning\n")
}
