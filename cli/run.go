package cli

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"taskmaster/config"
	"taskmaster/daemon"
	"taskmaster/spawn"
	"taskmaster/sys"
)

// fields are the main fields of a program as flags of run -- CMD.
var fields = []string{"autorestart", "exitcodes", "startretries", "starttime", "stopsignal", "stoptime", "oneshot", "workingdir", "umask", "user", "env_file", "killmode", "stdout", "stderr"}

// runFlags are the flags of run, which win over the file.
type runFlags struct {
	*flag.FlagSet
	detach, detached, noShell, noCgroup bool
	socket, log, pidfile, loglevel      string
}

func newRunFlags() *runFlags {
	f := &runFlags{FlagSet: flags("run", "[run] [FLAG…] CONFIG\n       taskmaster run [FLAG…] -- CMD ARG…",
		"runs the daemon in the foreground, with a shell on standard input.\nWith -- it supervises one command without a file (for containers).\n")}
	f.BoolVar(&f.detach, "detach", false, "go to the background once the daemon is up")
	f.BoolVar(&f.detached, strings.TrimLeft(daemon.DetachCommand, "-"), false, "hidden: the process that --detach starts")
	f.BoolVar(&f.noShell, "no-shell", false, "read no commands from standard input")
	f.BoolVar(&f.noCgroup, "no-cgroup", false, "hidden: hold process trees without cgroups")
	f.StringVar(&f.socket, "socket", "", "`PATH` of the control socket, or none")
	f.StringVar(&f.log, "log", "", "`PATH` of the daemon's log, stderr, syslog, journal or none")
	f.StringVar(&f.pidfile, "pidfile", "", "`PATH` of a file that holds the daemon's pid")
	f.StringVar(&f.loglevel, "loglevel", "", "`LEVEL`: debug, info, warn or error")
	for _, name := range fields {
		f.String(name, "", "`VALUE` of this field of CMD (only with --)")
	}
	return f
}

func run(args []string, version string) int {
	resume := daemon.Inherit()
	if err := spawn.EnsureStdio(); err != nil {
		return failed(err)
	}
	f := newRunFlags()
	own, cmd := args, []string(nil)
	if n := slices.Index(args, "--"); n >= 0 {
		own, cmd = args[:n], args[n+1:]
	}
	if code, ok := parse(f.FlagSet, own); !ok {
		return code
	}
	if code := f.misuse(cmd); code != fine {
		return code
	}
	o := daemon.Options{
		Load: f.loader(cmd), Shell: !f.noShell && !f.detached, Cgroups: !f.noCgroup, Version: version, Detached: f.detached,
		Binary: binary(), Resume: resume,
	}
	if resume != nil {
		return daemon.Run(o)
	}
	var err error
	if o.Config, err = o.Load(); err != nil {
		return faulty(err)
	}
	if f.detach && !f.detached {
		return daemon.Detach(args)
	}
	return daemon.Run(o)
}

// binary is the path by which this program was started, as a symbolic link to
// versions of it wants to be followed at the next upgrade; when that is not
// what runs, the path that the kernel knows.
func binary() string {
	if path, err := spawn.LookPath(os.Args[0], os.Getenv("PATH"), ""); err == nil {
		started, err := os.Stat(path)
		running, err2 := os.Stat("/proc/self/exe")
		if errors.Join(err, err2) == nil && os.SameFile(started, running) {
			return absolute(path)
		}
	}
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

func (f *runFlags) misuse(cmd []string) int {
	switch {
	case cmd == nil && f.NArg() == 0:
		return misused("run", "a configuration file is needed")
	case cmd == nil && f.NArg() > 1:
		return misused("run", "one configuration file is needed, not "+f.Arg(1)+" too; flags come before it")
	case cmd != nil && (len(cmd) == 0 || f.NArg() > 0):
		return misused("run", "after -- a command is needed, and no file before it")
	}
	if f.loglevel != "" && !slices.Contains([]string{"debug", "info", "warn", "error"}, f.loglevel) {
		return misused("run", "loglevel is debug, info, warn or error, not "+f.loglevel)
	}
	return fine
}

// loader reads the configuration, at the start and for each reload. A relative
// path means the directory that the daemon was started in, then and later.
func (f *runFlags) loader(cmd []string) func() (*config.Config, error) {
	path, err := f.Arg(0), error(nil)
	if cmd == nil {
		path, err = filepath.Abs(path)
	}
	return func() (*config.Config, error) {
		if err != nil {
			return nil, err
		}
		var cfg *config.Config
		var fault error
		if cmd != nil {
			cfg, fault = config.ForCommand(cmd, f.given())
		} else {
			cfg, fault = config.Load(path)
		}
		if fault == nil {
			f.override(&cfg.Daemon)
		}
		return cfg, fault
	}
}

// given are the fields of CMD that the command line sets.
func (f *runFlags) given() map[string]string {
	out := map[string]string{}
	f.Visit(func(x *flag.Flag) {
		if slices.Contains(fields, x.Name) {
			out[x.Name] = x.Value.String()
		}
	})
	return out
}

func (f *runFlags) override(d *config.Daemon) {
	for _, o := range []struct {
		flag string
		to   *string
	}{{f.socket, &d.Socket}, {f.log, &d.Log}, {f.pidfile, &d.PidFile}} {
		switch {
		case o.flag == "":
		case o.flag == "none" || slices.Contains(config.LogWords, o.flag) && o.to == &d.Log:
			*o.to = o.flag
		default:
			*o.to = absolute(o.flag)
		}
	}
	if d.PidFile == "none" {
		d.PidFile = ""
	}
	if f.loglevel != "" {
		d.LogLevel = f.loglevel
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// faulty shows why a configuration cannot be used.
func faulty(err error) int {
	var faults config.Faults
	if !errors.As(err, &faults) {
		return failed(err)
	}
	config.Write(os.Stderr, faults, sys.IsTerminal(2))
	return failure
}
