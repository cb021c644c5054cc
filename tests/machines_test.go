package tests

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// data is the raw bytes of an answer.
func (a answer) data() (out string) {
	for _, r := range a.replies {
		out += string(r.Data)
	}
	return out
}

// decode reads the line of an answer that is about name; "" is the first.
func (a answer) decode(t testing.TB, name string, into any) {
	t.Helper()
	for _, r := range a.replies {
		if name == "" || strings.HasPrefix(r.Text, `{"name":"`+name+`"`) {
			if err := json.Unmarshal([]byte(r.Text), into); err != nil {
				t.Fatalf("%v in %q", err, r.Text)
			}
			return
		}
	}
	t.Fatalf("nothing about %q in %s", name, a)
}

type part struct{ Offset, Size int64 }

// Those who keep their own place read a file and memory alike.
func TestReadByOffset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"file":   prog(sh("printf 0123456789; exec sleep 1000"), fields{"stdout": w.path("out")}),
		"memory": prog(sh("printf 0123456789; printf trouble >&2; exec sleep 1000")),
		"joined": prog(sh("echo out; echo err >&2; exec sleep 1000"), fields{"stderr": "stdout"}),
		"none":   prog("sleep 1000", fields{"stdout": "none", "autostart": false}),
		"gone":   prog("sleep 1000", fields{"stdout": w.path("nothing/there"), "autostart": false}),
		"many":   prog("sleep 1000", fields{"numprocs": 2}),
	})
	for _, name := range []string{"file", "memory"} {
		w.until(name+" has written", func() bool { return d.call("read", "0", "0", name).data() == "0123456789" })
		for words, want := range map[string]string{"3 4": "3456", "-3 0": "789", "8 100": "89", "10 0": "", "99 1": ""} {
			a := d.call("read", append(append([]string{"--"}, strings.Fields(words)...), name)...)
			var p part
			a.decode(t, "", &p)
			if a.exit != 0 || a.data() != want || p.Size != 10 || want != "" && "0123456789"[p.Offset:][:len(want)] != want {
				t.Errorf("%s of %s: %q %+v, exit %d", words, name, a.data(), p, a.exit)
			}
		}
	}
	w.until("stderr has come", func() bool { return d.call("read", "0", "0", "memory", "stderr").data() == "trouble" })
	w.until("both have come", func() bool { return len(d.call("read", "0", "0", "joined", "stderr").data()) == 8 })
	for words, want := range map[string]string{
		"0 0 none": "no such file", "0 0 gone": "no such file", "0 0 nobody": "no such program", "0 0 many": "more than one", "x 0 file": "the offset", "0": "an offset",
	} {
		if a := d.call("read", strings.Fields(words)...); a.exit == 0 || !strings.Contains(a.String(), want) {
			t.Errorf("read %s: %s, exit %d", words, a, a.exit)
		}
	}
	if log := d.call("read", "--", "-99999", "0").data(); !strings.Contains(log, " started ") {
		t.Errorf("the daemon's log: %q", log)
	}
	d.end()
}

func TestClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"file":   prog(sh("trap 'echo more' USR1; echo before; while :; do sleep 0.05; done"), fields{"stdout": w.path("out")}),
		"memory": prog(sh("echo before; exec sleep 1000")),
		"ended":  prog(sh("echo before"), fields{"stdout": w.path("old"), "oneshot": true}),
	})
	for _, name := range []string{"file", "memory", "ended"} {
		w.until(name+" has written", func() bool { return d.call("read", "0", "0", name).data() == "before\n" })
	}
	d.await("ended", "EXITED")
	if a := d.call("clear", "all"); a.exit != 0 {
		t.Error(a)
	}
	for _, name := range []string{"file", "memory", "ended"} {
		if got := d.call("read", "0", "0", name).data(); got != "" {
			t.Errorf("%s still has %q", name, got)
		}
	}
	d.must("signal", "USR1", "file")
	w.until("it writes on from the beginning", func() bool { b, err := os.ReadFile(w.path("out")); return err == nil && string(b) == "more\n" })
	if a := d.call("clear"); a.exit != 0 || strings.Contains(d.call("read", "0", "0").data(), "started") {
		t.Errorf("the daemon's log: %s", a)
	}
	d.end()
}

type stats struct {
	Exits    map[string]int64
	Launched string
	Stdout   struct {
		Kind, Path string
		Bytes      int64
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"bad":   prog(sh("exit 7"), fields{"startretries": 1, "backoff": 0.1, "starttime": 30}),
		"shot":  prog(sh("printf 12345; kill -9 $$"), fields{"autorestart": "never", "starttime": 0, "oneshot": true, "startretries": 0}),
		"later": prog("sleep 1000", fields{"autostart": false, "stdout": w.path("x/{num}")}),
	})
	d.await("bad", "FATAL")
	d.await("shot", "FATAL")
	a := d.call("stats")
	var whole struct {
		PID, Instances int
		Turns          int64
		Started        string
		Late           []int64
		Bound          []float64 `json:"late_bound"`
	}
	a.decode(t, "", &whole)
	if whole.PID != d.pid() || whole.Instances != 3 || whole.Turns < 3 || whole.Started == "" || len(whole.Late) != len(whole.Bound)+1 {
		t.Errorf("%+v", whole)
	}
	rang := int64(0)
	for _, n := range whole.Late {
		rang += n
	}
	if rang == 0 {
		t.Error("no timer was counted, though one has rung for the second try")
	}
	if checkCounters(t, a, w.path("x/0")); t.Failed() {
		t.Log(a)
	}
	d.end()
}

func checkCounters(t *testing.T, a answer, path string) {
	t.Helper()
	var bad, shot, later stats
	a.decode(t, "bad", &bad)
	a.decode(t, "shot", &shot)
	a.decode(t, "later", &later)
	if len(bad.Exits) != 1 || bad.Exits["7"] != 2 || bad.Launched == "" {
		t.Errorf("bad: %+v", bad)
	}
	if shot.Exits["SIGKILL"] != 1 || shot.Stdout.Bytes != 5 || shot.Stdout.Kind != "memory" {
		t.Errorf("shot: %+v", shot)
	}
	if later.Launched != "" || later.Exits != nil || later.Stdout.Path != path {
		t.Errorf("later: %+v", later)
	}
}

// Single programs are taken over and forgotten, and nothing else of the file is.
func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"kept": prog("sleep 1000"), "old": prog("sleep 1000")})
	kept := d.await("kept", "RUNNING").PID
	w.config(programs{"kept": prog("sleep 2000"), "new": prog("sleep 1000", fields{"env": fields{"SECRET": "hush"}}), "other": prog("sleep 1000")}, nil)
	settings := d.call("settings", "--file")
	var s struct {
		Cmd       []string
		Autostart bool
	}
	if settings.decode(t, "new", &s); len(s.Cmd) != 2 || !s.Autostart || strings.Contains(settings.String(), "hush") {
		t.Errorf("settings --file: %s", settings)
	}
	for words, want := range map[string]string{
		"add kept": "already added", "add old": "already added", "add nobody": "no such program", "remove nobody": "no such program", "remove old": "still running", "remove": "needs",
	} {
		f := strings.Fields(words)
		if a := d.call(f[0], f[1:]...); a.exit == 0 || !strings.Contains(a.String(), want) {
			t.Errorf("%s: %s, exit %d", words, a, a.exit)
		}
	}
	if a := d.call("add", "new"); a.exit != 0 {
		t.Error(a)
	}
	d.await("new", "RUNNING")
	d.must("stop", "old")
	if a := d.call("remove", "old"); a.exit != 0 {
		t.Error(a)
	}
	rows := d.status()
	if len(rows) != 2 || rows["kept"].PID != kept {
		t.Errorf("%+v", rows)
	}
	d.must("stop", "new")
	if a := d.call("remove", "new"); a.exit != 0 {
		t.Error(a)
	}
	d.must("reload")
	w.until("the file holds again", func() bool { return len(d.status()) == 3 })
	if pid := d.await("kept", "RUNNING").PID; pid == kept {
		t.Error("the changed program was not restarted by the reload")
	}
	d.end()
}
