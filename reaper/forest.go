package reaper

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Forest holds all trees in one of two ways, decided once.
type Forest struct {
	base int    // directory of our base cgroup, locked as long as we live; -1 without cgroups
	dir  string // its path
	own  string // the path of the cgroup that we were started in
	why  string // why there are no cgroups

	controllers map[string]error // that were asked for: nil when a tree can have them
	stale       string           // how the names of base cgroups begin that Tidy is to look for; "" when it has found them all
	moved       bool             // we are in a cgroup below base, as own may hold no processes any more
	discards    discards

	// Without cgroups only:
	pid      int
	leaders  map[int]struct{}    // unreaped leaders of trees: children that are no orphans
	seen     map[int]orphan      // orphans that were looked at in this turn
	children func(pid int) []int // sys.Children; a test can come in between
}

// NewForest makes this process a subreaper, and the cgroup NAME-PID under its
// own where that can be done. heritage is the one of a daemon whose trees are to
// be adopted, "" for none: where it can be, it is taken over instead. Those of
// other dead daemons are left to Tidy.
func NewForest(name, heritage string) *Forest {
	f := newForest()
	if err := f.makeBase(name, heritage); err != nil {
		f.why = err.Error()
	}
	return f
}

// NewProcForest is NewForest without cgroups, even where they can be made.
func NewProcForest() *Forest {
	f := newForest()
	f.why = "cgroups are not wanted"
	return f
}

func newForest() *Forest {
	_ = sys.Subreaper() // since Linux 3.4; without it orphans go to init, as they do everywhere else
	return &Forest{
		base: -1, pid: unix.Getpid(), leaders: map[int]struct{}{}, seen: map[int]orphan{}, children: sys.Children,
	}
}

// How says in words how trees are held.
func (f *Forest) How() string {
	if f.base >= 0 {
		return "cgroup " + f.dir
	}
	return "subreaper and /proc (" + f.why + ")"
}

// Turn begins a new turn of the loop: what was learnt of orphans is forgotten.
func (f *Forest) Turn() { clear(f.seen) }

// Close removes the cgroups that are empty.
func (f *Forest) Close() {
	if f.base >= 0 {
		f.discards.jobs.Wait()
		f.moveBack()
		sys.Close(f.base)
		removeCgroup(f.dir, whole)
		f.base = -1
	}
}

func (f *Forest) makeBase(name, heritage string) error {
	if err := mayClone3(); err != nil {
		return err
	}
	own, err := sys.OwnCgroup()
	if err != nil {
		return err
	}
	dir, fd := heritage, -1
	if filepath.Dir(heritage) == own && strings.HasPrefix(filepath.Base(heritage), name+"-") {
		fd = inherit(heritage)
	}
	if fd < 0 {
		dir = filepath.Join(own, name+"-"+strconv.Itoa(f.pid))
		if fd, err = makeLocked(dir); err != nil {
			return err
		}
	}
	if err := unix.Faccessat(fd, "cgroup.kill", unix.W_OK, unix.AT_EACCESS); err != nil {
		sys.Close(fd)
		removeCgroup(dir, whole)
		return fmt.Errorf("%s/cgroup.kill: %w", dir, err) // before Linux 5.14
	}
	f.base, f.dir, f.own, f.stale = fd, dir, own, name+"-"
	return nil
}

// mayClone3 asks whether a child can be born in a cgroup: the filters of some
// containers know no clone3(2), and neither do emulators, where cgroups may be
// writable all the same. Without arguments the call can only fail, by EINVAL where it is there.
func mayClone3() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); errno != unix.EINVAL {
		return fmt.Errorf("clone3: %w", errno)
	}
	return nil
}

// inherit opens the base of a daemon that is dead, and locks it; -1 when it is
// gone or somebody else's.
func inherit(dir string) (fd int) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil || unix.Access(dir, unix.F_OK) != nil {
		sys.Close(fd)
		return -1
	}
	return fd
}

// makeLocked makes a cgroup that nobody has yet. The lock, rather than the pid
// in its name, tells other daemons that its owner lives: they may be in another
// pid namespace. One that starts in the same moment may find it before it is
// locked, take it for a dead one's and remove it: then it is made again.
func makeLocked(dir string) (fd int, err error) {
	const tries = 10
	for range tries {
		err := unix.Mkdir(dir, 0o755)
		if err == unix.EEXIST { // of a dead one that had our pid
			clearBase(dir, whole)
			err = unix.Mkdir(dir, 0o755)
		}
		if err != nil {
			return -1, fmt.Errorf("mkdir %s: %w", dir, err)
		}
		if fd, err = lock(dir); err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.ENOENT) {
			break
		}
	}
	return -1, err
}

// lock opens and locks a directory, and makes sure that it is still there: the
// error is ENOENT when it is not. It waits for those who are about to remove it.
func lock(dir string) (fd int, err error) {
	if fd, err = unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("open %s: %w", dir, err)
	}
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(fd, unix.LOCK_EX)
	}
	if err == nil {
		err = unix.Access(dir, unix.F_OK)
	}
	if err != nil {
		sys.Close(fd)
		return -1, fmt.Errorf("lock %s: %w", dir, err)
	}
	return fd, nil
}
