package config

import (
	"slices"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"0", 0},
		{"5", 5 * time.Second},
		{"2.5", 2500 * time.Millisecond},
		{".5", 500 * time.Millisecond},
		{"500ms", 500 * time.Millisecond},
		{"5s", 5 * time.Second},
		{"2m", 2 * time.Minute},
		{"1h", time.Hour},
		{"1.5m", 90 * time.Second},
		{"1e3", 1000 * time.Second},
		{"876000h", 876000 * time.Hour},
		{"0.0001ms", 100 * time.Nanosecond},
	} {
		if got, ok := parseDuration(c.text); !ok || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.text, got, ok, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"0", 0}, {"4096", 4096}, {"10MiB", 10 << 20}, {"10MB", 10e6}, {"512KiB", 512 << 10}, {"1kb", 1000}, {"1.5GiB", 3 << 29}, {"2TB", 2e12}, {"7B", 7},
	} {
		if got, ok := parseSize(c.text); !ok || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.text, got, ok, c.want)
		}
	}
}

func TestSignals(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"TERM", 15},
		{"term", 15},
		{"SIGTERM", 15},
		{"sigusr1", 10},
		{"15", 15},
		{"64", 64},
		{"RTMIN", 34},
		{"rtmin+1", 35},
		{"SIGRTMAX-1", 63},
		{"RTMAX", 64},
		{"IOT", 6},
		{"CLD", 17},
		{"POLL", 29},
		{"KILL", 9},
	} {
		if got, ok := ParseSignal(c.text); !ok || got != c.want {
			t.Errorf("%s: %v, %v, want %v", c.text, got, ok, c.want)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{`a  b	c`, []string{"a", "b", "c"}},
		{`"a b" 'c "d' e\ f "g\"h" * $HOME '' ~ a'b'"c" ; >x`, []string{"a b", `c "d`, "e f", `g"h`, "*", "$HOME", "", "~", "abc", ";", ">x"}},
		{`sh -c 'x # y' # z`, []string{"sh", "-c", "x # y", "#", "z"}},
		{"a\nb\\\nc", []string{"a", "bc"}},
		{`"a\b\\c\` + "\n" + `d"`, []string{`a\b\cd`}},
		{`'a\b'`, []string{`a\b`}},
		{`""`, []string{""}},
		{`é'ü'`, []string{"éü"}},
		{` `, nil},
	} {
		if got, err := splitWords(c.text); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// TestEveryDefault keeps the table of fields true: a default that is written
// out means what a program without the field has, and the example is accepted
// and means something else.
func TestEveryDefault(t *testing.T) {
	noEnviron(t, "HOME=/root")
	bare := load(t, "programs: {a: {cmd: sleep 1000}}\n")
	for _, f := range programFields {
		if f.name == "cmd" {
			continue
		}
		if f.def[0] != '<' {
			if p := load(t, "programs: {a: {cmd: sleep 1000, "+f.name+": "+f.def+"}, db: {cmd: x}}\n").Programs[0]; !f.same(p, bare.Programs[0]) {
				t.Errorf("%s: %s is not the default", f.name, f.def)
			}
		}
		with := map[string]string{"schedule": "oneshot: true, "}[f.name]
		if p := load(t, "programs: {a: {cmd: sleep 1000, "+with+f.name+": "+f.example+"}, db: {cmd: x}}\n").Programs[0]; f.same(p, bare.Programs[0]) {
			t.Errorf("%s: %s is the default", f.name, f.example)
		}
	}
	for _, f := range daemonFields {
		if d := load(t, "programs: {}\ndaemon: {"+f.name+": "+f.def+"}\n").Daemon; !sameButDirectory(f, d) {
			t.Errorf("daemon.%s: %s is not the default", f.name, f.def)
		}
		if d := load(t, "programs: {}\ndaemon: {"+f.name+": "+f.example+"}\n").Daemon; sameButDirectory(f, d) {
			t.Errorf("daemon.%s: %s is the default", f.name, f.example)
		}
	}
}

// sameButDirectory compares a field with that of a file in /c that says nothing.
func sameButDirectory(f field[Daemon], d Daemon) bool {
	bare := defaultDaemon(&source{dir: "/c"})
	return f.same(&d, &bare)
}

func TestOutputDefaults(t *testing.T) {
	bare := load(t, "programs: {a: {cmd: x, stdout: {path: x}}}\n").Programs[0].Stdout
	for _, f := range outputFields[1:] {
		o := load(t, "programs: {a: {cmd: x, stdout: {path: x, "+f.name+": "+f.def+"}}}\n").Programs[0].Stdout
		if o != bare {
			t.Errorf("%s: %s gives %+v, want %+v", f.name, f.def, o, bare)
		}
		o = load(t, "programs: {a: {cmd: x, stdout: {path: x, "+f.name+": "+f.example+"}}}\n").Programs[0].Stdout
		if o == bare {
			t.Errorf("%s: %s is the default", f.name, f.example)
		}
	}
}

// load reads a file with this text as if it stood in /c.
func load(t testing.TB, raw string) *Config {
	t.Helper()
	src := &source{"/c/c.yaml", "/c"}
	l := newLoader(src)
	l.cfg.File = src.name
	l.files = []string{src.name}
	r := &reader{l, src}
	r.file([]byte(raw), r.top)
	cfg, err := l.finish()
	if err != nil {
		t.Fatalf("%.300s\n%v", raw, err)
	}
	return cfg
}
