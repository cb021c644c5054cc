package config

import (
	"gopkg.in/yaml.v3"
)

// Words that say where the daemon's log goes; any other is a path. None is
// also a socket or pid file that is not wanted.
const (
	wordNone    = "none"
	wordStderr  = "stderr"
	wordSyslog  = "syslog"
	wordJournal = "journal"
)

var (
	// LogWords is what daemon.log can be besides a path.
	LogWords   = []string{wordStderr, wordSyslog, wordJournal, wordNone}
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}

	orphanWords = []string{"adopt", "kill"}
)

// daemonFields is the table of all fields of the section daemon.
var daemonFields = []field[Daemon]{
	{
		spec: spec{
			name: "log", kind: kindPath, words: LogWords, def: "taskmaster.log", example: "stderr", also: "logfile",
			doc: "The daemon's own log: a path, `stderr`, `syslog` (the socket /dev/log), `journal` (journald, with fields) or `none`.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.place(n, &d.Log) },
		same: func(a, b *Daemon) bool { return a.Log == b.Log },
	},
	{
		spec: spec{
			name: "loglevel", kind: kindWord, words: logLevels, def: "info", example: "debug",
			doc: "The least important lines that are logged.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.word(n, func(i int) { d.LogLevel = logLevels[i] }) },
		same: func(a, b *Daemon) bool { return a.LogLevel == b.LogLevel },
	},
	{
		spec: spec{
			name: "logformat", kind: kindWord, words: logFormats, def: "text", example: "json",
			doc: "Key=value text, or a JSON object a line.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.word(n, func(i int) { d.LogFormat = logFormats[i] }) },
		same: func(a, b *Daemon) bool { return a.LogFormat == b.LogFormat },
	},
	{
		spec: spec{
			name: "log_maxbytes", kind: kindSize, def: "10MiB", example: "512KiB", also: "logfile_maxbytes",
			doc: "The size at which the daemon's log is rotated; 0 is never.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.size(n, &d.LogMaxBytes) },
		same: func(a, b *Daemon) bool { return a.LogMaxBytes == b.LogMaxBytes },
	},
	{
		spec: spec{
			name: "log_backups", kind: kindInt, max: maxBackups, def: "3", example: "10", also: "logfile_backups",
			doc: "How many rotated logs are kept.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.int(n, &d.LogBackups) },
		same: func(a, b *Daemon) bool { return a.LogBackups == b.LogBackups },
	},
	{
		spec: spec{
			name: "socket", kind: kindPath, words: []string{wordNone}, def: "taskmaster.sock", example: "none",
			doc: "The control socket: a path or `none`.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.place(n, &d.Socket) },
		same: func(a, b *Daemon) bool { return a.Socket == b.Socket },
	},
	{
		spec: spec{
			name: "socketmode", kind: kindOctal, max: 0o777, def: "\"0600\"", example: "\"0660\"", also: "chmod",
			doc: "The permissions of the socket.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.octal(n, func(v int64) { d.SocketMode = uint32(v) }) },
		same: func(a, b *Daemon) bool { return a.SocketMode == b.SocketMode },
	},
	{
		spec: spec{
			name: "pidfile", kind: kindPath, words: []string{wordNone}, def: "none", example: "taskmaster.pid", also: "pid",
			doc: "A file that holds the daemon's process id while it runs.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) {
			if a.place(n, &d.PidFile); d.PidFile == wordNone {
				d.PidFile = ""
			}
		},
		same: func(a, b *Daemon) bool { return a.PidFile == b.PidFile },
	},
	{
		spec: spec{
			name: "env", kind: kindEnv, def: "{}", example: "{TZ: UTC}", also: "environment",
			doc: "Variables for every program; those of a program win.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.env(n, &d.Env, &a.r.l.daemonEnv) },
		same: func(a, b *Daemon) bool { return sameVars(a.Env, b.Env) },
	},
	{
		spec: spec{
			name: "exit_on", kind: kindWord, words: []string{"never", "fatal", "done"}, def: "never", example: "done",
			doc: "When the daemon shuts down by itself: `fatal`, a program went FATAL (exit code 1); `done`, nothing is left running or due to run (0, whatever came of it).",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.word(n, func(i int) { d.ExitOn = ExitOn(i) }) },
		same: func(a, b *Daemon) bool { return a.ExitOn == b.ExitOn },
	},
	{
		spec: spec{
			name: "state", kind: kindPath, words: []string{wordNone}, def: "taskmaster.state", example: "none",
			doc: "Where it is written down what runs, as long as something does, so that a daemon that was killed leaves nothing unknown: a path or `none`.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.place(n, &d.State) },
		same: func(a, b *Daemon) bool { return a.State == b.State },
	},
	{
		spec: spec{
			name: "orphans", kind: kindWord, words: orphanWords, def: "adopt", example: "kill",
			doc: "What to do at the start with programs that a daemon which was killed has left: `adopt` takes over those that are as configured; `kill` stops all of them before anything is started.",
		},
		read: func(a at, n *yaml.Node, d *Daemon) { a.word(n, func(i int) { d.KillOrphans = i == 1 }) },
		same: func(a, b *Daemon) bool { return a.KillOrphans == b.KillOrphans },
	},
}

// defaultDaemon is the section daemon of a file that says nothing.
func defaultDaemon(src *source) Daemon {
	return Daemon{
		Log: src.absolute("taskmaster.log"), LogLevel: "info", LogFormat: "text",
		LogMaxBytes: 10 << 20, LogBackups: 3,
		Socket: src.absolute("taskmaster.sock"), SocketMode: 0o600, State: src.absolute("taskmaster.state"),
	}
}
