package reaper

import (
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// emptied makes the tree of an instance that has ended, with its cgroup.
func emptied(w *world, num int) *Tree {
	w.Helper()
	tree := w.forest.Tree("web:" + strconv.Itoa(num))
	fd, err := tree.CloneFD()
	if err != nil {
		w.Fatal(err)
	}
	sys.Close(fd)
	tree.caged = true
	return tree
}

// there tells whether a tree's cgroup is.
func there(tree *Tree) bool {
	return unix.Faccessat(tree.forest.base, tree.leaf(), unix.F_OK, 0) == nil
}

// worker is who does jobs for a forest, later.
type worker struct {
	jobs []func()
	busy bool
}

func (x *worker) take(job func()) bool {
	if !x.busy {
		x.jobs = append(x.jobs, job)
	}
	return !x.busy
}

// At the end another thread removes the cgroups, a few at a time; what it does not take
// is offered again, and Close waits for it and removes the rest.
func TestDiscard(t *testing.T) {
	f := cgroupForest(t)
	w, x := newWorld(t, f), &worker{}
	f.Delegate(x.take)
	var trees []*Tree
	for num := range 3*discardBatch - 1 {
		trees = append(trees, emptied(w, num))
	}
	if err := unix.Mkdir(f.dir+"/"+trees[0].leaf()+"/inner", 0o755); err != nil { // as a program may
		t.Fatal(err)
	}
	for i, tree := range trees {
		x.busy = i <= discardBatch
		if tree.Last(All) != 0 || !there(tree) {
			t.Fatalf("tree %d: something is left in it, or its cgroup is removed by us", i)
		}
	}
	if len(x.jobs) != 2 {
		t.Fatalf("%d jobs, want the one that was refused, larger by two, and another", len(x.jobs))
	}
	x.jobs[0]()
	for i, tree := range trees {
		if there(tree) != (i >= discardBatch+2) {
			t.Errorf("after the first job the cgroup of tree %d is there: %t", i, there(tree))
		}
	}
	go x.jobs[1]()
	f.Close()
	if unix.Access(f.dir, unix.F_OK) == nil {
		t.Errorf("%s is left", f.dir)
	}
}

// As long as anything lives nobody else removes anything: whether a cgroup is empty
// its removal tells.
func TestDiscardBesideTheLiving(t *testing.T) {
	f := cgroupForest(t)
	w, x := newWorld(t, f), &worker{}
	f.Delegate(x.take)
	pids := w.start(1, "sleep")
	for num := range 2 * discardBatch {
		if tree := emptied(w, 1+num); tree.Last(All) != 0 || there(tree) {
			t.Fatal("an empty cgroup is left")
		}
	}
	if w.tree.Last(All) == 0 || len(x.jobs) != 0 {
		t.Errorf("who lives is not left, or %d jobs were handed on", len(x.jobs))
	}
	w.kill(All)
	w.until("nothing is left", w.nothingLeft)
	w.gone(pids)
}

// Of what nobody can look at nobody may say that it is gone.
func TestWhatCannotBeLookedAtIsLeft(t *testing.T) {
	bothWays(t, func(w *world) {
		w.forest.Delegate(func(func()) bool { return true })
		w.start(1, "sleep")
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			w.Fatal(err)
		}
		none := unix.Rlimit{Cur: 3, Max: limit.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
			w.Fatal(err)
		}
		all, group, deserted := w.tree.Left(All), w.tree.Left(Group), w.forest.base >= 0 && w.forest.deserted()
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			w.Fatal(err)
		}
		if all == 0 || group == 0 || deserted {
			w.Errorf("without a free descriptor: %d left, %d of the group, deserted %t", all, group, deserted)
		}
	})
}
