package tests

import (
	"os"
	"strings"
	"testing"
)

const supervisordConf = `
[supervisord]
logfile=NONE
[unix_http_server]
file=%(here)s/s
; Two of them.
[program:web]
command=/bin/sh -c "echo $PORT $A; exec sleep 1000"
environment=PORT="80%(process_num)02d",A="two words"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
stdout_logfile=%(here)s/%(program_name)s_%(process_num)02d.log
stdout_events_enabled=true
[program:job]
command=/bin/sleep 1000
autostart=false
[include]
files=more/*.conf
`

// What import writes is accepted by check, and runs as supervisord would have run it.
func TestImportRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := os.Mkdir(w.path("more"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.write("more/x.conf", "[program:extra]\ncommand=sleep 1000\n")
	conf := w.write("supervisord.conf", supervisordConf)
	_, stderr, code := w.run("import", conf, "-o", w.path("new.yaml"))
	if want := conf + ":13: stdout_events_enabled: no equivalent, output makes no events\n"; code != 0 || stderr != want {
		t.Fatalf("import: %d %q, want 0 %q", code, stderr, want)
	}
	if out, _, code := w.run("check", w.path("new.yaml")); code != 0 {
		t.Fatal(out)
	}
	d := w.launch([]string{binary, w.path("new.yaml")}, options{})
	w.until("the socket answers", func() bool {
		c, err := dial(w.path("s"))
		d.client = c
		return err == nil
	})
	for name, state := range map[string]string{"web:0": "RUNNING", "web:1": "RUNNING", "extra": "RUNNING", "job": "STOPPED"} {
		d.await(name, state)
	}
	for name, want := range map[string]string{"web_00.log": "8000 two words", "web_01.log": "8001 two words"} {
		if got := w.lines(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	d.end()
}

// A file that is there is never replaced unasked, and never by half.
func TestImportReplacesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conf := w.write("s.conf", "[program:a]\ncommand=sleep 1\n")
	there := w.write("there.yaml", "mine\n")
	if _, stderr, code := w.run("import", "-o", there, conf); code != 1 || !strings.Contains(stderr, "there.yaml is there already") {
		t.Errorf("%d %q", code, stderr)
	}
	if got := w.lines("there.yaml"); len(got) != 1 || got[0] != "mine" {
		t.Errorf("replaced by %q", got)
	}
	if _, stderr, code := w.run("import", "--force", "-o", there, conf); code != 0 {
		t.Errorf("%d %q", code, stderr)
	}
	if got := strings.Join(w.lines("there.yaml"), "\n"); !strings.Contains(got, "cmd: sleep 1") {
		t.Errorf("it holds %q", got)
	}
	left, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), ".there") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// Exit code 0 is for a result that check accepts, and 1 tells why not.
func TestImportSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for conf, want := range map[string]string{
		"[program:a]\ncommand=sleep 1\nautostart=maybe\n": `s.conf:3: autostart: not a boolean: "maybe"`,
		"[program:a]\ncommand=sleep %(ENV_NO_SUCH)s\n":    "${NO_SUCH} is not defined",
		"[program:a]\n":                            "[program:a] has no command",
		"[include]\nfiles=.\n":                     "is a directory",
		"command=sleep\n":                          "before the first [section]",
		"[program:a]\ncommand=a\numask=\x00\xff\n": "not UTF-8",
	} {
		w := newWorld(t)
		if _, stderr, code := w.run("import", w.write("s.conf", conf)); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: %d %q, want 1 and %q", conf, code, stderr, want)
		}
	}
	w := newWorld(t)
	for _, args := range [][]string{{}, {"a", "b"}, {"--nonsense", "a"}} {
		if _, _, code := w.run(append([]string{"import"}, args...)...); code != 2 {
			t.Errorf("import %q: exit code %d, want 2", args, code)
		}
	}
	if _, stderr, code := w.run("import", w.path("absent.conf")); code != 1 || !strings.Contains(stderr, "absent.conf: no such file") {
		t.Errorf("%d %q", code, stderr)
	}
}
