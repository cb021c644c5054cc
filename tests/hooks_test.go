package tests

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// told is one event as a hook gets it.
type told struct {
	Event, Name, Program, State, From, Reason, Signal, Host, Time, Level, By string
	Instance, PID, Restarts, Count                                           int
	ExitCode                                                                 *int
}

// told gives what a hook that runs keep has got.
func (w *world) told(file string) (out []told) {
	w.Helper()
	for _, line := range w.lines(file) {
		if line == "" {
			continue
		}
		var e told
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			w.Fatalf("%v in %q", err, line)
		}
		out = append(out, e)
	}
	return out
}

// keep is a hook's command that appends what it gets to a file.
func (w *world) keep(file string) []string { return sh("cat >> " + w.path(file)) }

// hooked starts a daemon with hooks.
func (w *world) hooked(ps programs, hooks []fields, opts ...options) *daemon {
	w.Helper()
	o := options{}
	if len(opts) > 0 {
		o = opts[0]
	}
	o.top = fields{"hooks": hooks}
	return w.start(ps, o)
}

func TestHookGetsTheEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{
		"web": prog(sh("exit 7"), fields{"startretries": 1, "numprocs": 2, "starttime": 60}),
		"db":  prog(sh("exit 1"), fields{"startretries": 0, "starttime": 60}),
	}, []fields{
		{"on": []string{"fatal", "backoff"}, "programs": []string{"w*"}, "run": w.keep("got")},
		{"on": "fatal", "programs": "web:1", "run": sh("env > " + w.path("env") + ".new; mv " + w.path("env") + ".new " + w.path("env"))},
	})
	d.awaitAll("FATAL")
	d.until("four events", func() bool { return len(d.told("got")) == 4 })
	seen := map[string]told{}
	for _, e := range d.told("got") {
		seen[e.Name+" "+e.Event] = e
	}
	e, ok := seen["web:1 fatal"]
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if !ok || e.Program != "web" || e.Instance != 1 || e.State != "FATAL" || e.From != "STARTING" || e.ExitCode == nil || *e.ExitCode != 7 ||
		!strings.Contains(e.Reason, "exited too quickly") || e.Restarts != 1 || e.Count != 1 || e.Host != host || e.Level != "error" {
		t.Errorf("%+v", e)
	}
	if at, err := time.Parse(time.RFC3339Nano, e.Time); err != nil || time.Since(at) > patience {
		t.Errorf("time %q: %v", e.Time, err)
	}
	if _, ok := seen["web:0 backoff"]; !ok {
		t.Errorf("%v", seen)
	}
	d.until("the environment", func() bool { return len(d.lines("env")) > 0 })
	env := strings.Join(d.lines("env"), "\n") + "\n"
	for _, want := range []string{
		"EVENT=fatal", "NAME=web:1", "PROGRAM=web", "INSTANCE=1", "STATE=FATAL", "FROM=STARTING", "EXITCODE=7", "SIGNAL=", "COUNT=1", "RESTARTS=1",
		"REASON=exited too quickly (exit code 7), 2 tries",
	} {
		if !strings.Contains(env, "\nTASKMASTER_"+want+"\n") {
			t.Errorf("no %s in\n%s", want, env)
		}
	}
	d.end()
}

// What concerns no program comes too, when no programs are named.
func TestHookHearsOfTheDaemon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{"a": prog("sleep 1000"), "bad": prog("/no/such/command", fields{"startretries": 0, "starttime": 60})}, []fields{
		{"on": "all", "run": w.keep("all")},
		{"on": []string{"signal", "reload", "start_failed", "exited"}, "programs": "a", "run": w.keep("a")},
	})
	d.await("a", "RUNNING")
	d.await("bad", "FATAL")
	d.send(syscall.SIGUSR2)
	d.must("signal", "URG", "a")
	d.must("reload")
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		t.Fatal(code)
	}
	var kinds []string
	for _, e := range d.told("all") {
		kinds = append(kinds, strings.Join(strings.Fields(e.Event+" "+e.Name+" "+e.Signal), " "))
	}
	for _, want := range []string{"started", "start_failed bad", "fatal bad", "running a", "signal SIGUSR2", "signal a SIGURG", "reload", "shutdown", "stopping a", "stopped a SIGTERM"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %q in %q", want, kinds)
		}
	}
	if got := d.told("a"); len(got) != 1 || got[0].Signal != "SIGURG" || got[0].State != "RUNNING" || got[0].PID == 0 {
		t.Errorf("of a: %+v", got)
	}
}

// A hook that hangs, forks or fails is ended, logged and never two at once.
func TestHookThatMisbehaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{"a": prog(sh("echo $$ >> "+w.path("a")+"; sleep 0.2"), fields{"autorestart": "always"})}, []fields{
		{"on": "exited", "run": sh("setsid sleep 1000 & echo $$ >> " + w.path("hang") + "; trap '' TERM; sleep 1000"), "timeout": 0.5},
		{"on": "exited", "run": sh("echo beginning; echo the reason >&2; exit 9")},
		{"on": "exited", "run": []string{"/no/such/hook"}},
		{"on": "exited", "run": sh("setsid sh -c 'echo $$ >> " + w.path("left") + "; exec sleep 1000' & while ! test -s " + w.path("left") + "; do :; done")},
	})
	d.until("six launches", func() bool { return len(d.lines("a")) >= 6 })
	d.until("three that hang", func() bool { return len(d.lines("hang")) >= 3 })
	up := 0
	for _, pid := range d.numbers("hang") {
		if alive(pid) {
			up++
		}
	}
	if up > 1 {
		t.Errorf("%d at once", up)
	}
	d.until("the faults", func() bool {
		return len(d.logged("hook fault", "hook 1", "timed out after 500ms", "event=exited", "name=a")) > 0 &&
			len(d.logged("hook fault", "hook 2", "exit code 9", "the reason")) > 0 &&
			len(d.logged("hook fault", "hook 3", "/no/such/hook")) > 0
	})
	d.until("what a hook left is gone", func() bool {
		pids := d.numbers("left")
		return len(pids) > 0 && !alive(pids[0])
	})
	if out, _, _ := d.ctl("status", "-v"); !strings.Contains(out, "hook 2 (sh): ") || !strings.Contains(out, " failed") {
		t.Errorf("status -v says\n%s", out)
	}
	d.end()
}

// Two hooks that fail for each other's faults come to rest.
func TestHooksForHookFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{"a": prog("sleep 1000")}, []fields{
		{"on": []string{"hook_fault", "reload"}, "run": sh("echo >> " + w.path("one") + "; exit 1")},
		{"on": "hook_fault", "run": sh("echo >> " + w.path("two") + "; exit 1")},
	})
	d.must("reload")
	d.until("both have run", func() bool { return len(d.lines("one")) >= 2 && len(d.lines("two")) >= 1 })
	d.until("it is logged", func() bool { return len(d.logged("hook fault")) >= 3 })
	if n := len(d.logged("hook fault")); n != 3 {
		t.Errorf("%d faults", n)
	}
	d.end()
}

func TestHookRepeatsAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flap := prog(sh("sleep 0.05"), fields{"autorestart": "always", "starttime": 0, "backoff": 0.01, "backoffmax": 0.01})
	d := w.hooked(programs{"a": flap, "b": flap}, []fields{{"on": "exited", "run": w.keep("got"), "every": 1.5}})
	began := time.Now()
	count := map[string][]int{}
	d.until("repeats of each", func() bool {
		clear(count)
		for _, e := range d.told("got") {
			count[e.Name] = append(count[e.Name], e.Count)
		}
		return slices.Max(append(count["a"], 0)) > 1 && slices.Max(append(count["b"], 0)) > 1
	})
	for name, c := range count {
		if most := int(time.Since(began)/(1500*time.Millisecond)) + 2; c[0] != 1 || len(c) > most {
			t.Errorf("%s: %v, at most %d were due", name, c, most)
		}
	}
	d.end()
}

// What does not fit into the queue is counted and said.
func TestHookQueueIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{"a": prog("false", fields{"numprocs": 50, "startretries": 2, "starttime": 60})}, []fields{{"on": "all", "run": sh("sleep 1000"), "timeout": 100}})
	d.awaitAll("FATAL")
	d.until("it is said", func() bool { return len(d.logged("hook dropped", "hook 1")) > 0 })
	if out, _, _ := d.ctl("status", "-v", "a:0"); !strings.Contains(out, "64 events wait") || !strings.Contains(out, "events dropped") {
		t.Errorf("status -v says\n%s", out)
	}
	d.send(syscall.SIGTERM)
	d.until("shutdown", func() bool { return len(d.logged("shutdown")) > 0 })
	d.send(syscall.SIGTERM) // no patience with the hook
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left := d.left(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The mail about FATAL goes out though the daemon ends because of it.
func TestHooksRunAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.launch([]string{binary, w.config(programs{"a": prog("false", fields{"startretries": 0, "starttime": 60})}, fields{"exit_on": "fatal"},
		fields{"hooks": []fields{{"on": "fatal", "run": sh("sleep 0.5; cat >> " + w.path("got"))}}})}, options{})
	if code := d.wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if got := d.told("got"); len(got) != 1 || got[0].Event != "fatal" {
		t.Errorf("%+v\n%s", got, d.logTail())
	}
}

// A hook that never ends keeps the daemon for a few seconds at most.
func TestHookDoesNotKeepTheDaemon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.hooked(programs{"a": prog("sleep 1000")}, []fields{{"on": "running", "run": sh("setsid sleep 1000 & sleep 1000"), "timeout": 1000}})
	d.await("a", "RUNNING")
	began := time.Now()
	d.end()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestHooksReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps := programs{"a": prog(sh("sleep 0.1"), fields{"autorestart": "never"})}
	d := w.hooked(ps, []fields{{"on": "exited", "run": w.keep("one")}})
	d.until("the first", func() bool { return len(d.told("one")) == 1 })
	w.config(ps, nil, fields{"hooks": []fields{{"on": "exited", "run": w.keep("two")}}})
	d.must("reload")
	d.must("start", "a")
	d.until("the new one", func() bool { return len(d.told("two")) == 1 })
	if len(d.told("one")) != 1 {
		t.Error("the old one has run again")
	}
	w.config(ps, nil, fields{"hooks": []fields{{"on": "exitted", "run": "x"}}})
	out, errs, code := d.ctl("reload")
	if code == 0 || !strings.Contains(out+errs, `unknown event "exitted" (did you mean "exited"?)`) {
		t.Errorf("%d %s%s", code, out, errs)
	}
	d.must("start", "a")
	d.until("it is there still", func() bool { return len(d.told("two")) == 2 })
	d.end()
}

// TestSupervisionIsNotDelayedByHooks gives the figures of docs/hooks.md: thousands
// of events a second, hooks that hang, fail and swallow, and a program that must
// be launched anew as soon as it is killed.
func TestSupervisionIsNotDelayedByHooks(t *testing.T) {
	if raceEnabled {
		t.Skip("it measures, which the race detector makes meaningless")
	}
	t.Parallel()
	for _, c := range []struct {
		name  string
		hooks []fields
	}{
		{"none", nil},
		{"four", []fields{
			{"on": "all", "run": sh("sleep 1000"), "timeout": 0.2},
			{"on": "all", "run": []string{"/no/such/hook"}},
			{"on": "all", "run": "true", "every": 1},
			{"on": "all", "run": "cat"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			d := w.hooked(programs{"a": prog("sleep 1000", fields{"starttime": 0.01})}, c.hooks, options{daemon: fields{"loglevel": "warn"}})
			d.await("a", "RUNNING")
			stop, rate := make(chan struct{}), make(chan float64)
			go func() { rate <- d.more().storm(t, stop) }()
			var worst time.Duration
			for range 5 {
				time.Sleep(1100 * time.Millisecond) // past the time in which nothing is launched again at once
				worst = max(worst, d.relaunch("a"))
			}
			close(stop)
			t.Logf("%.0f events a second, the worst restart after %s", <-rate, worst)
			if worst > 10*time.Second {
				t.Errorf("the worst restart took %s", worst)
			}
			d.end()
		})
	}
}

// storm makes events until stop is closed, each by a command, and tells how many a second.
func (c *client) storm(t *testing.T, stop chan struct{}) float64 {
	const burst = 200
	request := []byte(strings.Repeat(`{"id":1,"command":"signal","args":["URG","a"]}`+"\n", burst))
	began, n := time.Now(), 0
	for {
		select {
		case <-stop:
			return float64(n) / time.Since(began).Seconds()
		default:
		}
		if _, err := c.Write(request); err != nil {
			t.Error(err)
			return 0
		}
		for done := 0; done < burst; {
			line, err := c.r.ReadBytes('\n')
			if err != nil {
				t.Error(err)
				return 0
			}
			if strings.Contains(string(line), `"done":true`) {
				done++
				n++
			}
		}
	}
}

// relaunch kills a program and tells how long it was until another one ran.
func (d *daemon) relaunch(name string) time.Duration {
	d.Helper()
	old := d.await(name, "RUNNING").PID
	killed := time.Now()
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		d.Fatal(err)
	}
	d.until("another "+name, func() bool {
		pid := d.status(name)[name].PID
		return pid != 0 && pid != old
	})
	return time.Since(killed)
}

// The ready-made hooks do what they say, as far as that can be seen here: what
// they call is replaced by a script that keeps what it gets.
func TestReadyMadeHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"mail.sh", "webhook.sh", "desktop.sh"} {
		w.copyOf("../examples/hooks/"+name, name)
	}
	for _, name := range []string{"sendmail", "curl", "notify-send"} {
		keep := "#!/bin/sh\n{ echo \"$@\"; " + map[bool]string{true: ":", false: "cat"}[name == "notify-send"] + "; } > " + w.path(name) + ".tmp\nmv " + w.path(name) + ".tmp " + w.path(name) + ".got\n"
		if err := executable(w.path(name), []byte(keep)); err != nil {
			t.Fatal(err)
		}
	}
	d := w.hooked(programs{"web": prog("false", fields{"startretries": 0, "starttime": 60})}, []fields{
		{"on": "fatal", "run": "./mail.sh one@example.org two@example.org"},
		{"on": "fatal", "run": "./webhook.sh http://localhost:1/x"},
		{"on": "fatal", "run": "./desktop.sh"},
	}, options{env: []string{"SENDMAIL=" + w.path("sendmail"), "PATH=" + w.dir + ":" + os.Getenv("PATH")}})
	for file, want := range map[string][]string{
		"sendmail.got":    {"one@example.org two@example.org", "To: one@example.org two@example.org", "Subject: web: fatal on ", "web: FATAL (exited too quickly", `"event":"fatal"`},
		"curl.got":        {"--fail", "http://localhost:1/x", `"event":"fatal"`},
		"notify-send.got": {"--urgency=critical web: fatal exited too quickly"},
	} {
		d.until(file, func() bool { return len(d.lines(file)) > 0 })
		got := strings.Join(d.lines(file), "\n")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in\n%s", file, w, got)
			}
		}
	}
	d.end()
	if faults := d.logged("hook fault"); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
}
