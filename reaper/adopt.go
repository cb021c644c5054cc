package reaper

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// Base is the directory of the cgroups of all trees, "" without.
func (f *Forest) Base() string {
	if f.base < 0 {
		return ""
	}
	return f.dir
}

// Cgroup is the name of the cgroup below the base that the next or present
// launch is in, "" for none.
func (t *Tree) Cgroup() string {
	if t.forest.base < 0 {
		return ""
	}
	return t.leaf()
}

// Start is when the leader was started, in clock ticks after boot.
func (t *Tree) Start() uint64 { return t.start }

// Adopt makes the tree of a launch of an earlier daemon, which is no child of
// this one: so its pid may be anybody's at any time, and each signal is for a
// process that was verified. pid and start name the leader. cgroup is the name of
// its cgroup below base, "" for none. env is the environment that it was launched
// with, nil when that is not known. It tells whether the leader runs.
func (f *Forest) Adopt(name, called string, pid int, start uint64, base, cgroup string, env []string) (t *Tree, runs bool) {
	t = f.Tree(name)
	t.called, t.pgid, t.start, t.foreign = called, pid, start, true
	t.env = lasting(env)
	if cgroup != "" && f.base >= 0 && base == f.dir && f.holds(cgroup) {
		t.made, t.caged, t.cage = true, true, cageOf(cgroup)
		t.killed = true // perhaps: the next launch is not born in it
	}
	if p, ok := look(pid); ok && p.start == start {
		t.pid, runs = pid, true
		if text, err := environOf(pid); err == nil && !t.caged {
			t.env = lasting(strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"))
		}
	}
	t.members() // while the leader holds them together
	return t, runs
}

func (f *Forest) holds(cgroup string) bool {
	return filepath.Base(cgroup) == cgroup && unix.Access(f.dir+"/"+cgroup, unix.F_OK) == nil
}

// cageOf is the count in the name of a cgroup, as leaf makes it.
func cageOf(cgroup string) uint32 {
	_, count, _ := strings.Cut(cgroup, "~")
	return uint32(atoi(count))
}

// Watch gives a descriptor that becomes readable when the leader of an adopted
// tree ends. The caller closes it.
func (t *Tree) Watch() (fd int, err error) {
	if fd, err = unix.PidfdOpen(t.pid, unix.PIDFD_NONBLOCK); err != nil {
		return -1, err
	}
	if !t.leaderLives() { // the pid is another's by now
		sys.Close(fd)
		return -1, unix.ESRCH
	}
	return fd, nil
}

// Foreign tells whether the launch was an earlier daemon's.
func (t *Tree) Foreign() bool { return t.foreign }

// leaderLives tells whether the leader is the very process that it was.
func (t *Tree) leaderLives() bool {
	p, ok := look(t.pid)
	return t.pid != 0 && ok && (!t.foreign || p.start == t.start)
}

// signalLeader signals the leader alone.
func (t *Tree) signalLeader(sig unix.Signal) error {
	switch {
	case t.pid == 0:
		return unix.ESRCH
	case t.foreign:
		return proc{pid: t.pid, start: t.start}.signal(sig)
	}
	return unix.Kill(t.pid, sig)
}

// killGroup signals the process group. That of a foreign leader is named by a
// descriptor (PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9), so that its number cannot
// be another's; before that by its number, which was looked at just now.
func (t *Tree) killGroup(sig unix.Signal) error {
	const processGroup = 4
	if !t.foreign || t.pid == 0 {
		return unix.Kill(-t.pgid, sig)
	}
	fd, err := t.Watch()
	if errors.Is(err, unix.ESRCH) && len(t.inGroup(t.members())) > 0 {
		return unix.Kill(-t.pgid, sig) // it has lost its leader, and is verified
	}
	if err == nil {
		defer sys.Close(fd)
		err = unix.PidfdSendSignal(fd, sig, nil, processGroup)
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		return unix.Kill(-t.pgid, sig)
	}
	return err
}

// kin finds the processes of an adopted launch that have lost their leader: they
// are children of init, or of an ancestor of ours that is a subreaper. They are
// known by their name, and by the number of its process group or session or by
// all of its environment: each alone may be another's.
func (t *Tree) kin(found []proc) []proc {
	homes := ancestors()
	for _, pid := range sys.Processes() {
		st, err := sys.ReadStat(pid)
		if err != nil || !st.Alive() || st.Start < t.start || owner(pid) != t.called {
			continue
		}
		near := t.pgid != 0 && (st.PGID == t.pgid || st.SID == t.pgid)
		if near || homes[st.PPID] && t.env != nil && carries(pid, t.env) {
			found, _ = meet(found, pid, st.Start)
		}
	}
	return found
}

// ancestors are those who take orphans in that we would have left.
func ancestors() map[int]bool {
	out := map[int]bool{1: true}
	for pid := unix.Getppid(); pid > 1 && !out[pid]; {
		out[pid] = true
		st, err := sys.ReadStat(pid)
		if err != nil {
			break
		}
		pid = st.PPID
	}
	return out
}

// lasting leaves out what shells change for those whom they start.
func lasting(env []string) (out []string) {
	for _, e := range env {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "", "PWD", "OLDPWD", "SHLVL", "_":
		default:
			out = append(out, e)
		}
	}
	return out
}

// FindLaunched finds the leader of a launch that an earlier daemon has made and
// had no time to note: it leads a process group, was started at since (in clock
// ticks after boot) or later, and has all of env in its environment. 0 when there
// is none. It waits for one that is in the middle of its execve, where it has no
// environment for a moment: a second at most, as there may be none for good.
func FindLaunched(since uint64, env []string) (pid int, start uint64) {
	const tries, pause = 100, 10 // ms
	env = lasting(env)
	for range tries {
		found, undecided := findLeader(since, env)
		if found.pid != 0 || !undecided {
			return found.pid, found.start
		}
		_, _ = unix.Poll(nil, pause)
	}
	return 0, 0
}

// LaunchedIn is FindLaunched for an instance whose launches are in a cgroup below
// base: whatever is in it is its own, so nothing needs to be known of it. name is
// that of the tree. Without a leader pid is 0; without anything cgroup is "".
func (f *Forest) LaunchedIn(base, name string, since uint64) (pid int, start uint64, cgroup string) {
	if f.base < 0 || base != f.dir {
		return 0, 0, ""
	}
	leaves, _ := filepath.Glob(filepath.Join(base, "_*")) // fails for a bad pattern only
	for _, dir := range leaves {
		leaf := filepath.Base(dir)
		if plain, _, _ := strings.Cut(leaf, "~"); plain != "_"+name {
			continue
		}
		for _, p := range f.Tree(name).below(leaf, nil) {
			if p.start < since || cgroup != "" && p.pid != p.pgid {
				continue
			}
			if cgroup = leaf; p.pid == p.pgid && (pid == 0 || p.start < start) {
				pid, start = p.pid, p.start
			}
		}
	}
	return pid, start, cgroup
}

// findLeader looks once; undecided is whether there is one that may yet be it.
func findLeader(since uint64, env []string) (found proc, undecided bool) {
	for _, pid := range sys.Processes() {
		p, ok := look(pid)
		if !ok || p.exiting || p.pgid != pid || p.start < since {
			continue
		}
		environ, err := environOf(pid) // once: between two looks the execve may come to its end
		if err == nil && holds(environ, env) {
			return p, false
		}
		undecided = undecided || err == nil && len(environ) == 0
	}
	return proc{}, undecided
}

// carries tells whether all of env is in the environment of a process.
func carries(pid int, env []string) bool {
	environ, err := environOf(pid)
	return err == nil && holds(environ, env)
}

// environOf reads the environment that a process was executed with; in the
// middle of its execve it has none.
func environOf(pid int) ([]byte, error) {
	return sys.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
}

// holds tells whether all of env is in environ, the text of an environment.
func holds(environ []byte, env []string) bool {
	has := map[string]bool{}
	for entry := range strings.SplitSeq(string(environ), "\x00") {
		has[entry] = true
	}
	for _, e := range env {
		if !has[e] {
			return false
		}
	}
	return true
}

// CgroupOf is the name of the cgroup below the base that a process is in, "" when
// it is in none of them.
func (f *Forest) CgroupOf(pid int) string {
	if f.base < 0 {
		return ""
	}
	text, err := sys.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	base := "/" + filepath.Base(f.dir) + "/"
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			if _, below, ok := strings.Cut(path, base); ok {
				leaf, _, _ := strings.Cut(below, "/")
				return leaf
			}
		}
	}
	return ""
}

// Leader is the pid of the leader, 0 when there is none.
func (t *Tree) Leader() int { return t.pid }

// Group is the number of the process group, which is the leader's pid while and
// after it lives; 0 when it is known to be gone.
func (t *Tree) Group() int { return t.pgid }
