package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hasCgroupLimits skips a test where no cgroup can have a limit of memory: a
// kernel whose controllers belong to cgroups of version 1, or no root.
func hasCgroupLimits(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control")
	if err != nil || os.Getuid() != 0 || !slices.Contains(strings.Fields(string(b)), "memory") {
		t.Skip("needs cgroups of version 2 with the controller memory, and root")
	}
}

// cgroup is the directory of the cgroup (version 2) of a process.
func (d *daemon) cgroup(pid int) string {
	d.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/cgroup")
	if err != nil {
		d.Fatalf("%v\n%s", err, d.logTail())
	}
	_, path, _ := strings.Cut(string(b), "0::")
	path, _, _ = strings.Cut(path, "\n")
	return filepath.Join("/sys/fs/cgroup", path)
}

// cgroupFile reads one of its files.
func (d *daemon) cgroupFile(pid int, name string) string {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(d.cgroup(pid), name))
	if err != nil {
		d.Fatalf("%v\n%s", err, d.logTail())
	}
	return strings.TrimSpace(string(b))
}

var limited = fields{"memory_max": "64MiB", "cpu_max": "50%", "pids_max": 50}

// Where limits cannot be had they are a warning for each program and field, once
// however often it is launched, and the rest works.
func TestLimitsThatCannotBeHadAreAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", limited), "plain": prog("sleep 1000")}, options{flags: []string{"--no-cgroup"}})
	d.awaitAll("RUNNING")
	d.must("restart", "a")
	d.must("stop", "a")
	d.must("start", "a")
	for _, field := range []string{"memory_max", "cpu_max", "pids_max"} {
		if got := w.logged("WARN", "name=a", "field="+field, "cgroup"); len(got) != 1 {
			t.Errorf("%s: %q", field, got)
		}
	}
	if got := w.logged("WARN", "name=plain"); len(got) > 0 {
		t.Errorf("of a program without limits: %q", got)
	}
	d.end()
}

// status -v tells memory, processor time and processes, held by cgroups or not.
func TestUsageIsShown(t *testing.T) {
	t.Parallel()
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			script := "sleep 1000 & i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo up > up; wait"
			d := w.start(programs{"a": prog(sh(script))}, options{flags: h.flags})
			w.until("it has worked", func() bool { return len(w.lines("up")) == 1 })
			d.await("a", "RUNNING")
			out := d.must("status", "-v", "a")
			for _, want := range []string{`processes: 2 \[\d+ \d+\]`, `memory: [\d.]+ [KM]iB`, `cpu: \d+\.\d{3} s`} {
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("no %s in\n%s", want, out)
				}
			}
			d.end()
		})
	}
}

// The limits hold for the first instruction, and a reload changes them without a restart.
func TestLimitsHoldAndChange(t *testing.T) {
	hasCgroupLimits(t)
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("echo $$; exec sleep 1000"), limited, fields{"nice": 1}), "b": prog("sleep 1000")})
	rows := d.awaitAll("RUNNING")
	pid := rows["a"].PID
	for file, want := range map[string]string{"memory.max": "67108864", "cpu.max": "50000 100000", "pids.max": "50"} {
		if got := d.cgroupFile(pid, file); got != want {
			t.Errorf("%s is %s, want %s", file, got, want)
		}
	}
	w.config(programs{"a": prog(sh("echo $$; exec sleep 1000"), fields{"nice": 1, "memory_max": "32MiB", "cpu_max": 2}), "b": prog("sleep 1000", fields{"pids_max": 7})}, nil)
	d.must("reload")
	for file, want := range map[string]string{"memory.max": "33554432", "cpu.max": "200000 100000", "pids.max": "max"} {
		if got := d.cgroupFile(pid, file); got != want {
			t.Errorf("after the reload %s is %s, want %s", file, got, want)
		}
	}
	if got := d.cgroupFile(rows["b"].PID, "pids.max"); got != "7" {
		t.Errorf("b: pids.max is %s", got)
	}
	if now := d.awaitAll("RUNNING"); now["a"].PID != pid || now["b"].PID != rows["b"].PID {
		t.Error("the reload restarted something")
	}
	if got := w.logged("WARN"); len(got) > 0 {
		t.Errorf("warnings: %q", got)
	}
	d.end()
}

// What the kernel kills for want of memory is named, in a launch after the first as well.
func TestOutOfMemoryIsNamed(t *testing.T) {
	hasCgroupLimits(t)
	t.Parallel()
	w := newWorld(t)
	once := fields{"memory_max": "16MiB", "startretries": 1, "starttime": 60, "autorestart": "never"}
	d := w.start(programs{
		"hog":   prog("tail /dev/zero", once),
		"child": prog(sh("(tail /dev/zero) || exit 3"), once),
		"clean": prog(sh("exit 4"), once),
	})
	d.awaitAll("FATAL")
	const why = "killed by the kernel: out of memory (memory_max 16 MiB)"
	for name, want := range map[string]string{"hog": "(" + why + ")", "child": "(exit code 3, a process of it was " + why + ")", "clean": "(exit code 4)"} {
		if r := d.status(name)[name]; !strings.Contains(r.Reason, want) {
			t.Errorf("%s: %s", name, r.Reason)
		}
	}
	if got := w.logged("WARN", " exit ", "name=hog", why); len(got) != 2 {
		t.Errorf("logged: %q", got)
	}
	d.end()
}

// A fork past pids_max fails, and nothing else does.
func TestPidsMaxStopsForks(t *testing.T) {
	hasCgroupLimits(t)
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog(sh("sleep 1000 & sleep 1000 & (sleep 1000 & sleep 1000) 2>> err; echo up > up; exec sleep 1000"), fields{"pids_max": 4})})
	w.until("it has tried", func() bool { return len(w.lines("up")) == 1 || len(w.lines("err")) > 0 })
	if n := len(w.sleepers()); n > 4 {
		t.Errorf("%d processes", n)
	}
	d.must("stop", "a")
}
