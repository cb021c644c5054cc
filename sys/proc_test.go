package sys

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	const rest = " 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 3 0 98765 1000 1"
	for line, want := range map[string]Stat{
		"7 (cat) R 1 2 3" + rest:                                         {State: 'R', PPID: 1, PGID: 2, SID: 3, Threads: 3, Start: 98765},
		"7 (a) Z 9 (b) c) S 4 5 6" + rest:                                {State: 'S', PPID: 4, PGID: 5, SID: 6, Threads: 3, Start: 98765},
		"7 () Z 4 5 6" + rest + "\n":                                     {State: 'Z', PPID: 4, PGID: 5, SID: 6, Threads: 3, Start: 98765},
		"7 (x) R 4 5 6" + strings.Replace(rest, "4194304", "4194308", 1): {State: 'R', PPID: 4, PGID: 5, SID: 6, Threads: 3, Start: 98765, Exiting: true},
	} {
		if got, ok := parseStat([]byte(line)); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", line, got, ok, want)
		}
	}
	for _, line := range []string{"", "7", "7 (cat)", "7 (cat) R 1 2 3", "7 (cat) R 1 2 3 0 0 0 0"} {
		if got, ok := parseStat([]byte(line)); ok {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func TestAlive(t *testing.T) {
	for _, test := range []struct {
		st    Stat
		alive bool
	}{
		{Stat{State: 'S', Threads: 1}, true},
		{Stat{State: 'T', Threads: 1}, true},
		{Stat{State: 'Z', Threads: 1}, false},
		{Stat{State: 'X', Threads: 0}, false},
		{Stat{State: 'Z', Threads: 2}, true}, // its first thread alone has ended
	} {
		if got := test.st.Alive(); got != test.alive {
			t.Errorf("%+v: alive %v", test.st, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("7 (a) b) R 1 2 3 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if st, ok := parseStat(line); ok && st.State == 0 && !slices.Contains(line, 0) {
			t.Errorf("%q: %+v", line, st)
		}
	})
}

func FuzzCgroupDir(f *testing.F) {
	f.Add([]byte("41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), "/a")
	f.Fuzz(func(t *testing.T, mounts []byte, own string) { cgroupDir(mounts, own) })
}

func TestStatOfThisProcess(t *testing.T) {
	st, err := ReadStat(os.Getpid())
	if err != nil || st.PPID != os.Getppid() || st.PGID != unix.Getpgrp() || st.Start == 0 || !st.Alive() {
		t.Errorf("%+v, %v", st, err)
	}
	if _, err := ReadStat(1 << 30); err != unix.ENOENT {
		t.Errorf("of a process that is not there: %v", err)
	}
}

func TestFamily(t *testing.T) {
	cmd, _ := actor(t, "wait")
	pid := cmd.Process.Pid
	byParent, err := childrenByParent(os.Getpid())
	if err != nil {
		t.Error(err)
	}
	for name, list := range map[string][]int{
		"Children": Children(os.Getpid()), "Descendants": Descendants(os.Getpid()), "by parent": byParent,
	} {
		if !slices.Contains(list, pid) {
			t.Errorf("%s: %v lacks %d", name, list, pid)
		}
	}
	if list := Children(1 << 30); len(list) != 0 {
		t.Errorf("children of nobody: %v", list)
	}
}

func TestEnviron(t *testing.T) {
	t.Setenv("SYS_TEST", "a=b")
	t.Setenv("SYS_TEST_LONGER", "no")
	cmd, _ := actor(t, "wait")
	if v, ok := Environ(cmd.Process.Pid, "SYS_TEST"); !ok || v != "a=b" {
		t.Errorf("SYS_TEST = %q, %v", v, ok)
	}
	if v, ok := Environ(cmd.Process.Pid, "SYS_TEST_ABSENT"); ok {
		t.Errorf("SYS_TEST_ABSENT = %q", v)
	}
}

func TestCgroupDir(t *testing.T) {
	const hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" +
		"32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" +
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
	const part = "41 31 0:38 /a /mnt/with\\040space rw - cgroup2 cgroup2 rw\n"
	for _, test := range []struct{ mounts, own, dir string }{
		{hybrid, "/", "/sys/fs/cgroup/unified"},
		{hybrid, "/user/x", "/sys/fs/cgroup/unified/user/x"},
		{part, "/a/b", "/mnt/with space/b"},
		{part, "/b", ""},
		{part, "/../x", ""},
		{part + hybrid, "/b", "/sys/fs/cgroup/unified/b"},
		{"", "/", ""},
		{"garbage\n - cgroup2\n", "/", ""},
	} {
		if dir, ok := cgroupDir([]byte(test.mounts), test.own); dir != test.dir || ok != (test.dir != "") {
			t.Errorf("%q in %q: %q, %v; want %q", test.own, test.mounts, dir, ok, test.dir)
		}
	}
}

func TestUnifiedPath(t *testing.T) {
	for text, want := range map[string]string{
		"9:name=systemd:/\n0::/a:b\n": "/a:b", "0::/\n": "/", "4:memory:/x\n": "", "": "", "0::/x (deleted)\n": "",
	} {
		got, ok := unifiedPath([]byte(text))
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestReadFileOfAnySize(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 100_000} {
		path := t.TempDir() + "/f"
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := ReadFile(path); err != nil || len(text) != size {
			t.Errorf("%d bytes: %d, %v", size, len(text), err)
		}
	}
}
