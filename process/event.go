package process

import "time"

// Kind is what happened to an instance, or what is asked of it.
type Kind uint8

// The kinds of events: the columns of the table.
const (
	OnStart         Kind = iota // asked for: by a user, by autostart
	OnStop                      // asked for
	OnRestart                   // asked for: stop, then start
	OnChange                    // a reload changed what the process would be
	OnRemove                    // a reload removed it
	OnKillNow                   // asked for: no more patience (the second signal to the daemon)
	OnSpawned                   // answer to DoSpawn: Event.PID runs
	OnSpawnFailed               // answer to DoSpawn: Event.Reason says why not
	OnEnded                     // the leader ended: Event.Exit, Event.Left
	OnCleared                   // nothing of the last launch is left
	OnDeadline                  // Instance.Deadline has come
	OnLost                      // the kernel knows no such child
	OnReady                     // it says that it is ready
	OnChecked                   // answer to DoCheck: Event.OK, else Event.Reason
	OnPing                      // it says that it is alive, for the watchdog
	OnRenew                     // to be restarted, and nobody asked: Event.By, Event.Reason
	OnPolicy                    // a reload changed how it is watched
	OnNeeds                     // what it depends on has changed
	OnRelease                   // those that depend on it are down
	OnPrepared                  // answer to DoPrepare, when it has succeeded; else OnSpawnFailed
	OnStopcmdFailed             // answer to DoStopcmd, when it has failed
	numKinds
)

var kindNames = [numKinds]string{
	"start", "stop", "restart", "change", "remove", "kill now", "spawned", "spawn failed", "ended", "cleared", "deadline", "lost",
	"ready", "checked", "ping", "renew", "policy", "needs", "release", "prepared", "stopcmd failed",
}

func (k Kind) String() string { return kindNames[k] }

// Event is one row of input to the machine.
type Event struct {
	Kind   Kind
	By     string // of what is asked for: the verb, as replies and the log say it
	PID    int    // of OnSpawned
	Reason string // of OnSpawnFailed, OnRenew and, without OK, OnChecked
	OK     bool   // of OnChecked
	Moot   bool   // of OnChecked: through no fault of the program there is no answer, only Reason
	Exit   Exit   // of OnEnded
	Left   bool   // of OnEnded: processes of the launch outlive the leader, or Busy
	Busy   bool   // of OnEnded: nothing but commands that clean up are left, and these end by themselves
}

// Do is what the daemon is told to do.
type Do uint8

// The things to do.
const (
	DoSpawn     Do = iota // launch it, if Instance.Spawning still; answer with OnSpawned or OnSpawnFailed
	DoSignal              // send Action.Signal, then SIGCONT, as far as killmode reaches
	DoKill                // SIGKILL what is there, as far as killmode reaches
	DoReport              // the state or the want has changed: Action.Change
	DoForget              // the instance is gone for good
	DoCheck               // ask whether it is ready (in STARTING) or well (in RUNNING); answer with OnChecked, in the end
	DoDrop                // the answer to DoCheck is not wanted any more
	DoPrepare             // run prestart, if it is STARTING still; answer with OnPrepared or OnSpawnFailed, or with OnCleared once a DoKill has ended it
	DoPoststart           // run poststart
	DoStopcmd             // run stopcmd; answer with OnStopcmdFailed when it fails
	DoComplain            // Action.Change.Reason is an internal error to log
)

// Action is one thing to do. Actions are done in order, after the step that
// made them; what comes of them returns as events.
type Action struct {
	Do     Do
	On     *Instance
	Signal int
	Change Report
}

// Report is a change of state, or of Want alone (From equals To).
type Report struct {
	From, To State
	PID      int // of the instance's process, 0 when it has none
	Reason   string
	At       time.Time
	Delay    time.Duration // to BACKOFF: until the next try
	Try      int           // to BACKOFF and FATAL: failed starts so far
	Unasked  bool          // to STOPPING: by our own judgement, nobody's command
}
