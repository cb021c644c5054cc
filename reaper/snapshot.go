package reaper

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// SavedForest is how trees are held, as plain values.
type SavedForest struct {
	Base int // descriptor of the base cgroup, -1 without
	Dir  string
	Why  string
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
}

// SavedProc is one process of a tree.
type SavedProc struct {
	Pid, Pgid, Sid int
	Start          uint64
}

// Save gives the forest as values; its descriptor stays open.
func (f *Forest) Save() SavedForest { return SavedForest{f.base, f.dir, f.why} }

// RestoreForest makes a forest of what Save gave, in the same process.
func RestoreForest(from SavedForest) (*Forest, error) {
	f := newForest()
	f.base, f.dir, f.why = from.Base, from.Dir, from.Why
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
		Caged: t.caged, Killed: t.killed, Cage: t.cage,
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
	}
	for _, p := range from.Known {
		t.known = append(t.known, proc{pid: p.Pid, pgid: p.Pgid, sid: p.Sid, start: p.Start})
	}
	if t.pid != 0 && !t.caged {
		f.leaders[t.pid] = struct{}{}
	}
	return t
}
