package reaper

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// The limits of a cgroup, as indexes of Limits.
const (
	MemoryMax = iota
	CPUMax
	PidsMax
	numLimits
)

// Limits is what a cgroup is held to, in the words of the kernel; "" is no limit.
type Limits [numLimits]string

var (
	limitFiles       = [numLimits]string{"memory.max", "cpu.max", "pids.max"}
	limitControllers = [numLimits]string{"memory", "cpu", "pids"}
)

// held is what only the trees with limits have.
type held struct {
	applied Limits // what stands in the files of the present cgroup
	kills   uint64 // of the kernel in it, for want of memory, that were told
}

// Limit holds the cgroup that the next launch is born in, or that this launch was
// born in, to want. It writes only what is not in force yet: nothing at all for a
// tree that never had a limit. What cannot be had goes to refused, and the rest
// is done.
func (t *Tree) Limit(want Limits, refused func(limit int, err error)) {
	if t.held == nil {
		if want == (Limits{}) {
			return
		}
		t.held = &held{}
	}
	for i, value := range want {
		if value == t.held.applied[i] {
			continue
		}
		if err := t.limit(i, value); err != nil {
			refused(i, err)
			continue
		}
		t.held.applied[i] = value
	}
}

// Limits gives what is in force.
func (t *Tree) Limits() Limits {
	if t.held == nil {
		return Limits{}
	}
	return t.held.applied
}

func (t *Tree) limit(i int, value string) error {
	if t.forest.base < 0 {
		return errors.New(t.forest.why)
	}
	if !t.cloned {
		return errors.New("the process is outside its cgroup")
	}
	if err := t.forest.enable(limitControllers[i]); err != nil {
		return err
	}
	if value == "" {
		value = "max"
	}
	file := t.leaf() + "/" + limitFiles[i]
	if err := writeAt(t.forest.base, file, value); err != nil {
		return fmt.Errorf("write %s to %s/%s: %w", value, t.forest.dir, file, err)
	}
	return nil
}

// OOMKills counts whom the kernel has killed in the cgroup for want of memory
// since the last call. It reads a file only where some tree is held to a limit of memory.
func (t *Tree) OOMKills() (n int) {
	if !t.caged || !t.forest.enabled("memory") {
		return 0
	}
	var buf [256]byte
	kills, ok := field(t.glance("memory.events", buf[:]), "oom_kill")
	if !ok || kills == 0 {
		return 0
	}
	if t.held == nil {
		t.held = &held{}
	}
	n = int(kills - min(kills, t.held.kills))
	t.held.kills = kills
	return n
}

// field finds the number after a name in a flat keyed file of a cgroup.
func field(text []byte, name string) (n uint64, ok bool) {
	for line := range bytes.Lines(text) {
		if rest, found := bytes.CutPrefix(line, []byte(name+" ")); found && bytes.HasSuffix(rest, []byte("\n")) {
			n, err := strconv.ParseUint(string(rest[:len(rest)-1]), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// enabled is whether enable succeeded for a controller.
func (f *Forest) enabled(controller string) bool {
	err, asked := f.controllers[controller]
	return asked && err == nil
}

// enable turns a controller on for the cgroups of all trees. It is tried once:
// a daemon that may not will not be allowed to later.
func (f *Forest) enable(controller string) error {
	err, asked := f.controllers[controller]
	if !asked {
		if f.controllers == nil {
			f.controllers = map[string]error{}
		}
		if err = f.grant(controller); err == nil {
			err = turn(f.dir, "+"+controller)
		}
		f.controllers[controller] = err
	}
	return err
}

// grant makes a controller available below our own cgroup. One with processes of
// its own may pass on none, unless it is the root (no internal process constraint,
// cgroup-v2.rst), so we move out of it first. To try without would be worse than an
// error: the controllers cpu and pids are turned on, and make a threaded domain of
// it, below which nothing can be born.
func (f *Forest) grant(controller string) error {
	if hasController(f.dir, controller) {
		return nil
	}
	if !hasController(f.own, controller) {
		return sys.NoController(f.own, controller)
	}
	if !f.moved && unix.Access(f.own+"/cgroup.type", unix.F_OK) == nil { // the root has no such file
		if err := f.moveDown(); err != nil {
			return err
		}
	}
	return turn(f.own, "+"+controller)
}

// ourLeaf is the cgroup that the daemon moves to, below its base; no name of a
// tree's cgroup is like that.
const ourLeaf = "daemon"

// moveDown moves this process, and children of it that are in no tree, out of
// its cgroup. With others in there nothing is moved: they are not ours.
func (f *Forest) moveDown() error {
	text, err := sys.ReadFile(f.own + "/cgroup.procs")
	if err != nil {
		return fmt.Errorf("read %s/cgroup.procs: %w", f.own, err)
	}
	pids := strings.Fields(string(text))
	for _, word := range pids {
		if pid := atoi(word); pid != f.pid && !f.isChild(pid) {
			return fmt.Errorf("the cgroup %s holds other processes too (pid %d)", f.own, pid)
		}
	}
	leaf := filepath.Join(f.dir, ourLeaf)
	if err := unix.Mkdir(leaf, 0o755); err != nil && err != unix.EEXIST {
		return fmt.Errorf("mkdir %s: %w", leaf, err)
	}
	f.moved = true
	return move(pids, leaf)
}

// move moves processes to another cgroup. Those that are gone meanwhile are no error.
func move(pids []string, dir string) error {
	for _, pid := range pids {
		if err := writeAt(unix.AT_FDCWD, dir+"/cgroup.procs", pid); err != nil && err != unix.ESRCH {
			return fmt.Errorf("write %s to %s/cgroup.procs: %w", pid, dir, err)
		}
	}
	return nil
}

func (f *Forest) isChild(pid int) bool {
	st, err := sys.ReadStat(pid)
	return err != nil || st.PPID == f.pid // gone meanwhile is as good
}

// moveBack undoes moveDown, so that our own cgroup is as it was found.
func (f *Forest) moveBack() {
	if !f.moved {
		return
	}
	for controller := range f.controllers {
		_ = turn(f.dir, "-"+controller)
		_ = turn(f.own, "-"+controller)
	}
	if text, err := sys.ReadFile(filepath.Join(f.dir, ourLeaf, "cgroup.procs")); err == nil {
		_ = move(strings.Fields(string(text)), f.own) // what stays is removed by the next daemon
	}
	f.moved = false
}

func hasController(dir, controller string) bool {
	text, err := sys.ReadFile(dir + "/cgroup.controllers")
	return err == nil && bytes.Contains(append(append([]byte{' '}, bytes.TrimSpace(text)...), ' '), []byte(" "+controller+" "))
}

// turn changes which controllers the cgroups below dir have.
func turn(dir, what string) error {
	if err := writeAt(unix.AT_FDCWD, dir+"/cgroup.subtree_control", what); err != nil {
		return fmt.Errorf("write %s to %s/cgroup.subtree_control: %w", what, dir, err)
	}
	return nil
}

// writeAt writes a file of a cgroup at once, as the kernel wants it.
func writeAt(dir int, path, value string) error {
	fd, err := unix.Openat(dir, path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	for {
		if _, err = unix.Write(fd, []byte(value)); err != unix.EINTR {
			return err
		}
	}
}
