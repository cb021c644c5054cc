// Package process decides. It holds the state machine of one instance and the
// set of them all, as pure functions of events and a time that is handed in:
// no descriptor, no clock, no file, no goroutine.
package process

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is where one instance stands. The names are those of supervisord.
type State uint8

// The states of an instance.
const (
	Stopped  State = iota // not running, and nobody wants it to
	Starting              // launched, has not lived for starttime yet
	Running               // lived for starttime (or is ready)
	Backoff               // a start failed, the next try has a date
	Stopping              // told to end, not all of it is gone yet
	Exited                // ended by itself, and is not restarted
	Fatal                 // could not be started, all tries used up
	Unknown               // the kernel contradicts what we know
	numStates
)

var stateNames = [numStates]string{"STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN"}

func (s State) String() string { return stateNames[s] }

// ParseState is a state by its name, in any case.
func ParseState(name string) (State, bool) {
	n := slices.Index(stateNames[:], strings.ToUpper(name))
	return State(max(n, 0)), n >= 0
}

// Active tells whether an instance in this state is being kept up: what a
// changed configuration restarts (STARTING, RUNNING, BACKOFF).
func (s State) Active() bool { return s == Starting || s == Running || s == Backoff }

// Restart is the field autorestart: what to do when an instance that had
// reached RUNNING ends by itself.
type Restart uint8

// The values of autorestart.
const (
	RestartUnexpected Restart = iota // unless the exit code is one of exitcodes
	RestartAlways
	RestartNever
)

func (r Restart) String() string { return [...]string{"unexpected", "always", "never"}[r] }

// KillMode is how far a stop reaches.
type KillMode uint8

// The values of killmode.
const (
	KillTree    KillMode = iota // every descendant, escaped ones too
	KillGroup                   // the process group
	KillProcess                 // the leader only
)

func (k KillMode) String() string { return [...]string{"tree", "group", "process"}[k] }

// ExitCodes is a set of exit codes, 0 to 255.
type ExitCodes [4]uint64

// Codes makes the set of these exit codes; those outside 0 to 255 are left out.
func Codes(codes ...int) (e ExitCodes) {
	for _, c := range codes {
		if c >= 0 && c <= 255 {
			e[c/64] |= 1 << (c % 64)
		}
	}
	return e
}

// Has tells whether code is in the set.
func (e ExitCodes) Has(code int) bool {
	return code >= 0 && code <= 255 && e[code/64]>>(code%64)&1 == 1
}

func (e ExitCodes) String() string {
	var out []byte
	for w, set := range e {
		for ; set != 0; set &= set - 1 {
			if len(out) > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendInt(out, int64(w*64+bits.TrailingZeros64(set)), 10)
		}
	}
	return string(out)
}

// Forever as Policy.StartRetries: a failed start is retried without end.
const Forever = -1

// Readiness is what turns STARTING into RUNNING, besides starttime.
type Readiness uint8

// The ways of being ready.
const (
	ReadyAlive Readiness = iota // by living alone
	ReadyTold                   // it says so: OnReady
	ReadyAsked                  // it is asked, again and again: DoCheck
)

// Health is the field health, as far as deciding goes; without Retries there
// are no checks.
type Health struct {
	Interval    time.Duration // from the end of one check to the next
	StartPeriod time.Duration // from the launch on, in which failures do not count
	Retries     int           // failures in a row that are too many
}

// Watch is how the readiness and health of a program are watched. Few programs
// have any of it.
type Watch struct {
	Ready     Readiness
	ReadyTime time.Duration // past it a start without readiness has failed
	Health    Health
	Watchdog  time.Duration // OnPing must come as often, once RUNNING; 0 is never
}

// DefaultWatch is that of a program which says nothing.
func DefaultWatch() Watch { return Watch{ReadyTime: 30 * time.Second} }

// unwatched is DefaultWatch, once for all.
var unwatched = DefaultWatch()

// Watching gives how a program is watched. It is not to be changed.
func (p *Policy) Watching() *Watch {
	if p.Watch == nil {
		return &unwatched
	}
	return p.Watch
}

// Policy is what steers the supervision of a program; it never changes the
// process itself, so a new Policy takes effect without a restart.
type Policy struct {
	Autostart    bool
	Autorestart  Restart
	ExitCodes    ExitCodes
	StartRetries int // further tries after a failed start, or Forever
	StartTime    time.Duration
	StopSignal   int
	StopTime     time.Duration
	Oneshot      bool
	Prestart     bool // a command runs before each launch
	Poststart    bool // another once it is RUNNING
	Stopcmd      bool // another asks it to end, in place of StopSignal
	KillMode     KillMode
	Backoff      time.Duration
	BackoffMax   time.Duration

	Watch             *Watch // nil for a program that says nothing of it
	RestartDependents bool   // when ready again it restarts those that run on it
}

// DefaultPolicy is that of a program which says nothing.
func DefaultPolicy() Policy {
	return Policy{
		Autostart: true, Autorestart: RestartUnexpected, ExitCodes: Codes(0), StartRetries: 3,
		StartTime: time.Second, StopSignal: 15, StopTime: 10 * time.Second,
		Backoff: time.Second, BackoffMax: time.Minute,
	}
}
