package reaper

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeCgroup is a directory with the files of a cgroup, as no kernel makes them here.
func fakeCgroup(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// fakeForest is a forest of plain files: own is the daemon's cgroup, below it the
// base with the cgroup of one tree, whose next launch is born in it.
func fakeForest(t *testing.T, controllers string) (*Forest, *Tree, string) {
	t.Helper()
	own := t.TempDir()
	base := filepath.Join(own, "tm-1")
	fakeCgroup(t, own, map[string]string{"cgroup.controllers": controllers, "cgroup.subtree_control": "", "cgroup.procs": strconv.Itoa(os.Getpid()) + "\n"})
	fakeCgroup(t, base, map[string]string{"cgroup.controllers": "", "cgroup.subtree_control": ""})
	fakeCgroup(t, filepath.Join(base, ourLeaf), map[string]string{"cgroup.procs": ""})
	leaf := filepath.Join(base, "_web:0")
	fakeCgroup(t, leaf, map[string]string{"memory.max": "max", "cpu.max": "max 100000", "pids.max": "max"})
	fd, err := unix.Open(base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	f := newForest()
	f.base, f.dir, f.own = fd, base, own
	tree := f.Tree("web:0")
	tree.made, tree.cloned = true, true
	return f, tree, leaf
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// refusals collects what Limit refuses.
type refusals []string

func (r *refusals) add(limit int, err error) {
	*r = append(*r, limitFiles[limit]+": "+err.Error())
}

func TestLimitWritesWhatIsNew(t *testing.T) {
	f, tree, leaf := fakeForest(t, "cpu memory pids\n")
	var refused refusals
	tree.Limit(Limits{"1000", "50000 100000", ""}, refused.add)
	if got := contents(t, leaf+"/memory.max") + "|" + contents(t, leaf+"/cpu.max") + "|" + contents(t, leaf+"/pids.max"); got != "1000|50000 100000|max" || refused != nil {
		t.Errorf("%s, refused %q", got, refused)
	}
	if got := contents(t, f.own+"/cgroup.subtree_control") + contents(t, f.dir+"/cgroup.subtree_control"); got != "+cpu+cpu" { // the last of each
		t.Errorf("controllers: %s", got)
	}
	fakeCgroup(t, leaf, map[string]string{"memory.max": "untouched", "cpu.max": "old"})
	tree.Limit(Limits{"1000", "", ""}, refused.add)
	if got := contents(t, leaf+"/memory.max") + "|" + contents(t, leaf+"/cpu.max"); got != "untouched|max" || refused != nil {
		t.Errorf("%s, refused %q", got, refused)
	}
	if tree.Limits() != (Limits{"1000", "", ""}) {
		t.Errorf("in force: %q", tree.Limits())
	}
}

func TestLimitIsRefusedWithAReason(t *testing.T) {
	f, tree, leaf := fakeForest(t, "cpu pids\n")
	var refused refusals
	tree.Limit(Limits{"1000", "", "5"}, refused.add)
	if len(refused) != 1 || !strings.HasPrefix(refused[0], "memory.max: the cgroup "+f.own+" does not have the controller memory") {
		t.Errorf("refused %q", refused)
	}
	if got := contents(t, leaf+"/pids.max"); got != "5" {
		t.Errorf("pids.max is %s", got)
	}
	tree.Loose()
	refused = nil
	tree.Limit(Limits{"", "", "5"}, refused.add)
	if len(refused) != 1 || !strings.Contains(refused[0], "outside its cgroup") {
		t.Errorf("refused %q", refused)
	}
	refused = nil
	NewProcForest().Tree("x").Limit(Limits{"1000", "", ""}, refused.add)
	if len(refused) != 1 || !strings.Contains(refused[0], "cgroups are not wanted") {
		t.Errorf("refused %q", refused)
	}
}

// A tree without limits looks at nothing: its forest has no descriptor to do it with.
func TestNoLimitCostsNothing(t *testing.T) {
	f := newForest()
	f.base = 1 << 20
	tree := f.Tree("x")
	tree.caged, tree.cloned = true, true
	tree.Limit(Limits{}, func(int, error) { t.Error("refused") })
	if tree.OOMKills() != 0 || tree.held != nil || f.controllers != nil {
		t.Error("something was looked at")
	}
}

func TestOOMKillsAreToldOnce(t *testing.T) {
	_, tree, leaf := fakeForest(t, "memory\n")
	fakeCgroup(t, leaf, map[string]string{"memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\noom_group_kill 0\n"})
	tree.caged = true
	if n := tree.OOMKills(); n != 0 {
		t.Errorf("%d without the controller", n)
	}
	tree.Limit(Limits{"1000"}, func(int, error) { t.Error("refused") })
	if a, b := tree.OOMKills(), tree.OOMKills(); a != 2 || b != 0 {
		t.Errorf("%d, then %d", a, b)
	}
}

func TestMoveDown(t *testing.T) {
	f, _, _ := fakeForest(t, "memory\n")
	leaf := filepath.Join(f.dir, ourLeaf)
	if err := f.moveDown(); err != nil || !f.moved {
		t.Fatal(err)
	}
	if got := contents(t, leaf+"/cgroup.procs"); got != strconv.Itoa(os.Getpid()) {
		t.Errorf("moved: %q", got)
	}
	f.controllers = map[string]error{"memory": nil}
	f.moveBack()
	if got := contents(t, f.own+"/cgroup.subtree_control"); got != "-memory" || f.moved {
		t.Errorf("left: %q", got)
	}
	fakeCgroup(t, f.own, map[string]string{"cgroup.procs": strconv.Itoa(os.Getpid()) + "\n1\n"})
	if err := f.moveDown(); err == nil || !strings.Contains(err.Error(), "holds other processes too (pid 1)") || f.moved {
		t.Errorf("with another: %v", err)
	}
}

func TestUsage(t *testing.T) {
	bothWays(t, func(w *world) {
		pids := w.start(2, "child", "sleep")
		u := w.tree.Usage()
		slices.Sort(pids)
		slices.Sort(u.Pids)
		if !slices.Equal(u.Pids, pids) || u.Memory < 100_000 || u.Memory > 1<<30 || u.CPU < 0 {
			t.Errorf("%+v, processes %v", u, pids)
		}
		w.kill(All)
		w.until("nothing is left", w.nothingLeft)
		if u := w.tree.Usage(); len(u.Pids) != 0 {
			t.Errorf("after the end: %+v", u)
		}
	})
}
