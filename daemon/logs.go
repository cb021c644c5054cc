package daemon

import (
	"maps"
	"os"
	"slices"
	"strconv"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/logfile"
	"taskmaster/spawn"
)

// GzipCommand is the hidden subcommand of our own binary that compresses one
// rotated log file, as a child of low priority.
const GzipCommand = "gzip-log"

// logSink is where the daemon's own log goes at present.
type logSink struct {
	file    *logfile.File
	stream  *logfile.Stream
	aloud   *aloud // of log: stderr
	service *serviceSink
	word    string // of the configuration
}

func itoa(n int) string { return strconv.Itoa(n) }

// openLogs opens the daemon's own log; every later fault is told there.
func (d *Daemon) openLogs() error {
	d.newLogs()
	return d.openJournal(&d.cfg.Daemon)
}

// newLogs makes the book of all log files, and a journal that goes nowhere yet.
func (d *Daemon) newLogs() {
	d.out, d.err = d.newConsole(1), d.newConsole(2)
	d.book = logfile.NewBook()
	d.book.Fault = func(path string, err error, dropped int64) {
		d.log(journal.Error, "log fault", journal.Str("path", path), journal.Err(err), journal.Int("dropped", int(dropped)))
	}
	d.book.Healed = func(path string, dropped int64) {
		d.log(journal.Warn, "log healed", journal.Str("path", path), journal.Int("dropped", int(dropped)))
	}
	d.book.Compress = d.compress
	d.journal = journal.New(nil, journal.Info, false)
	d.journal.OnLine = d.followLog
}

// openJournal sends the daemon's log where the configuration says. On an error
// it stays where it was.
func (d *Daemon) openJournal(c *config.Daemon) error {
	level, _ := journal.ParseLevel(c.LogLevel)
	var sink journal.Sink
	logs := logSink{word: c.Log}
	switch c.Log {
	case "none":
	case "syslog", "journal":
		if logs.service = d.logs.service; logs.service == nil || d.logs.word != c.Log {
			logs.service = d.openService(c.Log)
		}
	case "stderr":
		logs.aloud = d.aloud(d.err, config.Output{})
		sink = logs.aloud
	default:
		o := logfile.Options{Path: c.Log, MaxBytes: c.LogMaxBytes, Backups: c.LogBackups, Mode: 0o640}
		var err error
		if logs.file, err = d.book.Open(o); err != nil {
			return err
		}
		logs.stream = logs.file.Stream(o)
		sink = logs.stream
	}
	if d.logs.file != nil {
		d.logs.stream.End(d.now)
		d.logs.file.Close()
	}
	d.setService(logs.service)
	d.logs = logs
	d.journal.SetSink(sink)
	d.journal.SetLevel(level)
	d.journal.SetFormat(c.LogFormat == "json")
	return nil
}

// setService makes s, which may be nil, the log service in place of the one so far.
func (d *Daemon) setService(s *serviceSink) {
	if was := d.logs.service; was != nil && was != s {
		was.socket.Close()
	}
	if s == nil {
		d.journal.SetService(nil)
	} else {
		d.journal.SetService(s.Service)
	}
}

// fault is something that should not happen and must not end us. A fault that
// comes again and again is said at its 1st, 2nd, 4th, 8th … time only.
func (d *Daemon) fault(step string, err error) {
	if d.failures == nil {
		d.failures = map[string]int64{}
	}
	key := step + ": " + err.Error()
	if len(d.failures) > 1000 {
		clear(d.failures)
	}
	d.failures[key]++
	if n := d.failures[key]; n&(n-1) == 0 {
		d.log(journal.Error, "fault", journal.Str("step", step), journal.Err(err), journal.Int("times", int(n)))
	}
}

// reopen is SIGUSR2: every log file anew.
func (d *Daemon) reopen() { d.book.Reopen(d.now) }

// compress has a rotated file compressed.
func (d *Daemon) compress(path string) {
	d.runAside(&aside{
		name:   "compress " + path,
		cmd:    &spawn.Command{Argv: []string{"/proc/self/exe", GzipCommand, path}, Env: os.Environ(), Dir: "/", Umask: -1},
		done:   d.compressed(path),
		sequel: sequel{"compress", path},
	})
}

// compressed is the end of a compression.
func (d *Daemon) compressed(path string) func(outcome) {
	return func(o outcome) {
		if why := o.fault(); why != "" {
			d.log(journal.Warn, "compress failed", journal.Str("path", path), journal.Str("error", why), journal.Str("output", o.said()))
		}
		d.book.Compressed(path)
	}
}

// compressing tells which compressions run.
func (d *Daemon) compressing() map[string]bool {
	out := map[string]bool{}
	for _, a := range slices.Concat(slices.Collect(maps.Values(d.asides.byPid)), d.asides.going) {
		if a.sequel.Kind == "compress" {
			out[a.sequel.Arg] = true
		}
	}
	return out
}
