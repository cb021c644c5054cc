package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"taskmaster/process"
)

func TestReady(t *testing.T) {
	noEnviron(t, "PORT=80")
	for _, c := range []struct {
		text string
		want Probe
		how  process.Readiness
	}{
		{"notify", Probe{Kind: ReadyNotify}, process.ReadyTold},
		{"{fd: 3}", Probe{Kind: ReadyFD, FD: 3}, process.ReadyTold},
		{"{log: 'up [0-9]+'}", Probe{Kind: ReadyLog, Pattern: "up [0-9]+"}, process.ReadyTold},
		{"{tcp: 'localhost:${PORT}{num}'}", Probe{Kind: ProbeTCP, Target: "localhost:${PORT}{num}"}, process.ReadyAsked},
		{"{http: 'http://[::1]/x'}", Probe{Kind: ProbeHTTP, Target: "http://[::1]/x"}, process.ReadyAsked},
		{"{exec: test -e 'a b'}", Probe{Kind: ProbeExec, Cmd: []string{"test", "-e", "a b"}}, process.ReadyAsked},
	} {
		p := load(t, "programs: {a: {cmd: x, ready: "+c.text+"}}\n").Programs[0]
		if !p.Needs().Ready.same(&c.want) || p.Policy.Watching().Ready != c.how {
			t.Errorf("%s: %+v, %v", c.text, p.Needs().Ready, p.Policy.Watching().Ready)
		}
	}
	p := load(t, "programs: {a: {cmd: x, ready: {tcp: 'localhost:${PORT}{num}'}}}\n").Programs[0]
	if target, err := p.Asks(p.Needs().Ready, 3); err != nil || target.String() != "localhost:803" {
		t.Errorf("%v %v", target, err)
	}
}

func TestHealth(t *testing.T) {
	noEnviron(t)
	p := load(t, "programs: {a: {cmd: x, health: {exec: [ok, '{num}']}}}\n").Programs[0]
	if want := (process.Health{Interval: 10 * time.Second, Retries: 3}); p.Policy.Watching().Health != want || p.Needs().Health.Timeout != 2*time.Second {
		t.Errorf("%+v %+v", p.Policy.Watching().Health, p.Needs().Health)
	}
	if l, err := p.LaunchAs(p.Needs().Health.Cmd, 2); err != nil || !slices.Equal(l.Argv, []string{"ok", "2"}) {
		t.Errorf("%+v %v", l, err)
	}
	p = load(t, "programs: {a: {cmd: x, health: {tcp: 'x:1', interval: 200ms, timeout: 1, retries: 1, start_period: 1m}}}\n").Programs[0]
	if want := (process.Health{Interval: 200 * time.Millisecond, Retries: 1, StartPeriod: time.Minute}); p.Policy.Watching().Health != want || p.Needs().Health.Timeout != time.Second {
		t.Errorf("%+v %+v", p.Policy.Watching().Health, p.Needs().Health)
	}
}

func TestDependsOn(t *testing.T) {
	noEnviron(t)
	for text, want := range map[string][]process.Need{
		"db":                     {{Name: "db"}},
		"[db, x, db]":            {{Name: "db"}, {Name: "x"}},
		"[]":                     nil,
		"{}":                     nil,
		"{x: started}":           {{Name: "x", Cond: process.CondStarted}},
		"{db: ready, x: exited}": {{Name: "db"}, {Name: "x", Cond: process.CondExited}},
	} {
		p := load(t, "programs: {a: {cmd: x, depends_on: "+text+"}, db: {cmd: x}, x: {cmd: x, oneshot: true}}\n").Programs[0]
		if !slices.Equal(p.Needs().DependsOn, want) {
			t.Errorf("%s: %v, want %v", text, p.Needs().DependsOn, want)
		}
	}
	p := load(t, "defaults: {depends_on: [net]}\nprograms: {a: {cmd: x}, net: {cmd: x, depends_on: []}, b: {cmd: x, depends_on: [a]}}\n").Programs
	if len(p[0].Needs().DependsOn) != 1 || len(p[1].Needs().DependsOn) != 0 || p[2].Needs().DependsOn[0].Name != "a" {
		t.Errorf("%v %v %v", p[0].Needs().DependsOn, p[1].Needs().DependsOn, p[2].Needs().DependsOn)
	}
}

func TestDependencyFaults(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	for text, want := range map[string]string{
		"programs:\n  a: {cmd: x, depends_on: [b]}\n  b: {cmd: x, depends_on: [c]}\n  c:\n    cmd: x\n    depends_on: [z, a]\n  z: {cmd: x}\n": "6:21: c: depends_on: a cycle: a -> b -> c -> a",
		"programs:\n  a: {cmd: x, depends_on: [b]}\n  b: {cmd: x, depends_on: {a: started, web: ready}}\n  wob: {cmd: x}\n": "3:28: b: depends_on: a cycle: a -> b -> a\n" +
			`3:40: b: depends_on: no program is called "web" (did you mean "wob"?)`,
		"defaults: {depends_on: [net]}\nprograms: {a: {cmd: x}, net: {cmd: x}}\n": "1:25: defaults: depends_on: net depends on itself (it can say depends_on: [])",
	} {
		if got := faultsOf(t, dir, text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestDependencyWarning(t *testing.T) {
	noEnviron(t, "PATH=/bin:/usr/bin")
	cfg := load(t, "programs: {a: {cmd: sh, workingdir: /, depends_on: {m: exited, n: exited}}, m: {cmd: sh, workingdir: /}, n: {cmd: sh, workingdir: /, oneshot: true}}\n")
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].String(), "warning: a: depends_on: m is no oneshot, and a waits for its end") {
		t.Errorf("%v", cfg.Warnings)
	}
}

func TestWarningsOfChecks(t *testing.T) {
	noEnviron(t, "PATH=/bin:/usr/bin")
	path := write(t, t.TempDir(), "c.yaml", `programs:
  a: {cmd: sh, ready: {tcp: "nowhere.invalid:80"}}
  b: {cmd: sh, health: {http: "http://nowhere.invalid/"}}
  c: {cmd: sh, ready: {exec: no-such-command-x y}, health: {exec: sh -c x}}
  d: {cmd: sh, ready: {tcp: "127.0.0.1:80{num}"}, health: {http: "http://localhost/{name}"}}
  e: {cmd: sh, ready: {tcp: "${H}:80"}, env: {H: nowhere.invalid}}
`)
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`PATH:2:23: warning: a: ready: nowhere.invalid is not in /etc/hosts (DNS is not asked: it would block)
PATH:3:24: warning: b: health: nowhere.invalid is not in /etc/hosts (DNS is not asked: it would block)
PATH:4:23: warning: c: ready: "no-such-command-x": command not found`, "PATH", path)
	if got := Faults(cfg.Warnings).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
