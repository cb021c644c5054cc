package daemon

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/logfile"
	"taskmaster/process"
	"taskmaster/reaper"
	"taskmaster/spawn"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// asideOutput is how much of what an aside prints is kept, in bytes: the last of it.
	asideOutput = 4 << 10

	// asideAgain is how long after a SIGKILL an aside, or what it left, is
	// killed again; who waits for its end is told then at the latest.
	asideAgain = 2 * time.Second
)

var errNotWanted = errors.New("no longer wanted")

// aside is a command that runs beside the programs and is no instance of one:
// a hook, what prepares a start, a check, a compression. It is the leader of a
// process group and of a tree of its own; when it ends or its time is over, all
// of that tree is killed, so that nothing of it is left when its end is told.
//
// Who makes one fills in the first fields, hands it to begin, and hears of it
// through done, once, in a later step of the loop; unless the daemon ends first.
type aside struct {
	name    string         // in the log: whose it is, and what for
	cmd     *spawn.Command // all but the descriptors, the cgroup and the mark in its environment
	stdin   []byte         // what it reads; nil is /dev/null
	timeout time.Duration  // from its launch; 0 is for ever
	done    func(outcome)
	sequel  sequel // what done is made of in the next binary after an upgrade; none: it is ended there

	d       *Daemon
	tree    *reaper.Tree
	pid     int // of the leader until it is reaped
	fd      int // where its output is read, -1 when it is not
	kept    *logfile.Ring
	partial []byte // a line for the log that has not ended
	alarm   *alarm // of the timeout; once killed, of killing again
	killed  bool
	told    bool
	out     outcome
}

// outcome is how an aside ended.
type outcome struct {
	err      error // it was not started
	exit     process.Exit
	timedOut bool
	left     bool // even SIGKILL has not ended all of it yet
	output   []byte
}

// fault says why the outcome is no success, in a few words; "" when it is one.
func (o *outcome) fault() string {
	switch {
	case o.err != nil:
		return o.err.Error()
	case o.timedOut:
		return "timed out"
	case o.left:
		return "does not end, not even by SIGKILL"
	case o.exit.Signal != "" || o.exit.Code != 0:
		return o.exit.String()
	}
	return ""
}

// said is the last line of the output that holds anything, for a reason or the log.
func (o *outcome) said() string {
	text := bytes.TrimSpace(o.output)
	return string(bytes.TrimSpace(text[bytes.LastIndexByte(text, '\n')+1:]))
}

// asides is all of them.
type asides struct {
	queue []*aside       // not launched yet
	byPid map[int]*aside // by the leader's pid
	going []*aside       // the leader is gone, something of it is not
	count uint64         // ever launched
}

// live counts those that are not over.
func (s *asides) live() int { return len(s.queue) + len(s.byPid) + len(s.going) }

// runAside has an aside launched in its turn, among the programs.
func (d *Daemon) runAside(a *aside) *aside {
	a.d, a.fd = d, -1
	d.asides.queue = append(d.asides.queue, a)
	return a
}

// launchAside launches the first that waits.
func (d *Daemon) launchAside() {
	s := &d.asides
	a := s.queue[0]
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil
	}
	if a.killed {
		a.tell(outcome{err: errNotWanted})
		return
	}
	pid, err := a.start()
	if err != nil {
		a.close()
		a.tell(outcome{err: err})
		return
	}
	a.pid = pid
	if s.byPid == nil {
		s.byPid = map[int]*aside{}
	}
	s.byPid[pid] = a
	d.log(journal.Debug, "aside", journal.Str("name", a.name), journal.Int("pid", pid))
	if a.timeout > 0 {
		a.setAlarm(d.now.Add(a.timeout))
	}
}

// start starts the process; on an error only the reading end may be open.
func (a *aside) start() (pid int, err error) {
	d := a.d
	d.asides.count++
	id := strconv.FormatUint(d.asides.count, 10)
	mark := reaper.AsideMark(id)
	a.cmd.Env = append(a.cmd.Env[:len(a.cmd.Env):len(a.cmd.Env)], reaper.AsideVariable+"="+mark)
	a.tree = d.forest.Tree("aside-" + id) // an instance's has a colon
	a.tree.Call(mark)
	a.cmd.Stdin = d.null
	if a.stdin != nil {
		if a.cmd.Stdin, err = sys.SealedFile("stdin", a.stdin); err != nil {
			return 0, err
		}
		defer sys.Close(a.cmd.Stdin)
	}
	w, err := a.pipe()
	if err != nil {
		return 0, err
	}
	defer sys.Close(w)
	a.cmd.Stdout, a.cmd.Stderr = w, w
	return d.plant(a.tree, a.name, a.cmd, nil)
}

// pipe opens where the output is read, and gives the other end.
func (a *aside) pipe() (writer int, err error) {
	r, w, err := sys.Pipe()
	if err != nil {
		return -1, err
	}
	if w+spare > a.d.nofile {
		sys.Close(r)
		sys.Close(w)
		return -1, unix.EMFILE
	}
	if err := a.d.loop.Add(r, unix.EPOLLIN, epoll.Output, a); err != nil {
		sys.Close(r)
		sys.Close(w)
		return -1, err
	}
	a.fd = r
	return w, nil
}

// Ready reads once what it has printed.
func (a *aside) Ready(uint32) { a.read() }

func (a *aside) read() (n int) {
	a.d.reads++
	buf := a.d.buffer(firstBuffer)
	n, err := sys.Read(a.fd, buf)
	switch {
	case n > 0:
		a.take(buf[:n])
	case err != unix.EAGAIN && err != unix.EINTR:
		a.close()
	}
	return n
}

// take keeps the end of the output, and logs its lines for those who look for a fault.
func (a *aside) take(b []byte) {
	if a.kept == nil {
		a.kept = logfile.NewRing(asideOutput)
	}
	a.kept.Write(b)
	if !a.d.journal.Enabled(journal.Debug) {
		return
	}
	for line := range bytes.Lines(b) {
		a.partial = append(a.partial, line...)
		if line[len(line)-1] == '\n' || len(a.partial) > asideOutput {
			a.logPartial()
		}
	}
}

func (a *aside) logPartial() {
	if len(a.partial) > 0 {
		a.d.log(journal.Debug, "output", journal.Str("name", a.name), journal.Str("line", string(bytes.TrimSuffix(a.partial, []byte{'\n'}))))
	}
	a.partial = a.partial[:0]
}

// lastWords reads what was in the pipe when the leader ended. Others may hold
// its other end for as long as they live, so there is no waiting for its close.
func (a *aside) lastWords() {
	if a.fd < 0 {
		return
	}
	held, err := unix.IoctlGetInt(a.fd, unix.TIOCINQ)
	if err != nil {
		held = 0
	}
	for got := 0; a.fd >= 0 && got < held; {
		n := a.read()
		if n <= 0 {
			break
		}
		got += n
	}
	a.close()
}

// close ends the reading.
func (a *aside) close() {
	if a.fd < 0 {
		return
	}
	a.d.loop.Remove(a.fd)
	sys.Close(a.fd)
	a.fd = -1
	a.logPartial()
}

// asideEnded is the death of a leader.
func (d *Daemon) asideEnded(a *aside, e reaper.Exit) {
	a.lastWords()
	a.tree.Sweep()
	reaper.Reap(e.Pid)
	a.tree.Felled()
	delete(d.asides.byPid, e.Pid)
	a.pid = 0
	a.out.exit = exitOf(e)
	if a.tree.Left(reaper.All) == 0 {
		a.gone()
		return
	}
	d.asides.going = append(d.asides.going, a)
	a.kill()
}

// kill ends it, whatever it is doing. Its end is told as any other.
func (a *aside) kill() {
	a.killed = true
	if a.tree == nil {
		return // launchAside will see
	}
	if err := a.tree.Kill(reaper.All); err != nil {
		a.d.fault("kill "+a.name, err)
	}
	a.setAlarm(a.d.now.Add(asideAgain))
}

// gone is the end: nothing of it is left.
func (a *aside) gone() {
	a.setAlarm(time.Time{})
	a.tree.Remove()
	a.tell(a.out)
}

// tell says how it ended, once.
func (a *aside) tell(o outcome) {
	if a.told {
		return
	}
	a.told = true
	if a.kept != nil {
		o.output = a.kept.Bytes()
	}
	if a.done != nil {
		a.done(o)
	}
}

// setAlarm says when its time is over; the zero time is never.
func (a *aside) setAlarm(at time.Time) {
	a.d.alarms.off(a.alarm)
	a.alarm = nil
	if !at.IsZero() {
		a.alarm = a.d.alarms.set(at, a.overdue)
	}
}

// overdue kills it when its time is over, and once more when it is still there.
func (a *aside) overdue() {
	again := a.killed
	a.out.timedOut = a.out.timedOut || !again
	a.kill()
	if again {
		o := a.out
		o.left = true
		a.tell(o)
	}
}

// lookForAsides asks those that have something left whether it is gone.
func (d *Daemon) lookForAsides() {
	going := d.asides.going
	d.asides.going = nil
	for _, a := range going {
		if a.tree.Left(reaper.All) > 0 {
			d.asides.going = append(d.asides.going, a)
		} else {
			a.gone()
		}
	}
}

// endAsides is for the daemon's end: true when none is left.
func (d *Daemon) endAsides() bool {
	for _, a := range d.asides.byPid {
		if !a.killed {
			a.kill()
		}
	}
	d.asides.queue = nil
	return len(d.asides.byPid)+len(d.asides.going) == 0
}
