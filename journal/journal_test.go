package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"taskmaster/logfile"
)

// Both places a log goes to are sinks.
var (
	_ Sink = (*logfile.Stream)(nil)
	_ Sink = (*logfile.Console)(nil)
)

// sheet is a sink in memory.
type sheet struct{ bytes.Buffer }

func (s *sheet) Write(p []byte, _ time.Time) { s.Buffer.Write(p) }

var at = time.Date(2026, 11, 25, 7, 44, 14, 123456789, time.UTC)

func TestText(t *testing.T) {
	for _, c := range []struct {
		fields []Field
		want   string
	}{
		{nil, ""},
		{[]Field{Str("name", "web:0"), Int("pid", 12)}, " name=web:0 pid=12"},
		{[]Field{Str("empty", ""), Str("space", "a b"), Str("eq", "a=b")}, ` empty="" space="a b" eq="a=b"`},
		{[]Field{Str("quote", `say "hi"`), Str("back", `a\n`)}, ` quote="say \"hi\"" back="a\\n"`},
		{[]Field{Str("forged", "x\n2026 ERROR y\r\x1b[2J\x00\x7f\t")}, ` forged="x\n2026 ERROR y\r\x1b[2J\x00\x7f\t"`},
		{[]Field{Str("c1", "\u009b31m"), Str("bidi", "\u202e"), Str("broken", "\xff\xc3"), Str("fine", "café")}, ` c1="\u{9b}31m" bidi="\u{202e}" broken="\xff\xc3" fine="café"`},
		{[]Field{Err(errors.New("open /x: no")), Err(nil)}, ` error="open /x: no" error=""`},
		{[]Field{Int("n", -5), Dur("d", 1500*time.Millisecond)}, " n=-5 d=1.5s"},
		{[]Field{Str("k\ney", "v")}, ` k\ney=v`},
		{[]Field{{Key: "plain", Value: "literal"}}, " plain=literal"},
	} {
		var s sheet
		New(&s, Debug, false).Log(at, Info, "start", c.fields...)
		if want := "2026-11-25T07:44:14.123Z INFO  start" + c.want + "\n"; s.String() != want {
			t.Errorf("%q\nnot %q", s.String(), want)
		}
	}
}

func TestJSON(t *testing.T) {
	var s sheet
	j := New(&s, Debug, true)
	j.Log(at, Warn, "start", Str("name", "a\"b\\\n\x1b\u009b\u202eé漢"), Int("pid", 12), Dur("delay", 20*time.Millisecond), Str("raw", "\xff"))
	want := `{"time":"2026-11-25T07:44:14.123Z","level":"warn","event":"start","name":"a\"b\\\u000a\u001b\u009b\u202eé漢","pid":12,"delay":"20ms","raw":"\\xff"}` + "\n"
	if s.String() != want {
		t.Fatalf("%s\nnot %s", s.String(), want)
	}
	var row map[string]any
	if err := json.Unmarshal(s.Bytes(), &row); err != nil || row["pid"] != 12.0 || row["name"] != "a\"b\\\n\x1b\u009b\u202eé漢" {
		t.Fatalf("%v, %v", row, err)
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0µs", 15 * time.Microsecond: "15µs", 20 * time.Millisecond: "20ms", time.Second: "1s", 90 * time.Minute: "5400s",
		1050 * time.Millisecond: "1.05s", 1001 * time.Millisecond: "1.001s", -2 * time.Second: "-2s", 1 << 63 * -1: "-9223372036.854s",
	} {
		if got := string(appendDuration(nil, d)); got != want {
			t.Errorf("%d: %s, not %s", d, got, want)
		}
	}
}

func TestLevels(t *testing.T) {
	var s sheet
	j := New(&s, Warn, false)
	for l := Debug; l <= Error; l++ {
		j.Log(at, l, l.String())
		if got, err := ParseLevel(strings.ToUpper(l.String())); err != nil || got != l {
			t.Errorf("%v: %v, %v", l, got, err)
		}
	}
	if _, err := ParseLevel("loud\n"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("loud: %v", err)
	}
	j.SetLevel(Debug)
	j.SetFormat(true)
	j.Log(at, Debug, "now")
	want := `^\S+ WARN  warn\n\S+ ERROR error\n\{.*"event":"now"\}\n$`
	if !regexp.MustCompile(want).MatchString(s.String()) || j.Enabled(Info) != true {
		t.Errorf("%s", s.String())
	}
}

func TestLongValuesAreCut(t *testing.T) {
	for _, form := range []bool{false, true} {
		var s sheet
		New(&s, Debug, form).Log(at, Info, "command", Str("args", strings.Repeat("é", 1<<19)), Str("x", strings.Repeat("a", maxValue)))
		if s.Len() > 3*maxValue || !strings.Contains(s.String(), "...") || !utf8.Valid(s.Bytes()) || form && !json.Valid(s.Bytes()) {
			t.Errorf("%d bytes", s.Len())
		}
		if !strings.Contains(s.String(), strings.Repeat("a", maxValue)) {
			t.Error("a value of the greatest length is cut")
		}
	}
}

func TestTail(t *testing.T) {
	j := New(nil, Info, false)
	if got := j.Tail(5); got != nil {
		t.Fatalf("%q", got)
	}
	for i := range 3 {
		j.Log(at, Info, fmt.Sprint("event", i))
	}
	if got := j.Tail(2); len(got) != 2 || !strings.HasSuffix(got[0], "event1") || !strings.HasSuffix(got[1], "event2") {
		t.Fatalf("%q", got)
	}
	if len(j.Tail(100)) != 3 || j.Tail(0) != nil {
		t.Fatalf("%q", j.Tail(100))
	}
	for i := range 5000 {
		j.Log(at, Info, fmt.Sprint("e", i), Str("pad", strings.Repeat("p", i%50)))
	}
	got := j.Tail(1 << 30)
	if len(got) > keptLines || len(got) < 500 || !strings.Contains(got[len(got)-1], "e4999 ") {
		t.Fatalf("%d lines", len(got))
	}
	for _, line := range got {
		if !strings.HasPrefix(line, "2026-11-25T07:44:14.123Z INFO  e") {
			t.Fatalf("a line is cut: %q", line)
		}
	}
}

func TestOnLineAndNestedEvents(t *testing.T) {
	var s sheet
	j := New(&s, Info, false)
	var seen []string
	j.OnLine = func(line []byte) { seen = append(seen, string(line[bytes.LastIndexByte(line, ' ')+1:])) }
	j.SetSink(sinkFunc(func(p []byte, now time.Time) {
		if bytes.Contains(p, []byte("outer")) {
			j.Log(now, Error, "inner")
		}
		s.Write(p, now)
	}))
	j.Log(at, Info, "outer")
	j.SetSink(nil)
	j.Log(at, Info, "nowhere")
	if !slices.Equal(seen, []string{"outer", "inner", "nowhere"}) {
		t.Fatalf("%q", seen)
	}
	if want := "2026-11-25T07:44:14.123Z ERROR inner\n2026-11-25T07:44:14.123Z INFO  outer\n"; s.String() != want {
		t.Fatalf("%q", s.String())
	}
}

type sinkFunc func(p []byte, now time.Time)

func (f sinkFunc) Write(p []byte, now time.Time) { f(p, now) }

// TestOwnFile: the log in a rotating file, whole lines, and trouble told by itself.
func TestOwnFile(t *testing.T) {
	b := logfile.NewBook()
	o := logfile.Options{Path: t.TempDir() + "/log", MaxBytes: 4096, Backups: 2}
	f, err := b.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	j := New(f.Stream(o), Info, false)
	b.Fault = func(path string, err error, _ int64) { j.Log(at, Error, "log fault", Str("path", path), Err(err)) }
	for i := range 300 {
		j.Log(at, Info, "start", Int("n", i), Str("pad", strings.Repeat("x", i%70)))
	}
	for _, end := range []string{"", ".1", ".2"} {
		text, err := logfile.TailFile(o.Path+end, 1<<20, 1<<20)
		if err != nil || len(text) == 0 || !bytes.HasPrefix(text, []byte("2026-")) || text[len(text)-1] != '\n' {
			t.Errorf("log%s: %d bytes, %v", end, len(text), err)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	for _, form := range []bool{false, true} {
		var s nothing
		j := New(s, Info, form)
		log := func() {
			j.Log(at, Info, "start", Str("name", "web:0"), Int("pid", 123456), Dur("delay", 1500*time.Millisecond), Str("why", "a b\n"))
		}
		for range 2000 {
			log() // the memory of the last lines is full
		}
		if n := testing.AllocsPerRun(100, log); n != 0 {
			t.Errorf("json %v: %v allocations a line", form, n)
		}
	}
}

type nothing struct{}

func (nothing) Write([]byte, time.Time) {}

func BenchmarkLog(b *testing.B) {
	j := New(nothing{}, Info, false)
	b.ReportAllocs()
	for b.Loop() {
		j.Log(at, Info, "start", Str("name", "web:0"), Int("pid", 123456))
	}
}

// FuzzForms: whatever the words are, a line is one line, without a byte that
// drives a terminal, and JSON is JSON.
func FuzzForms(f *testing.F) {
	f.Add("start", "name", "a\nb\x1b\"\\\xff\u202e")
	f.Fuzz(func(t *testing.T, event, key, value string) {
		for _, form := range []bool{false, true} {
			var s sheet
			New(&s, Debug, form).Log(at, Info, event, Str(key, value))
			line := s.Bytes()
			if bytes.Count(line, []byte{'\n'}) != 1 || line[len(line)-1] != '\n' || !utf8.Valid(line) {
				t.Fatalf("%q", line)
			}
			for _, r := range string(line[:len(line)-1]) {
				if hidden(r) {
					t.Fatalf("%q holds %U", line, r)
				}
			}
			if form && !json.Valid(line) {
				t.Fatalf("no JSON: %q", line)
			}
		}
	})
}
