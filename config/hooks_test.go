package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// hookFaults are sections hooks, the first key on line 2, and their faults.
var hookFaults = []struct{ raw, want string }{
	{"{on: fatal}", "2:3: hook 1: run is missing"},
	{"{run: x}", "2:3: hook 1: on is missing"},
	{"{}", "2:3: hook 1: on is missing\n2:3: hook 1: run is missing"},
	{"{on: [fatle], run: x}", `2:9: hook 1: on: unknown event "fatle" (did you mean "fatal"?)`},
	{"{on: FATAL, run: x}", `2:8: hook 1: on: unknown event "FATAL" (did you mean "fatal"?)`},
	{"{on: [fatal, start-failed], run: x}", `2:16: hook 1: on: unknown event "start-failed" (did you mean "start_failed"?)`},
	{"{on: [all, zzzz], run: x}", `2:14: hook 1: on: unknown event "zzzz"`},
	{"{on: 5, run: x}", "2:8: hook 1: on: must be an event or a list of them, not 5 (quote it if it is one)"},
	{"{on: {}, run: x}", "2:8: hook 1: on: must be an event or a list of them, not a mapping"},
	{"{on: [], run: x}", "2:8: hook 1: on: is empty"},
	{"{on: , run: x}", "2:4: hook 1: on: has no value: it must be an event or a list of them"},
	{"{on: fatal, run: ''}", "2:20: hook 1: run: is empty"},
	{"{on: fatal, run: []}", "2:20: hook 1: run: is empty"},
	{"{on: fatal, run: [a, {}]}", "2:24: hook 1: run: must be a command (text) or a list of words, not a mapping"},
	{"{on: fatal, run: 'a \"b'}", "2:20: hook 1: run: a \" that is never closed"},
	{"{on: fatal, run: 'a ${NONE}'}", "2:20: hook 1: run: ${NONE} is not defined"},
	{"{on: fatal, run: x, timeout: 0}", "2:32: hook 1: timeout: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not 0"},
	{"{on: fatal, run: x, timeout: soon}", `2:32: hook 1: timeout: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not "soon"`},
	{"{on: fatal, run: x, every: -1}", "2:30: hook 1: every: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not -1"},
	{"{on: fatal, run: x, programs: '[a'}", `2:33: hook 1: programs: "[a" is no pattern`},
	{"{on: fatal, run: x, programs: []}", "2:33: hook 1: programs: is empty"},
	{"{on: fatal, run: x, programs: {}}", "2:33: hook 1: programs: must be a name or pattern, or a list of them, not a mapping"},
	{"{on: fatal, run: x, tiemout: 5}", `2:23: hook 1: unknown key "tiemout" (did you mean "timeout"?)`},
	{"{on: fatal, cmd: x}", `2:3: hook 1: run is missing` + "\n" + `2:15: hook 1: unknown key "cmd" (did you mean "run"?)`},
	{"{on: fatal, on: fatal, run: x}", `2:15: "on" comes twice (first on line 2)`},
	{"fatal", `2:3: hooks: must be a list of hooks, not "fatal"`},
	{"{on: fatal, run: x}\n- {on: fatle, run: x}", `3:8: hook 2: on: unknown event "fatle" (did you mean "fatal"?)`},
}

func TestHookFaults(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	for _, c := range hookFaults {
		if got := faultsOf(t, dir, "hooks:\n- "+c.raw+"\nprograms: {a: {cmd: x}}\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.raw, got, c.want)
		}
	}
	if got := faultsOf(t, dir, "hooks: 5\nprograms: {a: {cmd: x}}\n"); got != "1:8: hooks: must be a list of hooks, not 5" {
		t.Error(got)
	}
	if got := faultsOf(t, dir, "hoks: []\nprograms: {a: {cmd: x}}\n"); got != `1:1: unknown key "hoks" (did you mean "hooks"?)` {
		t.Error(got)
	}
}

func twoHooks(t *testing.T) (h, all *Hook) {
	noEnviron(t, "PATH=/p", "A=a")
	cfg := load(t, `
daemon: {env: {D: "${A}d"}}
hooks:
- {on: [fatal, start_failed], programs: ["w*", "db:1"], run: "n '${D}' ${TASKMASTER_NAME} {name} {num} $${x}", timeout: 2m, every: 60}
- {on: all, run: [n, "a b"]}
programs: {web: {cmd: x}, db: {cmd: x, numprocs: 2}}
`)
	return cfg.Hooks[0], cfg.Hooks[1]
}

func TestHooks(t *testing.T) {
	h, all := twoHooks(t)
	if h.Timeout != 2*time.Minute || h.Every != time.Minute || all.Timeout != 10*time.Second || all.Every != 0 {
		t.Errorf("%+v %+v", h, all)
	}
	for _, c := range []struct {
		event, program, instance string
		first, second            bool
	}{
		{"fatal", "web", "web", true, true},
		{"start failed", "web", "web", true, true},
		{"exited", "web", "web", false, true},
		{"fatal", "db", "db:1", true, true},
		{"fatal", "db", "db:0", false, true},
		{"fatal", "", "", false, true},
		{"command", "", "", false, false},
		{"start_failed", "web", "web", false, false}, // the log's words count here
	} {
		e := EventOf(c.event)
		if got := h.On.Has(e) && h.Concerns(c.program, c.instance); got != c.first {
			t.Errorf("%v: %t", c, got)
		}
		if got := all.On.Has(e) && all.Concerns(c.program, c.instance); got != c.second {
			t.Errorf("%v: all %t", c, got)
		}
	}
}

func TestHookLaunch(t *testing.T) {
	h, all := twoHooks(t)
	l, err := h.Launch("web", "0", HookVars("fatal", "now", "web"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"n", "ad", "web", "web", "0", "${x}"}; !slices.Equal(l.Argv, want) || l.Dir != "/c" || l.Path != "/p" {
		t.Errorf("%+v, want %q", l, want)
	}
	for _, want := range []string{"A=a", "D=ad", "TASKMASTER_EVENT=fatal", "TASKMASTER_NAME=web", "TASKMASTER_COUNT="} {
		if !slices.Contains(l.Env, want) {
			t.Errorf("no %s in %q", want, l.Env)
		}
	}
	if got := h.Label(0) + " " + all.Label(1); got != "hook 1 (n) hook 2 (n)" {
		t.Error(got)
	}
}

func TestNoHooks(t *testing.T) {
	noEnviron(t)
	for _, raw := range []string{"hooks:\n", "hooks: []\n", "hooks: ~\n"} {
		if cfg := load(t, raw+"programs: {a: {cmd: x}}\n"); len(cfg.Hooks) != 0 {
			t.Errorf("%s: %v", raw, cfg.Hooks)
		}
	}
	if cfg := load(t, "hooks: {on: fatal, run: x}\nprograms: {a: {cmd: x}}\n"); len(cfg.Hooks) != 1 {
		t.Errorf("one without a list: %v", cfg.Hooks)
	}
}

func TestHookWarnings(t *testing.T) {
	noEnviron(t, "PATH=/bin:/usr/bin")
	cfg := load(t, `
hooks:
- {on: fatal, run: no-such-command-x, programs: [web, "wbe*", "db:1", "db:7"]}
- {on: fatal, run: "${TASKMASTER_NAME}"}
programs: {web: {cmd: "true"}, db: {cmd: "true", numprocs: 2}}
`)
	var got []string
	for _, w := range cfg.Warnings {
		if strings.Contains(w.Msg, "hook") {
			got = append(got, w.Msg)
		}
	}
	want := []string{
		`warning: hook 1: run: "no-such-command-x": command not found`,
		`warning: hook 1: programs: "db:7" matches no program`,
		`warning: hook 1: programs: "wbe*" matches no program`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestSameHook(t *testing.T) {
	noEnviron(t)
	hook := func(fields string) *Hook {
		return load(t, "hooks: [{on: fatal, run: x"+fields+"}]\nprograms: {a: {cmd: x}}\n").Hooks[0]
	}
	for _, other := range []string{", timeout: 5", ", every: 1", ", programs: a"} {
		if SameHook(hook(""), hook(other)) {
			t.Errorf("no difference by %s", other)
		}
	}
	if !SameHook(hook(""), hook(", timeout: 10s, every: 0")) {
		t.Error("the defaults are a difference")
	}
}

func TestEventKindsAreDistinct(t *testing.T) {
	if len(eventBits) != len(EventKinds) {
		t.Errorf("%d names for %d kinds of events", len(eventBits), len(EventKinds))
	}
}
