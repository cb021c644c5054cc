package reaper

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// orphan is a child of the daemon's that it did not start.
type orphan struct {
	proc
	name string // what it says whose it is, "" when nothing
	runs bool
}

// orphans gives the orphans that run. The kernel gives orphans to the first
// thread of the subreaper (find_new_reaper in kernel/exit.c), while the leaders
// are children of the loop's thread: so this short list needs no search through
// thousands of leaders. Should both be the same thread, leaders are left out.
//
// fresh is false when one of them turned out to have ended since the list was
// read: its children are orphans now that the list does not hold. It is false, too,
// when there is no list because the kernel refuses to open a file.
func (f *Forest) orphans() (out []orphan, fresh bool) {
	children, err := sys.TaskChildren(f.pid, f.pid)
	fresh = err == nil
	for _, pid := range children {
		if _, leader := f.leaders[pid]; leader {
			continue
		}
		o, ok := f.seen[pid] // nobody but the daemon reaps it, so within a turn it stays the same
		if !ok {
			o.name = owner(pid) // before it is looked at: who exits loses it
			o.proc, o.runs = look(pid)
			f.seen[pid] = o
			fresh = fresh && o.runs
		}
		if o.runs {
			out = append(out, o)
		}
	}
	return out, fresh
}

// AsideVariable marks what runs beside the instances, in its environment: such a
// command may well carry the TASKMASTER_NAME of the instance that it is for.
const AsideVariable = "TASKMASTER_ASIDE"

// AsideMark is the value of AsideVariable for the command id, which no other
// daemon gives: one that runs below it inherits its variables.
func AsideMark(id string) string { return strconv.Itoa(unix.Getpid()) + "." + id }

// owner is what a process has in its environment that tells whose it is.
func owner(pid int) string {
	if mark, ok := sys.Environ(pid, AsideVariable); ok && strings.HasPrefix(mark, AsideMark("")) {
		return mark
	}
	name, _ := sys.Environ(pid, "TASKMASTER_NAME")
	return name
}

// undecided tells whether a tree in which nobody was found may have processes all
// the same: when the orphans cannot be listed, or when one of them is young and has
// no name. It may be in the middle of execve, where it has no environment for a
// moment, and belong to any tree: so it counts as left, but is not signalled, and is
// asked again. A process group is known by its number instead.
func (f *Forest) undecided(scope Scope) bool {
	orphans, fresh := f.orphans()
	if !fresh || scope != All {
		return !fresh
	}
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return false
	}
	const ticks = 100 // a second, in /proc whatever the kernel's own (USER_HZ)
	young := uint64(now.Sec-1) * ticks
	return slices.ContainsFunc(orphans, func(o orphan) bool { return o.name == "" && o.start > young })
}

// walk finds what runs of the tree: the leader, those who were known, the
// orphans that belong to it, and everything below these. They are known from
// then on. Who ends between the look at him and the look at his children has
// handed them to the daemon by then: so it walks until it finds the same again.
func (t *Tree) walk() []proc {
	const rounds = 8
	var before []proc
	for range rounds {
		found, fresh := t.roots()
		for i := 0; i < len(found); i++ {
			for _, child := range t.forest.children(found[i].pid) {
				found, _ = meet(found, child, 0)
			}
		}
		t.known = found
		if fresh && slices.Equal(found, before) {
			break
		}
		before = found
	}
	return t.known
}

// roots finds those from which everything else of the tree descends; fresh is
// whether none of them has ended meanwhile.
func (t *Tree) roots() (found []proc, fresh bool) {
	if t.pid != 0 {
		found, _ = meet(found, t.pid, t.start)
	}
	fresh = true
	for _, p := range t.known {
		var ok bool
		found, ok = meet(found, p.pid, p.start)
		fresh = fresh && ok
	}
	if t.foreign {
		found = t.kin(found)
	}
	orphans, ok := t.forest.orphans()
	fresh = fresh && ok
	for _, o := range orphans {
		if t.owns(o) {
			if found, ok = meet(found, o.pid, o.start); !ok {
				o.runs, fresh = false, false
				t.forest.seen[o.pid] = o
			}
		}
	}
	return found, fresh
}

// meet adds the process that has this pid to found, unless it is there; false
// when it has ended. start is 0 when any process will do.
func meet(found []proc, pid int, start uint64) ([]proc, bool) {
	if slices.ContainsFunc(found, func(p proc) bool { return p.pid == pid }) {
		return found, true
	}
	p, ok := look(pid)
	if !ok || start != 0 && p.start != start {
		return found, false
	}
	return append(found, p), true
}

// owns is whether an orphan comes from this launch: by the name it was given,
// by its process group, or by the session or group of a process that is known.
// One on its way out has lost its name. It may have children that it will leave
// to the daemon, so it counts as everybody's, until it is reaped in a moment.
func (t *Tree) owns(o orphan) bool {
	if o.start < t.start {
		return false
	}
	if o.name == t.called || o.name == "" && o.exiting || t.pgid != 0 && o.pgid == t.pgid {
		return true
	}
	return slices.ContainsFunc(t.known, func(p proc) bool {
		return o.pid == p.pid && o.start == p.start || o.sid == p.pid || o.pgid == p.pid
	})
}

// freeze stops everything of the tree, so that nothing forks or escapes while it
// is killed, until a walk finds nobody new.
func (t *Tree) freeze() {
	const rounds = 16
	var frozen []proc
	_ = t.signalGroup(unix.SIGSTOP) // the leader may be a zombie
	for range rounds {
		before := len(frozen)
		t.forest.Turn()
		for _, p := range t.walk() {
			if !slices.ContainsFunc(frozen, func(q proc) bool { return p.pid == q.pid && p.start == q.start }) {
				_ = p.signal(unix.SIGSTOP) // gone, or another user's: SIGKILL will say so
				frozen = append(frozen, p)
			}
		}
		if len(frozen) == before {
			return
		}
	}
}
