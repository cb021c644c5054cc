package config

import (
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	noEnviron(t)
	base := "cmd: x, env: {A: sekret, B: 2}"
	for _, c := range []struct{ old, new, want string }{
		{base, "env: {B: 2, A: sekret}, cmd: [x]", "a: unchanged"},
		{base, base + ", stoptime: 10s, umask: 22", "a: changed (umask)"},
		{base + ", umask: 022", base + ", umask: '0o22'", "a: unchanged"},
		{base, base + ", stoptime: 3", "a: updated (stoptime)"},
		{base, base + ", numprocs: 3", "a: updated (numprocs)"},
		{base, base + ", backoff: 2, stopsignal: 15, autostart: no", "a: updated (autostart, backoff)"},
		{base, "cmd: x y, env: {A: sekret2, B: 2}, killmode: group, nice: 3", "a: changed (cmd, env, nice, killmode)"},
		{base, "cmd: x, env: {A: sekret, C: 2}", "a: changed (env)"},
		{base, "cmd: x, env: {A: sekret}", "a: changed (env)"},
		{"cmd: x, stdout: a.log", "cmd: x, stdout: {path: ./a.log, backups: 3}", "a: unchanged"},
		{"cmd: x, stdout: a.log", "cmd: x, stdout: /c/b.log", "a: changed (stdout)"},
		{"cmd: x, workingdir: .", "cmd: x", "a: unchanged"},
		{"cmd: x, limits: {core: 0, nofile: 9}", "cmd: x, limits: {nofile: 9, core: 0}", "a: unchanged"},
		{"cmd: x, limits: {core: 0}", "cmd: x, limits: {core: unlimited}", "a: changed (limits)"},
		{"cmd: x, memory_max: 64MiB, cpu_max: 0.5", "cmd: x, memory_max: 67108864, cpu_max: 50000 100000, pids_max: max", "a: unchanged"},
		{"cmd: x, memory_max: 64MiB", "cmd: x, cpu_max: 200%", "a: updated (memory_max, cpu_max)"},
		{"cmd: x, oneshot: true, schedule: '@daily'", "cmd: x, oneshot: true, schedule: '0 0  * * *', autostart: true", "a: unchanged"},
		{"cmd: x, oneshot: true, schedule: '@daily'", "cmd: x, oneshot: true, schedule: '@hourly'", "a: updated (schedule)"},
		{"cmd: x", "cmd: x, watch: a", "a: updated (watch)"},
		{"cmd: x, watch: a", "cmd: x, watch: [true, a]", "a: updated (watch)"},
		{"cmd: x, watch: [true, a]", "cmd: x, watch: [./a, yes]", "a: unchanged"},
		{"cmd: x, watch: no", "cmd: x, watch: []", "a: unchanged"},
		{"cmd: x, env_file: [a, b]", "cmd: x, env_file: [b, a]", "a: changed (env_file)"},
		{base, base + ", tty: true", "a: changed (tty)"},
		{base + ", tty: on", base + ", tty: yes", "a: unchanged"},
		{"cmd: x, user: root, nice: 1", "cmd: x, group: root, nice: 1", "a: changed (user, group)"},
		{"cmd: x, ready: {tcp: 'a:1'}", "cmd: x, ready: {tcp: 'a:2'}, readytime: 3", "a: updated (ready, readytime)"},
		{"cmd: x, ready: {log: x}", "cmd: x", "a: updated (ready)"},
		{"cmd: x, ready: {log: x}", "cmd: x, ready: notify", "a: changed (ready)"},
		{"cmd: x, ready: {fd: 3}", "cmd: x, ready: {fd: 4}", "a: changed (ready)"},
		{"cmd: x, ready: {fd: 3}", "cmd: x, ready: {fd: 3}", "a: unchanged"},
		{"cmd: x, health: {exec: a}", "cmd: x, health: {exec: a, interval: 10, retries: 3}", "a: unchanged"},
		{"cmd: x, health: {exec: a}", "cmd: x, health: {exec: a, interval: 11}", "a: updated (health)"},
		{"cmd: x", "cmd: x, health: {exec: a}, restart_dependents: yes", "a: updated (restart_dependents, health)"},
		{"cmd: x", "cmd: x, watchdog: 5", "a: changed (watchdog)"},
	} {
		got := Diff(load(t, "programs: {a: {"+c.old+"}}\n"), load(t, "programs: {a: {"+c.new+"}}\n"))
		if len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%s → %s: %v, want %s", c.old, c.new, got, c.want)
		}
	}
}

func TestDiffOrder(t *testing.T) {
	noEnviron(t)
	old := load(t, "programs: {gone: {cmd: x}, a: {cmd: x}, b: {cmd: x}, gone2: {cmd: x}}\n")
	new := load(t, "daemon: {env: {A: sekret}, loglevel: debug, socket: none}\nprograms: {b: {cmd: x}, new: {cmd: x}, a: {cmd: x}}\n")
	var got []string
	for _, c := range Diff(old, new) {
		got = append(got, c.String())
		if (c.Old == nil) != (c.Kind == Added) || (c.New == nil) != (c.Kind == Removed) {
			t.Errorf("%s: %v, %v", c, c.Old, c.New)
		}
	}
	if want := "b: changed (env)|new: added|a: changed (env)|gone: removed|gone2: removed"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %s", got, want)
	}
	if got := DiffDaemon(old.Daemon, new.Daemon); !slices.Equal(got, []string{"loglevel", "socket", "env"}) {
		t.Errorf("daemon: %q", got)
	}
}
