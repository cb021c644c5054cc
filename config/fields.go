package config

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"taskmaster/process"
)

// Bounds that are no kernel's.
const (
	maxInstances = 10000
	maxBackups   = 1000
	maxRetries   = 1<<31 - 1
)

// Words that say where a stream goes; any other is a path.
var (
	stdoutWords = []string{"capture", "none", "inherit"}
	stderrWords = []string{"capture", "none", "inherit", "stdout"}
)

// programFields is the table of all fields of a program, in the order of the documentation.
var programFields = []field[Program]{
	{
		spec: spec{
			name: "cmd", kind: kindCommand, process: true, def: "<required>", example: "sleep 1000", also: "command exec execstart args script run",
			doc: "What to run. Text is split into words as the POSIX shell does (quotes, backslash), with no shell, no globbing and no comments; a list is the exact argv. Found through the program's own PATH.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.command(n, p) },
		same: func(a, b *Program) bool { return slices.Equal(a.Cmd, b.Cmd) },
	},
	{
		spec: spec{
			name: "numprocs", kind: kindInt, min: 1, max: maxInstances, def: "1", example: "2", also: "instances replicas num_procs processes",
			doc: "How many instances run. One is called `web`, several `web:0`, `web:1` and so on.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.int(n, &p.NumProcs) },
		same: func(a, b *Program) bool { return a.NumProcs == b.NumProcs },
	},
	{
		spec: spec{
			name: "autostart", kind: kindBool, def: "true", example: "false", also: "enabled",
			doc: "Start with the daemon, and when a reload adds it.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.bool(n, &p.Policy.Autostart) },
		same: func(a, b *Program) bool { return a.Policy.Autostart == b.Policy.Autostart },
	},
	{
		spec: spec{
			name: "autorestart", kind: kindRestart, def: "unexpected", example: "always", also: "restart",
			doc: "What to do when an instance that had reached RUNNING ends by itself: `always` start it again, `never`, or only when its exit is `unexpected`. `true` is always, `false` is never.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.restart(n, &p.Policy.Autorestart) },
		same: func(a, b *Program) bool { return a.Policy.Autorestart == b.Policy.Autorestart },
	},
	{
		spec: spec{
			name: "exitcodes", kind: kindCodes, def: "[0]", example: "[0, 2]", also: "successexitstatus exit_codes",
			doc: "The exit codes that are expected: a number or a list. Death by a signal is never expected.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.codes(n, &p.Policy.ExitCodes) },
		same: func(a, b *Program) bool { return a.Policy.ExitCodes == b.Policy.ExitCodes },
	},
	{
		spec: spec{
			name: "startretries", kind: kindInt, min: process.Forever, max: maxRetries, def: "3", example: "-1", also: "retries max_restarts",
			doc: "Further tries after a failed start, so 3 means four launches; -1 is for ever.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.int(n, &p.Policy.StartRetries) },
		same: func(a, b *Program) bool { return a.Policy.StartRetries == b.Policy.StartRetries },
	},
	{
		spec: spec{
			name: "starttime", kind: kindDuration, def: "1", example: "500ms", also: "startsecs min_uptime",
			doc: "How long an instance must live to count as started; 0 is once exec has succeeded. An exit before that is a failed start, whatever its code.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.Policy.StartTime) },
		same: func(a, b *Program) bool { return a.Policy.StartTime == b.Policy.StartTime },
	},
	{
		spec: spec{
			name: "stopsignal", kind: kindSignal, def: "TERM", example: "INT", also: "killsignal kill_signal",
			doc: "The signal that asks a program to end: `TERM`, `SIGTERM` or 15, in any case; `RTMIN+1` too.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.signal(n, &p.Policy.StopSignal) },
		same: func(a, b *Program) bool { return a.Policy.StopSignal == b.Policy.StopSignal },
	},
	{
		spec: spec{
			name: "stoptime", kind: kindDuration, def: "10", example: "2m", also: "stopwaitsecs timeoutstopsec kill_timeout stoptimeout stopsecs",
			doc: "How long after stopsignal SIGKILL follows; 0 is SIGKILL at once.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.Policy.StopTime) },
		same: func(a, b *Program) bool { return a.Policy.StopTime == b.Policy.StopTime },
	},
	{
		spec: spec{
			name: "prestart", kind: kindCommand, def: "<none>", example: "./migrate", also: "execstartpre",
			doc: "A command to run before each launch, as the program would run. Until it has ended the instance is STARTING; when it fails, the start has failed.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.escort(n, p, Prestart) },
		same: func(a, b *Program) bool { return sameEscort(a, b, Prestart) },
	},
	{
		spec: spec{
			name: "poststart", kind: kindCommand, def: "<none>", example: "./announce up", also: "execstartpost",
			doc: "A command to run once an instance is RUNNING. When it fails, that is said and changes nothing.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.escort(n, p, Poststart) },
		same: func(a, b *Program) bool { return sameEscort(a, b, Poststart) },
	},
	{
		spec: spec{
			name: "stopcmd", kind: kindCommand, def: "<none>", example: "nginx -s quit", also: "execstop stopcommand",
			doc: "A command that asks the program to end, in place of stopsignal: `TASKMASTER_PID` is its process. It too has stoptime; when it fails, stopsignal is sent.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.escort(n, p, Stopcmd) },
		same: func(a, b *Program) bool { return sameEscort(a, b, Stopcmd) },
	},
	{
		spec: spec{
			name: "poststop", kind: kindCommand, def: "<none>", example: "rm -rf /tmp/web", also: "execstoppost",
			doc: "A command to run whenever a process of it has ended and nothing of it is left, and before the next one is launched. When it fails, that is said and changes nothing.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.escort(n, p, Poststop) },
		same: func(a, b *Program) bool { return sameEscort(a, b, Poststop) },
	},
	{
		spec: spec{
			name: "hooktime", kind: kindDuration, min: int64(time.Millisecond), def: "60", example: "5m",
			doc: "How long prestart, poststart and poststop may take; past it they are killed, and have failed.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.HookTime) },
		same: func(a, b *Program) bool { return a.HookTime == b.HookTime },
	},
	{
		spec: spec{
			name: "reloadsignal", kind: kindSignal, def: "<none>", example: "HUP", also: "execreload",
			doc: "The signal that `reload TARGET` sends, to a program that reads its own files anew; nothing restarts.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.signal(n, &p.ReloadSignal) },
		same: func(a, b *Program) bool { return a.ReloadSignal == b.ReloadSignal },
	},
	{
		spec: spec{
			name: "oneshot", kind: kindBool, def: "false", example: "true",
			doc: "A task that ends: an expected exit code is success whenever it comes (EXITED, never restarted), an unexpected one is a failed start.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.bool(n, &p.Policy.Oneshot) },
		same: func(a, b *Program) bool { return a.Policy.Oneshot == b.Policy.Oneshot },
	},
	{
		spec: spec{
			name: "schedule", kind: kindSchedule, def: "none", example: `"*/5 * * * *"`, also: "cron cron_schedule cron_restart oncalendar",
			doc: "When a program with `oneshot: true` runs by itself: `minute hour day month weekday` as in a crontab, `@daily` and the like, or `@every 10m`. It is not started with the daemon then. See [schedules](schedule.md).",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.schedule(n, p) },
		same: func(a, b *Program) bool { return a.Plan() == b.Plan() },
	},
	{
		spec: spec{
			name: "watch", kind: kindWatch, def: "false", example: "[true, settings.yaml]", also: "watch_files autoreload pathchanged pathmodified",
			doc: "Restart it a second after the last change of one of these: a path or a list of them, files or directories (what is directly in them); `true` is its own binary. See [watch](watch.md).",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.watches(n, p) },
		same: sameWatch,
	},
	{
		spec: spec{
			name: "stdout", kind: kindOutput, process: true, words: stdoutWords, def: "capture", example: "{path: web.log, maxbytes: 10MiB}", also: "stdout_logfile out_file standardoutput logfile",
			doc: "Where standard output goes: a path (appended, never truncated), `capture` (the last part is kept in memory, for `tail`), `none` (/dev/null), `inherit` (the daemon's own), or a mapping, see below.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.output(n, &p.Stdout, &p.from.stdout) },
		same: func(a, b *Program) bool { return a.Stdout == b.Stdout },
	},
	{
		spec: spec{
			name: "stderr", kind: kindOutput, process: true, words: stderrWords, def: "capture", example: "stdout", also: "stderr_logfile error_file standarderror redirect_stderr",
			doc: "Where standard error goes: as stdout, and `stdout` for the same stream as that.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.output(n, &p.Stderr, &p.from.stderr) },
		same: func(a, b *Program) bool { return a.Stderr == b.Stderr },
	},
	{
		spec: spec{
			name: "tty", kind: kindBool, process: true, def: "false", example: "true", also: "terminal pty usepty",
			doc: "It gets a pseudo-terminal as its standard input, output and error, in a session of its own; `attach` types into it. What it prints goes the way of `stdout`; `stderr` then means nothing. TERM is `xterm-256color` where the environment has none.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.bool(n, &p.TTY) },
		same: func(a, b *Program) bool { return a.TTY == b.TTY },
	},
	{
		spec: spec{
			name: "env", kind: kindEnv, process: true, def: "{}", example: "{PORT: 8080}", also: "environment environ",
			doc: "Variables added to the daemon's environment. Values are the text as written: `on`, `007` and `1e3` stay that; an empty one is `\"\"`. In defaults it is merged under the program's own.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.env(n, &p.Env, &p.from.env) },
		same: func(a, b *Program) bool { return sameVars(a.Env, b.Env) && sameVars(a.BaseEnv, b.BaseEnv) },
	},
	{
		spec: spec{
			name: "env_file", kind: kindPaths, process: true, def: "[]", example: "web.env", also: "environmentfile envfile dotenv",
			doc: "A file of KEY=VALUE lines, or a list of them, read anew at each start; env wins over it.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.paths(n, &p.EnvFiles) },
		same: func(a, b *Program) bool { return slices.Equal(a.EnvFiles, b.EnvFiles) },
	},
	{
		spec: spec{
			name: "workingdir", kind: kindPath, process: true, def: "<the configuration's directory>", example: "/tmp", also: "directory cwd chdir workingdirectory dir",
			doc: "The directory it runs in; it must exist when the instance starts.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.dir(n, p) },
		same: func(a, b *Program) bool { return a.Dir == b.Dir },
	},
	{
		spec: spec{
			name: "umask", kind: kindOctal, process: true, max: 0o777, def: "<the daemon's>", example: "022",
			doc: "The file mode creation mask, octal whether quoted or not: `022`, `\"022\"`, `0o22` and `22` are the same.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.octal(n, func(v int64) { p.Umask = int(v) }) },
		same: func(a, b *Program) bool { return a.Umask == b.Umask },
	},
	{
		spec: spec{
			name: "user", kind: kindAccount, process: true, def: "<the daemon's>", example: "nobody", also: "uid runas",
			doc: "The user it runs as, a name or number (needs root). Group and supplementary groups are those of the user; HOME, USER and LOGNAME are set.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.account(n, &p.User) },
		same: func(a, b *Program) bool { return a.User == b.User },
	},
	{
		spec: spec{
			name: "group", kind: kindAccount, process: true, def: "<the user's, or the daemon's>", example: "nogroup", also: "gid",
			doc: "The group it runs as, a name or number (needs root).",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.account(n, &p.Group) },
		same: func(a, b *Program) bool { return a.Group == b.Group },
	},
	{
		spec: spec{
			name: "limits", kind: kindLimits, process: true, def: "{}", example: "{nofile: 65536, core: 0}", also: "rlimits ulimits ulimit",
			doc: "Resource limits, soft and hard alike, in force before the program's first instruction; see below.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.limits(n, &p.Limits) },
		same: func(a, b *Program) bool { return slices.Equal(a.Limits, b.Limits) },
	},
	{
		spec: spec{
			name: "nice", kind: kindInt, process: true, min: -20, max: 19, def: "<the daemon's>", example: "10", also: "priority niceness",
			doc: "The scheduling priority, from -20 (most) to 19.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.optionalInt(n, &p.Nice) },
		same: func(a, b *Program) bool { return sameInt(a.Nice, b.Nice) },
	},
	{
		spec: spec{
			name: "oom_score_adj", kind: kindInt, process: true, min: -1000, max: 1000, def: "<the daemon's>", example: "500", also: "oomscoreadjust",
			doc: "How readily the kernel kills it when memory runs out, from -1000 (never) to 1000.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.optionalInt(n, &p.OOMScoreAdj) },
		same: func(a, b *Program) bool { return sameInt(a.OOMScoreAdj, b.OOMScoreAdj) },
	},
	{
		spec: spec{
			name: "memory_max", kind: kindMemoryMax, def: "max", example: "64MiB", also: "memorymax memory_limit mem_limit memorylimit",
			doc: "How much memory each instance may take, all its processes together; past it the kernel kills one of them, and that is said. Needs cgroups, see below.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.cgroupMax(n, p, MemoryMax, parseMemoryMax) },
		same: func(a, b *Program) bool { return a.CgroupMax()[MemoryMax] == b.CgroupMax()[MemoryMax] },
	},
	{
		spec: spec{
			name: "cpu_max", kind: kindCPUMax, def: "max", example: "0.5", also: "cpuquota cpus cpu_quota cpu_limit",
			doc: "How much processor time each instance may take: cores (`0.5`, `2`), a percentage of one (`50%`), or the kernel's own quota and period in microseconds (`50000 100000`). Needs cgroups, see below.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.cgroupMax(n, p, CPUMax, parseCPUMax) },
		same: func(a, b *Program) bool { return a.CgroupMax()[CPUMax] == b.CgroupMax()[CPUMax] },
	},
	{
		spec: spec{
			name: "pids_max", kind: kindPidsMax, def: "max", example: "50", also: "tasksmax pids_limit pidsmax",
			doc: "How many processes and threads each instance may have; a fork past it fails. Needs cgroups, see below.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.cgroupMax(n, p, PidsMax, parsePidsMax) },
		same: func(a, b *Program) bool { return a.CgroupMax()[PidsMax] == b.CgroupMax()[PidsMax] },
	},
	{
		spec: spec{
			name: "killmode", kind: kindWord, words: []string{"tree", "group", "process"}, def: "tree", example: "group", also: "killasgroup stopasgroup kill_mode",
			doc: "How far a stop reaches: `tree`, nothing of the program outlives it; `group`, its process group; `process`, only its leader.",
		},
		read: func(a at, n *yaml.Node, p *Program) {
			a.word(n, func(i int) { p.Policy.KillMode = process.KillMode(i) })
		},
		same: func(a, b *Program) bool { return a.Policy.KillMode == b.Policy.KillMode },
	},
	{
		spec: spec{
			name: "backoff", kind: kindDuration, min: int64(time.Millisecond), def: "1", example: "500ms", also: "restartsec restart_delay",
			doc: "How long to wait before the first retry of a failed start; doubled each time.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.Policy.Backoff) },
		same: func(a, b *Program) bool { return a.Policy.Backoff == b.Policy.Backoff },
	},
	{
		spec: spec{
			name: "backoffmax", kind: kindDuration, min: int64(time.Millisecond), def: "60", example: "5m",
			doc: "The longest wait between two tries.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.Policy.BackoffMax) },
		same: func(a, b *Program) bool { return a.Policy.BackoffMax == b.Policy.BackoffMax },
	},
	{
		spec: spec{
			name: "ready", kind: kindReady, process: true, def: "<none>", example: "{tcp: \"localhost:5432\"}", also: "readiness readinessprobe",
			doc: "What turns STARTING into RUNNING, besides starttime: `notify`, or one of `fd`, `log`, `tcp`, `http` and `exec`, see below. A reload that changes it restarts only to or from `notify` and `fd`.",
		},
		read:   func(a at, n *yaml.Node, p *Program) { a.ready(n, p) },
		same:   func(a, b *Program) bool { return a.Needs().Ready.same(b.Needs().Ready) },
		steers: func(a, b *Program) bool { return !a.Needs().Ready.given() && !b.Needs().Ready.given() },
	},
	{
		spec: spec{
			name: "readytime", kind: kindDuration, min: int64(time.Millisecond), def: "30", example: "2m", also: "timeoutstartsec listen_timeout",
			doc: "How long after its launch it must be ready; past that the start has failed.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.watch().ReadyTime) },
		same: func(a, b *Program) bool { return a.Policy.Watching().ReadyTime == b.Policy.Watching().ReadyTime },
	},
	{
		spec: spec{
			name: "depends_on", kind: kindDepends, def: "[]", example: "[db]", also: "requires after depends dependencies wants",
			doc: "The programs that must be there before this one starts, and that stop after it: `[db]` is RUNNING; `{db: ready, cache: started, migrate: exited}` says for each what is waited for.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.depends(n, p) },
		same: func(a, b *Program) bool { return sameNeeds(a.Needs().DependsOn, b.Needs().DependsOn) },
	},
	{
		spec: spec{
			name: "restart_dependents", kind: kindBool, def: "false", example: "true", also: "partof",
			doc: "When it has been restarted and is ready again, the running programs that depend on it are restarted too.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.bool(n, &p.Policy.RestartDependents) },
		same: func(a, b *Program) bool { return a.Policy.RestartDependents == b.Policy.RestartDependents },
	},
	{
		spec: spec{
			name: "health", kind: kindHealth, def: "<none>", example: "{exec: \"true\", interval: 10}", also: "healthcheck livenessprobe",
			doc: "A check of a RUNNING instance, by `tcp`, `http` or `exec`, see below. When it fails too often in a row the instance is restarted.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.health(n, p) },
		same: func(a, b *Program) bool { return sameHealth(a, b) },
	},
	{
		spec: spec{
			name: "watchdog", kind: kindDuration, min: int64(time.Millisecond), process: true, def: "<none>", example: "30", also: "watchdogsec",
			doc: "How often a RUNNING instance must send `WATCHDOG=1` to NOTIFY_SOCKET; it is told so in WATCHDOG_USEC. When it does not, it is restarted.",
		},
		read: func(a at, n *yaml.Node, p *Program) { a.duration(n, &p.watch().Watchdog) },
		same: func(a, b *Program) bool { return a.Policy.Watching().Watchdog == b.Policy.Watching().Watchdog },
	},
}

func sameInt(a, b *int) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// sameVars tells whether two lists without doubles hold the same, in any order.
func sameVars(a, b []Var) bool {
	if len(a) != len(b) {
		return false
	}
	for i, v := range a {
		if b[i] != v && !slices.Contains(b, v) {
			return false
		}
	}
	return true
}

// defaultProgram is a program that says nothing: what the column of defaults promises.
func defaultProgram(dir string) Program {
	return Program{NumProcs: 1, Policy: process.DefaultPolicy(), Umask: -1, Dir: literal(dir), HookTime: time.Minute, from: &origin{}}
}
