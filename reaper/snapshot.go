package reaper

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// SavedForest is how trees are held, as plain values.
type SavedForest struct {
	Base        int // descriptor of the base cgroup, -1 without
	Dir         string
	Own         string
	Why         string
	Controllers map[string]string // with the error, "" when it is enabled
	Moved       bool
	Stale       string
}

// SavedTree is a Tree.
type SavedTree struct {
	Name, Called string
	Pid, Pgid    int
	Start        uint64
	Known        []SavedProc
	Made, Cloned bool
	Caged        bool
	Killed       bool
	Cage         uint32
	Held         *SavedHeld
	Foreign      bool
	Env          []string
}

// SavedHeld is what only trees with limits have.
type SavedHeld struct {
	Applied Limits
	Kills   uint64
}

// SavedProc is one process of a tree.
type SavedProc struct {
	Pid, Pgid, Sid int
	Start          uint64
}

// Save gives the forest as values; its descriptor stays open.
func (f *Forest) Save() SavedForest {
	out := SavedForest{Base: f.base, Dir: f.dir, Own: f.own, Why: f.why, Moved: f.moved, Stale: f.stale}
	for name, err := range f.controllers {
		if out.Controllers == nil {
			out.Controllers = map[string]string{}
		}
		out.Controllers[name] = ""
		if err != nil {
			out.Controllers[name] = err.Error()
		}
	}
	return out
}

// RestoreForest makes a forest of what Save gave, in the same process.
func RestoreForest(from SavedForest) (*Forest, error) {
	f := newForest()
	f.base, f.dir, f.own, f.why, f.moved, f.stale = from.Base, from.Dir, from.Own, from.Why, from.Moved, from.Stale
	for name, why := range from.Controllers {
		if f.controllers == nil {
			f.controllers = map[string]error{}
		}
		f.controllers[name] = nil
		if why != "" {
			f.controllers[name] = errors.New(why)
		}
	}
	if f.base < 0 {
		return f, nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(f.base, &st); err != nil {
		return nil, fmt.Errorf("the cgroup %s: %w", f.dir, err)
	}
	return f, nil
}

// Save gives the tree as values.
func (t *Tree) Save() *SavedTree {
	s := &SavedTree{
		Name: t.name, Called: t.called, Pid: t.pid, Pgid: t.pgid, Start: t.start, Made: t.made, Cloned: t.cloned,
		Caged: t.caged, Killed: t.killed, Cage: t.cage, Foreign: t.foreign, Env: t.env,
	}
	if t.held != nil {
		s.Held = &SavedHeld{t.held.applied, t.held.kills}
	}
	for _, p := range t.known {
		s.Known = append(s.Known, SavedProc{p.pid, p.pgid, p.sid, p.start})
	}
	return s
}

// Restore makes a tree of what Save gave.
func (f *Forest) Restore(from *SavedTree) *Tree {
	t := &Tree{
		forest: f, name: from.Name, called: from.Called, pid: from.Pid, pgid: from.Pgid, start: from.Start, made: from.Made,
		cloned: from.Cloned, caged: from.Caged, killed: from.Killed, cage: from.Cage,
		foreign: from.Foreign, env: from.Env,
	}
	if from.Held != nil {
		t.held = &held{from.Held.Applied, from.Held.Kills}
	}
	for _, p := range from.Known {
		t.known = append(t.known, proc{pid: p.Pid, pgid: p.Pgid, sid: p.Sid, start: p.Start})
	}
	if t.pid != 0 && t.start == 0 {
		st, _ := sys.ReadStat(t.pid)
		t.start = st.Start // an earlier version did not keep it
	}
	if t.pid != 0 && !t.caged && !t.foreign {
		f.leaders[t.pid] = struct{}{}
	}
	return t
}
