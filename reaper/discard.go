package reaper

import (
	"sync"

	"taskmaster/sys"
)

// discardBatch is how many cgroups are removed elsewhere at a time: to wake who
// does it takes about as long as to remove one.
const discardBatch = 8

// discards are the cgroups of those who will not be launched again, in which
// nothing lives. To remove one takes the kernel longer than to reap a process, so
// that it is left to another thread while the loop reaps the next ones.
type discards struct {
	elsewhere func(job func()) (taken bool) // nil without another thread
	all       bool                          // nothing lives in any cgroup of ours, and nothing will
	leaves    []string                      // that nobody removes yet
	jobs      sync.WaitGroup
}

// Delegate names who has jobs done by another thread, at once or later; one that
// is not taken is offered again. Close waits for those that are.
func (f *Forest) Delegate(elsewhere func(job func()) (taken bool)) { f.discards.elsewhere = elsewhere }

// deserted tells whether nothing lives in any cgroup of ours, when nothing will be
// launched again, and somebody is there to remove them. To ask the kernel of a single
// one takes about as long as to remove it: it makes the file to be read from.
func (f *Forest) deserted() bool {
	d := &f.discards
	d.all = d.all || d.elsewhere != nil && !populated(f.base, ".")
	return d.all
}

// discard has a cgroup removed in which nothing lives, by Close at the latest.
func (f *Forest) discard(leaf string) {
	d := &f.discards
	if d.leaves = append(d.leaves, leaf); len(d.leaves) < discardBatch {
		return
	}
	base, dir, leaves := f.base, f.dir, d.leaves
	d.jobs.Add(1)
	if d.elsewhere(func() { removeLeaves(base, dir, leaves); d.jobs.Done() }) {
		d.leaves = nil
		return
	}
	d.jobs.Done()
}

// removeLeaves removes cgroups of a base. Programs may have made others below
// them, which are empty too.
func removeLeaves(base int, dir string, leaves []string) {
	for _, leaf := range leaves {
		if sys.Rmdirat(base, leaf) != nil {
			removeCgroup(dir+"/"+leaf, whole)
		}
	}
}
