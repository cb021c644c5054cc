package config

import (
	"strconv"
	"strings"
	"time"

	"taskmaster/process"
)

// Config is a complete, valid configuration: every default filled in, every
// path absolute, programs in the order of the file (includes after it, sorted).
type Config struct {
	File     string // absolute path of the file it was read from
	Dir      string // its directory, which relative paths mean
	Daemon   Daemon
	Programs []*Program
	Hooks    []*Hook
	Warnings []Fault // what can be seen ahead: command not found, …
}

// ExitOn is daemon.exit_on.
type ExitOn uint8

// The values of daemon.exit_on.
const (
	ExitNever ExitOn = iota
	ExitFatal
	ExitDone
)

// Daemon is the section "daemon".
type Daemon struct {
	Log         string // absolute path, or one of LogWords
	LogLevel    string // debug, info, warn, error
	LogFormat   string // text, json
	LogMaxBytes int64  // bytes; 0 is never rotated
	LogBackups  int
	Socket      string // absolute path or "none"
	SocketMode  uint32 // permission bits
	PidFile     string // absolute path, "" is none
	Env         []Var  // for every program, in the order of the file
	ExitOn      ExitOn
	State       string // absolute path of the state file or "none"
	KillOrphans bool   // what an earlier daemon has left is stopped, not taken over
}

// Var is one environment variable; its value is as written, ${…} and {num} not yet put in.
type Var struct{ Name, Value string }

// OutputKind is where a stream of a program goes.
type OutputKind uint8

// The kinds of output.
const (
	Capture  OutputKind = iota // the last part is kept in memory
	ToFile                     // appended to File.Path
	ToNull                     // /dev/null
	Inherit                    // the daemon's own
	AsStdout                   // stderr: stdout, the same stream
)

// Output is the field stdout or stderr; all but Kind is for ToFile (Timestamp and Prefix also for Inherit).
type Output struct {
	Kind      OutputKind
	Path      string // a template in Program, absolute in Launch
	MaxBytes  int64  // bytes; 0 is never rotated
	Backups   int
	Compress  bool
	Timestamp bool
	Prefix    string
	Mode      uint32 // permission bits
}

// Unlimited is the value of a resource limit that is none (RLIM_INFINITY).
const Unlimited = ^uint64(0)

// Limit is one resource limit, soft and hard alike.
type Limit struct {
	Name     string // as in the file: nofile, core, …
	Resource int    // RLIMIT_*
	Value    uint64 // or Unlimited
}

// ProbeKind is how a program is found to be ready or well.
type ProbeKind uint8

// The kinds of probes. Those of readiness alone are told by the program itself.
const (
	ProbeNone   ProbeKind = iota
	ProbeTCP              // a connection to Target is taken
	ProbeHTTP             // a GET of Target is answered well
	ProbeExec             // Cmd exits with 0
	ReadyNotify           // READY=1 on NOTIFY_SOCKET
	ReadyFD               // a newline on descriptor FD
	ReadyLog              // a line of output matches Pattern
)

// Probe is one way to find out; the strings but Pattern are templates.
type Probe struct {
	Kind    ProbeKind
	Target  string // HOST:PORT or a URL
	Cmd     []string
	FD      int
	Pattern string // a regular expression
}

// Health is the field health, but for what decides on it (Policy.Health).
type Health struct {
	Probe
	Timeout time.Duration
}

// Terms is what a program needs to start and to go on, as far as it says.
type Terms struct {
	Ready     *Probe
	Health    *Health
	DependsOn []process.Need
}

// Needs gives the terms of a program, empty ones when it has none.
func (p *Program) Needs() Terms {
	if p.Terms == nil {
		return Terms{}
	}
	return *p.Terms
}

// terms gives terms to be written to, which no other program shares.
func (p *Program) terms() *Terms {
	own := p.Needs()
	p.Terms = &own
	return p.Terms
}

// watch gives how a program is watched, to be written to, which no other shares.
func (p *Program) watch() *process.Watch {
	own := *p.Policy.Watching()
	p.Policy.Watch = &own
	return p.Policy.Watch
}

// Program is one program as configured; strings marked "template" still hold {name}, {num} and ${VAR}.
type Program struct {
	Name         string
	NumProcs     int
	Policy       process.Policy
	ReloadSignal int      // 0 is none
	Cmd          []string // exact argv, templates
	Stdout       Output   // Path is a template
	Stderr       Output
	TTY          bool  // it has a pseudo-terminal; then both streams go the way of Stdout
	Env          []Var // templates, in the order of the file; daemon.env is not in it
	EnvFiles     []string
	Dir          string // template, absolute (one that begins with ${VAR} once that is put in)
	Umask        int    // -1 is the daemon's
	User, Group  string // name or number, "" is the daemon's
	Limits       []Limit
	Nice         *int
	OOMScoreAdj  *int
	Cgroup       *Cgroup // nil when it says nothing of it
	BaseEnv      []Var   // daemon.env as it was when this program was read
	HookTime     time.Duration
	Escort       *Escort   // nil when it has none of it
	Schedule     *Schedule // nil when nothing runs it by itself
	Watch        *Watch    // nil when it is restarted for no change of a file
	Terms        *Terms    // nil when it says nothing of them
	Hash         string    // ProcessHash, once somebody has asked for it

	Joined [2]bool // others than it go into the file of its stdout, of its stderr
	from   *origin // where the templates stand in the file; nil once the file has been checked
}

// SeveralWrite tells whether more than one stream goes into the file of the
// program's stdout, or of its stderr: of several instances, both of one, or
// those of another program, as far as the templates of the paths tell.
func (p *Program) SeveralWrite(stdout bool) bool {
	path, other, joined := p.Stdout.Path, p.Stderr.Path, p.Joined[0]
	if !stdout {
		path, other, joined = other, path, p.Joined[1]
	}
	return joined || path == other || p.NumProcs > 1 && !strings.Contains(path, "{num}")
}

// joinOutputs finds the files that several programs, or the daemon's log, go into.
func (c *Config) joinOutputs() {
	writers := map[string]*Program{c.Daemon.Log: nil}
	for _, p := range c.Programs {
		for n, o := range []*Output{&p.Stdout, &p.Stderr} {
			first, met := writers[o.Path]
			switch {
			case o.Kind != ToFile || strings.Contains(o.Path, "{name}"):
			case !met:
				writers[o.Path] = p
			case first != p:
				p.Joined[n] = true
				if first != nil {
					first.joinAt(o.Path)
				}
			}
		}
	}
}

func (p *Program) joinAt(path string) {
	p.Joined[0] = p.Joined[0] || p.Stdout.Path == path
	p.Joined[1] = p.Joined[1] || p.Stderr.Path == path
}

// Launch is one instance, ready to be started: templates and environment put in.
type Launch struct {
	Argv           []string // Argv[0] not looked up in PATH yet
	Env            []string // KEY=VALUE, complete
	Path           string   // the child's own PATH
	Dir            string
	Stdout, Stderr Output
	Identity       *Identity // nil when it stays the daemon's
	Watch          []string  // files and directories that it is restarted for
}

// InstanceName is web for the only instance of a program, web:2 for one of several.
func InstanceName(program string, num, numprocs int) string {
	if numprocs == 1 {
		return program
	}
	return program + ":" + strconv.Itoa(num)
}
