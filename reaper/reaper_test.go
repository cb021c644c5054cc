package reaper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// The main thread stays with the main goroutine: tests run on others, as the loop does.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[0] == "actor" {
		act(os.Args[1:])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// act is what the test binary does as a child: the first word says what, the
// rest is for the process that it starts. Who is ready writes its pid.
func act(words []string) {
	rest := words[1:]
	switch words[0] {
	case "exit":
		os.Exit(atoi(rest[0]))
	case "die":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	case "sleep":
		ready()
	case "deaf":
		signal.Ignore(unix.SIGTERM)
		ready()
	case "nobody":
		must(syscall.Setuid(65534))
		ready()
	case "anonymous": // another program, without TASKMASTER_NAME
		must(syscall.Exec("/proc/self/exe", append([]string{"actor"}, rest...), nil))
	case "bare": // has no environment for a moment, as in the middle of execve
		must(syscall.Exec("/proc/self/exe", []string{"actor", "clothed"}, nil))
	case "clothed":
		ready()
		time.Sleep(200 * time.Millisecond) // for the other one to look meanwhile
		must(syscall.Exec("/proc/self/exe", []string{"actor", "sleep"}, []string{"TASKMASTER_NAME=web:0"}))
	case "child": // starts one in its own group, and stays
		fork(rest, false)
		ready()
	case "setsid": // starts one in another session, and stays
		fork(rest, true)
		ready()
	case "leave": // starts one in another session, and ends: with "setsid" a double fork
		fork(rest, true)
		os.Exit(0)
	case "orphan": // starts one in its own group, and ends
		fork(rest, false)
		os.Exit(0)
	case "bomb":
		signal.Ignore(unix.SIGTERM)
		for i := range 60 {
			fork([]string{"deaf"}, i%2 == 0)
		}
		ready()
	}
	for {
		_, _, _ = syscall.Syscall(syscall.SYS_PPOLL, 0, 0, 0) // for ever
	}
}

func ready() { fmt.Println(os.Getpid()) }

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
}

func fork(words []string, setsid bool) {
	_, err := syscall.ForkExec("/proc/self/exe", append([]string{"actor"}, words...), &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: setsid},
	})
	must(err)
}

// world is a daemon with one instance.
type world struct {
	*testing.T
	forest  *Forest
	tree    *Tree
	signals *sys.Signals
	exits   map[int]Exit
	leader  int
	pipe    int // its end of file says, independently, that nobody of the tree is left
	lines   []byte
}

// bothWays runs a test in a world with cgroups, and in one without.
func bothWays(t *testing.T, test func(w *world)) {
	t.Run("cgroup", func(t *testing.T) {
		test(newWorld(t, cgroupForest(t)))
	})
	t.Run("proc", func(t *testing.T) { test(newWorld(t, NewProcForest())) })
}

// cgroupForest makes a forest with cgroups.
func cgroupForest(t *testing.T) *Forest {
	t.Helper()
	f := NewForest("reaper-test", "")
	if f.base < 0 {
		t.Skip("no cgroup can be made here: ", f.How())
	}
	return f
}

func newWorld(t *testing.T, f *Forest) *world {
	runtime.LockOSThread() // and never unlocked: the thread ends with the test
	s, err := sys.OpenSignals(unix.SIGCHLD)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, forest: f, tree: f.Tree("web:0"), signals: s, exits: map[int]Exit{}}
	t.Cleanup(func() {
		for _, pid := range sys.Descendants(os.Getpid()) {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		w.until("all have ended", func() bool { return len(sys.Children(os.Getpid())) == 0 })
		w.tree.Remove()
		f.Close()
		if f.dir != "" && unix.Access(f.dir, unix.F_OK) == nil {
			t.Errorf("%s is left", f.dir)
		}
		s.Close()
	})
	return w
}

// start launches an actor as the instance's leader and waits until ready
// processes are ready; it gives their pids.
func (w *world) start(ready int, words ...string) (pids []int) {
	w.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		w.Fatal(err)
	}
	w.pipe, w.lines = p[0], nil
	w.Cleanup(func() { sys.Close(p[0]) })
	cgroup, err := w.tree.CloneFD()
	if err != nil {
		w.Fatal(err)
	}
	begun := sys.BootTicks()
	w.signals.Around(func() {
		w.leader, err = syscall.ForkExec("/proc/self/exe", append([]string{"actor"}, words...), &syscall.ProcAttr{
			Env: []string{"TASKMASTER_NAME=web:0"}, Files: []uintptr{0, uintptr(p[1]), 2},
			Sys: &syscall.SysProcAttr{Setpgid: true, UseCgroupFD: cgroup >= 0, CgroupFD: cgroup},
		})
	})
	sys.Close(p[1])
	if cgroup >= 0 {
		sys.Close(cgroup)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.tree.Planted(w.leader, begun)
	if st, err := sys.ReadStat(w.leader); err != nil || st.Start != w.tree.Start() {
		w.Fatalf("it began at %d (%v), the tree says %d", st.Start, err, w.tree.Start())
	}
	for bytes.Count(w.lines, []byte("\n")) < ready && w.read() {
	}
	for line := range strings.Lines(string(w.lines)) {
		pids = append(pids, atoi(strings.TrimSpace(line)))
	}
	if len(pids) != ready {
		w.Fatalf("%d of %d processes are ready", len(pids), ready)
	}
	return pids
}

// read waits for output of the tree; false at its end.
func (w *world) read() bool {
	var buf [4096]byte
	w.await(w.pipe)
	n, err := unix.Read(w.pipe, buf[:])
	if err != nil {
		w.Fatal(err)
	}
	w.lines = append(w.lines, buf[:n]...)
	return n > 0
}

func (w *world) await(fd int) {
	w.Helper()
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 20_000)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			w.Fatalf("nothing happens: %v; left: %v", err, w.tree.Procs())
		}
		return
	}
}

// turn waits for SIGCHLD and collects who has ended, in the order of the package comment.
func (w *world) turn() {
	w.await(w.signals.Fd())
	w.forest.Turn()
	if err := w.signals.Read(func(unix.Signal, uint32, uint32) {}); err != nil {
		w.Fatal(err)
	}
	for e, ok := Next(); ok; e, ok = Next() {
		w.exits[e.Pid] = e
		if e.Pid == w.leader {
			w.tree.Sweep()
		}
		Reap(e.Pid)
		if e.Pid == w.leader {
			w.tree.Felled()
		}
	}
}

// until takes turns until the condition holds: only deaths can make it so.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); w.turn() {
		if time.Now().After(end) {
			w.Fatalf("it never came that %s", what)
		}
	}
}

func (w *world) leaderEnded() bool { _, ok := w.exits[w.leader]; return ok }

func (w *world) nothingLeft() bool { return w.leaderEnded() && w.tree.Left(All) == 0 }

// left waits until so many are left, and never fewer: those between the leader
// and its orphans may take a moment to end.
func (w *world) left(words string, want int) {
	w.Helper()
	w.until(words+": the others ended", func() bool {
		left := w.tree.Left(All)
		if left < want {
			w.Fatalf("%s: %d left, want %d", words, left, want)
		}
		return left == want
	})
}

// gone makes sure, by witnesses other than the tree, that all of it has ended.
func (w *world) gone(pids []int) {
	w.Helper()
	for w.read() {
	}
	for _, pid := range pids {
		if p, ok := look(pid); ok {
			w.Errorf("%d still runs: %+v", pid, p)
		}
	}
}

func (w *world) kill(scope Scope) {
	w.Helper()
	if err := w.tree.Kill(scope); err != nil {
		w.Errorf("kill: %v", err)
	}
}

func (w *world) signal(sig unix.Signal, scope Scope) {
	w.Helper()
	if err := w.tree.Signal(sig, scope); err != nil {
		w.Errorf("signal %v: %v", sig, err)
	}
}

func TestExits(t *testing.T) {
	w := newWorld(t, NewProcForest())
	for words, want := range map[string]Exit{
		"exit 0": {}, "exit 7": {Code: 7}, "exit 255": {Code: 255}, "die": {Code: -1, Signal: unix.SIGKILL},
	} {
		w.start(0, strings.Fields(words)...)
		w.until("the leader ended", w.leaderEnded)
		want.Pid = w.leader
		if got := w.exits[w.leader]; got != want {
			t.Errorf("%s: %+v, want %+v", words, got, want)
		}
	}
}

func TestPeekLeavesAZombie(t *testing.T) {
	w := newWorld(t, NewProcForest())
	w.start(0, "exit", "3")
	w.await(w.signals.Fd())
	for range 2 {
		if e, ok := peek(unix.P_PID, w.leader); !ok || e.Code != 3 {
			t.Fatalf("peek = %+v, %v", e, ok)
		}
	}
	Reap(w.leader)
	if e, ok := peek(unix.P_PID, w.leader); ok {
		t.Errorf("after Reap: %+v", e)
	}
	w.tree.Felled()
}

func TestStoppedIsNotEnded(t *testing.T) {
	w := newWorld(t, NewProcForest())
	w.start(1, "sleep")
	w.signal(unix.SIGSTOP, Leader)
	w.turn() // the kernel reports the stop
	if len(w.exits) != 0 {
		t.Errorf("ended: %v", w.exits)
	}
	w.kill(Leader)
	w.until("nothing is left", w.nothingLeft)
}

// Every shape of a tree ends by one signal, or one kill, to all of it.
func TestAll(t *testing.T) {
	shapes := []struct {
		words string
		ready int
		deaf  bool // it does not end by SIGTERM
	}{
		{"sleep", 1, false},
		{"child sleep", 2, false},
		{"setsid sleep", 2, false},
		{"setsid child sleep", 3, false},
		{"setsid leave sleep", 2, false}, // a double fork
		{"setsid anonymous sleep", 2, false},
		{"child setsid leave child sleep", 4, false},
		{"setsid deaf", 2, true},
		{"setsid leave deaf", 2, true},
		{"child orphan deaf", 2, true},
		{"bomb", 61, true},
	}
	bothWays(t, func(w *world) {
		for _, shape := range shapes {
			pids := w.start(shape.ready, strings.Fields(shape.words)...)
			if shape.deaf {
				w.kill(All)
			} else {
				w.signal(unix.SIGTERM, All)
			}
			w.until(shape.words+": nothing is left", w.nothingLeft)
			w.gone(pids)
		}
	})
}

// The leader is stopped by SIGTERM, what ignores it stays and is counted, and
// then killed.
func TestWhatIgnoresTheStopIsLeft(t *testing.T) {
	bothWays(t, func(w *world) {
		for _, words := range []string{"child deaf", "setsid deaf", "setsid leave deaf", "setsid orphan deaf"} {
			n := 2
			pids := w.start(n, strings.Fields(words)...)
			w.signal(unix.SIGTERM, All)
			w.until(words+": the leader ended", w.leaderEnded)
			w.left(words, 1)
			if procs := w.tree.Procs(); len(procs) != 1 || procs[0] != pids[0] && procs[0] != pids[1] {
				w.Errorf("%s: processes %v of %v", words, procs, pids)
			}
			w.kill(All)
			w.until(words+": nothing is left", w.nothingLeft)
			w.gone(pids)
		}
	})
}

// The leader dies by itself, so no walk came before: its orphans are found by
// what they carry.
func TestLeaderDiesByItself(t *testing.T) {
	bothWays(t, func(w *world) {
		for _, words := range []string{"orphan deaf", "leave deaf", "leave leave deaf", "leave child deaf"} {
			ready := 1 + strings.Count(words, "child")
			pids := w.start(ready, strings.Fields(words)...)
			w.until(words+": the leader ended", w.leaderEnded)
			w.left(words, ready)
			w.kill(All)
			w.until(words+": nothing is left", w.nothingLeft)
			w.gone(pids)
		}
	})
}

func TestStoppedProcessesAreKilled(t *testing.T) {
	bothWays(t, func(w *world) {
		pids := w.start(3, "child", "setsid", "sleep")
		w.signal(unix.SIGSTOP, All)
		w.kill(All)
		w.until("nothing is left", w.nothingLeft)
		w.gone(pids)
	})
}

func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: one of the processes changes its user")
	}
	bothWays(t, func(w *world) {
		pids := w.start(2, "setsid", "leave", "nobody")
		w.signal(unix.SIGTERM, All)
		w.until("nothing is left", w.nothingLeft)
		w.gone(pids)
	})
}

// The scopes Leader and Group spare what they spare, before the leader's end
// and after it.
func TestScopes(t *testing.T) {
	bothWays(t, func(w *world) {
		w.start(3, "child", "setsid", "deaf") // two in the group, one outside
		if err := w.tree.Signal(0, Group); err != nil {
			w.Error(err)
		}
		w.kill(Leader)
		w.until("the leader ended", w.leaderEnded)
		if l, g, a := w.tree.Left(Leader), w.tree.Left(Group), w.tree.Left(All); l != 0 || g != 1 || a != 2 {
			w.Errorf("left: leader %d, group %d, all %d; want 0, 1, 2", l, g, a)
		}
		w.kill(Group)
		w.until("the group is gone", func() bool { return w.tree.Left(Group) == 0 })
		if a := w.tree.Left(All); a != 1 {
			w.Errorf("%d left, want the one that is in no group of ours", a)
		}
		for _, scope := range []Scope{Leader, Group} {
			if err := w.tree.Signal(unix.SIGTERM, scope); err != unix.ESRCH {
				w.Errorf("signal to scope %d that is gone: %v", scope, err)
			}
		}
		w.kill(All)
		w.until("nothing is left", w.nothingLeft)
	})
}

// A launch after the first does not count what is of somebody else's.
func TestTreesAreKeptApart(t *testing.T) {
	bothWays(t, func(w *world) {
		first := w.tree
		w.start(1, "leave", "sleep")
		w.until("the leader ended", w.leaderEnded)
		pid := first.Procs()
		w.tree = w.forest.Tree("web:1")
		w.start(1, "sleep")
		w.signal(unix.SIGTERM, All)
		w.until("the second leader ended", w.leaderEnded)
		if _, ok := look(pid[0]); !ok || first.Left(All) != 1 {
			w.Errorf("the process of the other tree is gone")
		}
		if err := first.Kill(All); err != nil {
			w.Error(err)
		}
		w.until("nothing is left", func() bool { return first.Left(All) == 0 })
		first.Remove()
	})
}

// One that ends between the look at it and the look at its children has given
// them to the daemon meanwhile: a signal to all reaches them all the same.
func TestWhoEndsWithinAWalk(t *testing.T) {
	f := NewProcForest()
	w := newWorld(t, f)
	pids := w.start(3, "setsid", "child", "sleep")
	middle := pids[slices.IndexFunc(pids, func(pid int) bool { return pid != w.leader && len(sys.Children(pid)) > 0 })]
	f.children = func(pid int) []int {
		if p, ok := look(pid); ok && pid == middle {
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer sys.Close(fd)
			_ = p.signal(unix.SIGKILL)
			w.await(fd) // readable once it is a zombie: its children are orphans by then (do_exit)
		}
		return sys.Children(pid)
	}
	w.signal(unix.SIGTERM, All)
	w.until("nothing is left", w.nothingLeft)
	w.gone(pids)
}

// What the kernel is relied on for: the last process of a tree always ends as
// our child, and when it is reaped the cgroup is empty and can be removed.
func TestTheLastDeathIsSeen(t *testing.T) {
	f := cgroupForest(t)
	w := newWorld(t, f)
	for range 20 {
		w.start(4, "child", "setsid", "child", "sleep")
		w.kill(All)
		w.until("nothing is left", w.nothingLeft)
		if err := unix.Rmdir(f.dir + "/" + w.tree.leaf()); err != nil {
			t.Fatalf("rmdir of the cgroup: %v", err)
		}
	}
}

func TestCgroupFallback(t *testing.T) {
	f := cgroupForest(t)
	w := newWorld(t, f)
	if err := unix.Rmdir(f.dir); err != nil {
		t.Fatal(err)
	}
	if fd, err := w.tree.CloneFD(); !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) || fd != -1 {
		t.Errorf("CloneFD = %d, %v", fd, err)
	}
	f.base = -1 // as a start without a cgroup
	pids := w.start(2, "setsid", "sleep")
	w.kill(All)
	w.until("nothing is left", w.nothingLeft)
	w.gone(pids)
}

// Without TASKMASTER_NAME and ancestors only the cgroup tells whose it is.
func TestAnonymousDoubleFork(t *testing.T) {
	f := cgroupForest(t)
	w := newWorld(t, f)
	pids := w.start(2, "setsid", "leave", "anonymous", "sleep")
	w.signal(unix.SIGTERM, All)
	w.until("nothing is left", w.nothingLeft)
	w.gone(pids)
}

func TestStaleCgroupsAreRemoved(t *testing.T) {
	f := cgroupForest(t)
	own, err := sys.OwnCgroup()
	if err != nil {
		t.Fatal(err)
	}
	stale := own + "/reaper-stale-1"
	for _, dir := range []string{stale, stale + "/_a", stale + "/_a/inner"} {
		if err := unix.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeStale(own, "reaper-stale-", whole)
	removeStale(own, "reaper-test-", whole)
	if unix.Access(stale, unix.F_OK) == nil {
		t.Error("the cgroup of a dead daemon is left")
	}
	if unix.Access(f.dir, unix.F_OK) != nil {
		t.Error("the cgroup of a living daemon was removed")
	}
	f.Close()
}

// What a killed daemon has left is removed a little at a time, and nobody's start
// waits for it; only a base that has the name of the new one's is in the way.
func TestTidyInSlices(t *testing.T) {
	own, err := sys.OwnCgroup()
	if err != nil {
		t.Skip("no cgroup can be made here: ", err)
	}
	dead, same := own+"/reaper-slice-1", own+"/reaper-slice-"+strconv.Itoa(os.Getpid())
	for _, base := range []string{dead, same} {
		for n := -1; n < 2*tidySlice; n++ {
			dir := base
			if n >= 0 {
				dir += "/_" + strconv.Itoa(n)
			}
			if err := unix.Mkdir(dir, 0o755); err != nil {
				t.Skip("no cgroup can be made here: ", err)
			}
		}
	}
	f := NewForest("reaper-slice", "")
	defer f.Close()
	if f.dir != same || !f.Stale() {
		t.Fatalf("it holds trees by %s, and knows of stale ones: %t", f.How(), f.Stale())
	}
	f.Tidy()
	if !f.Stale() || unix.Access(dead, unix.F_OK) != nil {
		t.Error("all was removed at once")
	}
	for f.Stale() {
		f.Tidy()
	}
	if unix.Access(dead, unix.F_OK) == nil || unix.Access(same, unix.F_OK) != nil {
		t.Error("the dead one's is left, or our own is gone")
	}
}

// Whoever comes after a daemon that was killed gets the base in which programs
// still live, whatever other daemons start in the same moment and tidy up.
func TestBaseIsInheritedBesideOthers(t *testing.T) {
	f := cgroupForest(t)
	w := newWorld(t, f)
	w.start(1, "sleep")
	own, err := sys.OwnCgroup()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(f.base, unix.LOCK_UN); err != nil { // as if it were dead
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			removeStale(own, "reaper-test-", whole)
		}
	}()
	for tidying := true; tidying; {
		fd := inherit(f.dir)
		if fd < 0 {
			t.Error("the base was not inherited")
			<-done
			break
		}
		sys.Close(fd)
		select {
		case <-done:
			tidying = false
		default:
		}
	}
	w.signal(unix.SIGTERM, All)
	w.until("nothing is left", w.nothingLeft)
}

// Daemons that start in the same moment take nothing from each other.
func TestBasesMadeAtOnce(t *testing.T) {
	if f := NewForest("reaper-test", ""); f.base < 0 {
		t.Skip("no cgroup can be made here: ", f.How())
	} else {
		f.Close()
	}
	own, err := sys.OwnCgroup()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			removeStale(own, "reaper-once-", whole)
		}
	}()
	for n := 0; ; n++ {
		dir := own + "/reaper-once-" + strconv.Itoa(n)
		fd, err := makeLocked(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Rmdir(dir); err != nil {
			t.Errorf("it was removed: %v", err)
		}
		sys.Close(fd)
		select {
		case <-done:
			return
		default:
		}
	}
}

// Two processes that end in the same instant as many others are all seen.
func TestManyDeaths(t *testing.T) {
	w := newWorld(t, NewProcForest())
	const n = 300
	for range n {
		w.signals.Around(func() {
			if _, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{}); err != nil {
				t.Error(err)
			}
		})
	}
	w.until(strconv.Itoa(n)+" deaths were seen", func() bool { return len(w.exits) == n })
}
