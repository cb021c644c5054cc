package reaper

import (
	"errors"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Scope is how far a signal reaches.
type Scope uint8

// The scopes.
const (
	Leader Scope = iota // the process that was started
	Group               // its process group
	All                 // every descendant, however far it has gone
)

// Tree is everything that one instance has running, launch after launch.
type Tree struct {
	forest *Forest
	name   string
	called string // TASKMASTER_NAME
	pid    int    // the leader until it is reaped, then 0
	pgid   int    // its process group until that is known to be gone, then 0
	start  uint64 // when the leader was started, in clock ticks after boot
	known  []proc // found by earlier walks; only without a cgroup
	made   bool   // the cgroup's directory was made
	cloned bool   // the next launch is born in the cgroup
	caged  bool   // this launch was
	killed bool   // the cgroup was killed: nothing can be born in it any more
	cage   uint32 // counts the cgroups used up

	env     []string // of an adopted launch, to know its own by
	foreign bool     // the launch was an earlier daemon's: the leader is no child of ours
	held    *held    // nil without limits
}

// Tree makes the tree of an instance; name is one that no other tree has.
func (f *Forest) Tree(name string) *Tree { return &Tree{forest: f, name: name, called: name} }

// Call says what the TASKMASTER_NAME of the next launch is, or its AsideMark: a name
// may change, as web:0 becomes web when it is the only one.
func (t *Tree) Call(name string) { t.called = name }

// CloneFD gives the directory of the instance's cgroup, which the next launch
// is to be born in, and makes it when there is none; -1 where trees are held
// without cgroups. The caller closes it after the start. When it fails, or the
// start in it does, the launch can be made without, after Loose.
func (t *Tree) CloneFD() (fd int, err error) {
	t.cloned = false
	if t.forest.base < 0 {
		return -1, nil
	}
	t.renew()
	if fd, err = t.open(); err != nil {
		return -1, err
	}
	t.made, t.cloned = true, true
	return fd, nil
}

// Loose says that the next launch is made outside the cgroup after all.
func (t *Tree) Loose() { t.cloned, t.held = false, nil }

// Planted says that the next launch was made, not before begun (sys.BootTicks):
// pid is its leader and leads a process group. When it began is known without a
// look into /proc, which costs more than all the rest here, unless the clock has
// ticked meanwhile.
func (t *Tree) Planted(pid int, begun uint64) {
	t.pid, t.pgid, t.start, t.known, t.caged, t.foreign, t.env = pid, pid, begun, nil, t.cloned, false, nil
	if sys.BootTicks() != begun {
		t.start = 0
		if st, err := sys.ReadStat(pid); err == nil { // a zombie has one too
			t.start = st.Start
		}
	}
	if !t.caged {
		t.forest.leaders[pid] = struct{}{}
	}
}

// Sweep takes note of what the leader leaves behind, while it is a zombie and
// its group's number certain.
func (t *Tree) Sweep() {
	if !t.caged {
		t.members()
	}
}

// Felled says that the leader was reaped.
func (t *Tree) Felled() {
	delete(t.forest.leaders, t.pid)
	t.pid = 0
	t.groupGone()
}

// groupGone asks whether the process group is gone. No other process can take
// its number while it has a member, and no one has had the time since.
func (t *Tree) groupGone() bool {
	if t.pgid != 0 && t.pid == 0 && unix.Kill(-t.pgid, 0) == unix.ESRCH {
		t.pgid = 0
	}
	return t.pgid == 0
}

// Left counts the processes that still run after the leader's end, zombies not
// among them. One on its way out counts: it may still hold files, locks and ports.
func (t *Tree) Left(scope Scope) int {
	switch {
	case scope == Leader:
		return t.leaderLeft()
	case scope == Group && t.groupGone():
		return 0
	}
	if t.caged && !t.populated() {
		return 0
	}
	members := t.members()
	if len(members) == 0 && (t.caged || t.forest.undecided(scope)) {
		return 1 // cgroup.procs does not list those who are exiting, and may not have been readable
	}
	if scope == Group {
		members = t.inGroup(members)
	}
	return len(members)
}

// Last is Left for an instance that will not be launched again: when nothing is
// left its cgroup is removed, or soon will be. That it can be is the quickest answer,
// unless there is one for all trees.
func (t *Tree) Last(scope Scope) (left int) {
	if t.caged && t.made && t.groupGone() && t.forgone() {
		return 0
	}
	if left = t.Left(scope); left == 0 {
		t.Remove()
	}
	return left
}

func (t *Tree) leaderLeft() int {
	if t.pid == 0 {
		return 0
	}
	if !t.leaderLives() {
		return 0
	}
	return 1
}

// Procs gives the pids of everything that runs, the leader included.
func (t *Tree) Procs() []int {
	var out []int
	for _, p := range t.members() {
		out = append(out, p.pid)
	}
	return out
}

// Signal sends sig to the processes in scope. The error is unix.ESRCH when
// there was none, unix.EPERM when one of them belongs to a user who may not be
// signalled.
func (t *Tree) Signal(sig unix.Signal, scope Scope) error {
	switch scope {
	case Leader:
		return t.signalLeader(sig)
	case Group:
		return t.signalGroup(sig)
	}
	return t.signalAll(sig, t.members()) // found before the signal: who dies of it loses its children
}

// Stop sends the stopsignal, and SIGCONT after it: a stopped process acts on no
// other signal but SIGKILL. The error is that of the stopsignal, as of Signal.
//
// With rest, who is not of the process group has yet to be looked for, and told
// by StopRest: in a cgroup nobody is lost meanwhile, and when a thousand are
// stopped most of them have ended before that.
func (t *Tree) Stop(sig unix.Signal, scope Scope) (rest bool, err error) {
	if scope == All && !t.caged {
		members := t.members() // before the signal: who dies of it loses its children
		err = t.signalAll(sig, members)
		_ = t.signalAll(unix.SIGCONT, members)
		return false, err
	}
	err = t.Signal(sig, min(scope, Group))
	_ = t.Signal(unix.SIGCONT, min(scope, Group)) // gone meanwhile is as good
	return scope == All, err
}

// StopRest sends the stopsignal and SIGCONT to those of the cgroup who are not
// of the process group.
func (t *Tree) StopRest(sig unix.Signal) error {
	if t.onlyLeader() {
		return nil
	}
	var err error
	for _, p := range t.members() {
		if p.pgid != t.pgid {
			err = errors.Join(err, ignoreGone(p.signal(sig)), ignoreGone(p.signal(unix.SIGCONT)))
		}
	}
	return err
}

func (t *Tree) signalAll(sig unix.Signal, members []proc) error {
	err := t.signalGroup(sig)
	for _, p := range members {
		if p.pgid == t.pgid && err == nil {
			continue // got it with its group
		}
		switch e := p.signal(sig); {
		case e == nil && err == unix.ESRCH:
			err = nil
		case e != nil && e != unix.ESRCH:
			err = e
		}
	}
	return err
}

// signalGroup signals the process group at once, as long as that is certainly
// this tree's: its leader is not reaped, or a process of this tree is in it.
func (t *Tree) signalGroup(sig unix.Signal) error {
	leaderless := t.pid == 0 || t.foreign && !t.leaderLives()
	if t.groupGone() || leaderless && len(t.inGroup(t.members())) == 0 {
		return unix.ESRCH
	}
	return t.killGroup(sig)
}

func (t *Tree) inGroup(members []proc) []proc {
	var out []proc
	for _, p := range members {
		if p.pgid == t.pgid {
			out = append(out, p)
		}
	}
	return out
}

// Kill sends SIGKILL to the processes in scope. For All it does not end before
// it found nobody new, or a program that forks faster than it can be walked has
// won for now: the caller asks Left, and tries again after a while.
func (t *Tree) Kill(scope Scope) error {
	if scope != All {
		return t.Signal(unix.SIGKILL, scope)
	}
	if t.caged {
		err := t.killCgroup()
		if t.pid != 0 {
			err = errors.Join(err, ignoreGone(t.signalGroup(unix.SIGKILL))) // who was moved to another cgroup
		}
		return err
	}
	t.freeze()
	return ignoreGone(t.Signal(unix.SIGKILL, All))
}

func ignoreGone(err error) error {
	if err == unix.ESRCH {
		return nil
	}
	return err
}

// members finds everything of the tree that runs.
func (t *Tree) members() []proc {
	if t.caged {
		return t.inCgroup()
	}
	return t.walk()
}
