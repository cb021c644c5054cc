// Package daemon is the only glue: it turns what the kernel says into events
// of process, and the actions of process into system calls. It decides nothing
// about programs itself.
//
// One thread runs it all, in turns: wait, read the clock once, serve output
// pipes, then signals, then deadlines, then clients; collect who has ended, and
// do what is due; act until the queue of actions is empty; flush replies and arm
// the one timer. Nothing here blocks, but for the fork that lasts until exec, and
// writes to regular files.
package daemon

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/logfile"
	"taskmaster/probe"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// Options is what Run needs to know.
type Options struct {
	Config   *config.Config
	Load     func() (*config.Config, error) // reads the file anew, for a reload
	Shell    bool                           // read commands from standard input
	Cgroups  bool                           // hold trees by cgroup where that is possible
	Version  string                         // what the command version answers
	Detached bool                           // started by Detach, which waits for word
	Binary   string                         // path of the program that upgrade changes to, "" when it is not known
	Resume   *Inherited                     // what an upgrade has handed over; Config is nil then
}

// Daemon is everything that one running daemon owns.
type Daemon struct {
	opts    Options
	cfg     *config.Config
	now     time.Time // of this turn; the clock is read nowhere else
	loop    *epoll.Loop
	signals *sys.Signals
	timer   *sys.Timer
	armed   time.Time
	exit    int

	set       *process.Set
	forest    *reaper.Forest
	programs  map[string]*config.Program
	children  map[*process.Instance]*child
	leaders   map[int]*child
	leftovers []*child
	lookAt    time.Time // when leftovers are looked at again
	spawns    []*child
	escaped   []escaped
	asides    asides
	alarms    alarms
	zombies   bool // children may have ended that are not collected yet
	null      int  // /dev/null, read and write
	reserve   int  // kept for a connection that can only be refused; -1 when there is none
	nofile    int  // how many descriptors we may have

	book    *logfile.Book
	journal *journal.Journal
	logs    logSink
	out     *console // our own stdout and stderr, for stdout: inherit and log: stderr
	err     *console
	buf     []byte // one for all pipes
	crumbs  pauses
	floods  pauses
	reads   int // of pipes, in this turn
	crowd   int // the same of the last turn, at least 1

	socket    int
	inode     uint64    // of the socket file
	acceptAt  time.Time // connections wait until then; zero when they need not
	pidfile   *sys.Pidfile
	clients   map[*client]struct{}
	dirty     []*client
	requests  map[*request]struct{} // those that wait or follow
	behind    []*request            // those that follow and have missed something
	history   history
	terminal  *terminal
	failures  map[string]int64
	loadedAt  time.Time       // the configuration; zero once what that has needed is out of memory
	timetable *timetable      // nil while nothing has a schedule
	lookouts  *lookouts       // nil while nothing watches a file
	unlimited map[string]bool // programs and fields of which it was said that they cannot be limited

	manager   *manager
	record    *record     // nil when there is no state file
	legacy    legacy      // of the daemon before, at the start
	serving   *request    // the one that is being carried out now
	crashedAt []time.Time // faults of our own, of late
	evicted   []*child    // of the daemon before: nothing is started before they are gone

	others   history // the events that are no change of state
	hooks    []*hook
	graceEnd time.Time // shutdown: hooks have until then
	haste    bool      // shutdown: a second one was asked for
	upgrade  *upgrade  // under way, nil when none is
	pulse    pulse
}

// The main goroutine stays on the main thread, so that the loop's is another:
// its umask is its own, and /proc/PID/status, which shows the main thread's,
// never flickers while a child with a umask of its own is launched.
func init() { runtime.LockOSThread() }

// spareThreads, with those that the runtime has by then, are more than two
// processors can make use of: the loop, the main thread, the runtime's watcher, the
// collector's, and those that stand in while one is in a system call. With none to
// spare seven or eight were seen in all, at starts and deaths of a thousand; with
// five there are eleven. They are made once the first programs are launched, which
// need not wait for them, and before the daemon says that it is ready.
const spareThreads = 5

// Run is the daemon's whole life. It returns the exit code: 0 after a graceful
// shutdown, 1 when it could not start, or as exit_on says.
func Run(o Options) int {
	// Two: the loop, and the collector, for which it must not wait.
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(heapSlack(0))
	ended, work := make(chan int), make(chores, maxChores)
	go func() {
		runtime.LockOSThread()
		sys.ShortSlice()
		ended <- run(o, work)
	}()
	return work.until(ended)
}

func run(o Options, work chores) int {
	probe.Version = o.Version
	d := newDaemon(o)
	if err := d.open(); err != nil {
		_, _ = unix.Write(2, []byte("taskmaster: "+err.Error()+"\n"))
		d.close()
		return 1
	}
	defer d.close()
	d.forest.Delegate(work.take)
	if o.Resume == nil {
		d.begin()
	}
	sys.SpareThreads(spareThreads)
	d.ready()
	d.live()
	return d.finish()
}

func newDaemon(o Options) *Daemon {
	return &Daemon{
		opts: o, cfg: o.Config, set: process.NewSet(), programs: map[string]*config.Program{}, socket: -1,
		children: map[*process.Instance]*child{}, leaders: map[int]*child{},
		clients: map[*client]struct{}{}, requests: map[*request]struct{}{},
	}
}

// open gets hold of what the daemon cannot do without. Any failure is said and
// ends it, before anything was started.
func (d *Daemon) open() (err error) {
	if d.opts.Resume != nil {
		return d.takeOver(d.opts.Resume)
	}
	d.tick()
	if err := d.openBase(); err != nil {
		return err
	}
	for _, step := range []func() error{d.openLoop, d.openLogs, d.openPidfile, d.openSocket, d.openRecord} {
		if err := step(); err != nil {
			return err
		}
	}
	if d.opts.Cgroups {
		d.forest = reaper.NewForest("taskmaster", d.legacy.head.Base)
	} else {
		d.forest = reaper.NewProcForest()
	}
	return nil
}

// openBase is what is the same however the daemon came to be.
func (d *Daemon) openBase() (err error) {
	if err := openPoller(); err != nil {
		return err
	}
	// Where it is forbidden (seccomp in containers) a child's umask shows in
	// /proc/PID/status of the daemon for a moment, and that is all: nobody else
	// creates files meanwhile.
	_ = unix.Unshare(unix.CLONE_FS)
	limit, err := sys.Nofile()
	if err != nil {
		return err
	}
	d.nofile = int(min(limit.Cur, 1<<30))
	if d.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return &os.PathError{Op: "open", Path: "/dev/null", Err: err}
	}
	if d.reserve, err = unix.FcntlInt(uintptr(d.null), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	return nil
}

// openPoller makes the Go runtime open its own poller now, as the first pipe of
// package os does. It would do so at the first timer of its own, whenever that
// is, and end the process should there be no descriptor free then.
func openPoller() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	return errors.Join(r.Close(), w.Close())
}

func (d *Daemon) openPidfile() (err error) {
	if d.cfg.Daemon.PidFile != "" {
		d.pidfile, err = sys.OpenPidfile(d.cfg.Daemon.PidFile)
	}
	return err
}

// begin starts the programs that are to be started.
func (d *Daemon) begin() {
	d.tick()
	d.configureHooks(d.cfg.Hooks)
	d.pulse.Began = d.now
	d.log(journal.Info, "started", journal.Str("version", d.opts.Version), journal.Int("pid", os.Getpid()),
		journal.Str("config", d.cfg.File), journal.Str("trees", d.forest.How()))
	d.warn(d.cfg)
	d.programs = programsOf(d.cfg)
	changed := d.takeOverAll()
	d.configure(d.cfg, changed)
	d.settleOrphans()
	if d.record != nil {
		d.record.rewrite()
	}
	if d.opts.Shell {
		d.openTerminal()
	}
	d.openManager()
	d.settle()
	if d.opts.Detached {
		d.letGo()
	}
}

// close gives everything back, in the order that leaves no file of ours behind.
func (d *Daemon) close() {
	d.release()
	d.closeSocket()
	if d.pidfile != nil {
		d.pidfile.Close()
	}
	if d.manager != nil {
		d.manager.Close()
	}
	if d.forest != nil {
		d.forest.Close()
	}
}
