package tests

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// procStat is what /proc/PID/stat tells of a process.
type procStat struct {
	pid, ppid, pgid, sid int
	state                byte // R, S, D, T, Z, …
	cpu                  int  // hundredths of a second used
}

// stat reads /proc/PID/stat; ok is false when there is no such process.
func stat(pid int) (s procStat, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, false
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name may hold anything
	s = procStat{pid: pid, state: f[0][0]}
	s.ppid, _ = strconv.Atoi(f[1])
	s.pgid, _ = strconv.Atoi(f[2])
	s.sid, _ = strconv.Atoi(f[3])
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	s.cpu = user + system
	return s, true
}

// cpu is the CPU time that pid has used, in hundredths of a second.
func cpu(pid int) int {
	s, _ := stat(pid)
	return s.cpu
}

// alive tells that pid is a process that has not ended: a zombie has.
func alive(pid int) bool {
	s, ok := stat(pid)
	return ok && s.state != 'Z' && s.state != 'X'
}

// processes lists every process of the machine.
func processes() (out []procStat) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, n := range names {
		if pid, err := strconv.Atoi(n.Name()); err == nil {
			if s, ok := stat(pid); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// children lists the children of pid, zombies too.
func children(pid int) (out []procStat) {
	for _, p := range processes() {
		if p.ppid == pid {
			out = append(out, p)
		}
	}
	return out
}

// zombies lists the children of pid that have ended and were not reaped.
func zombies(pid int) (out []int) {
	for _, p := range children(pid) {
		if p.state == 'Z' {
			out = append(out, p.pid)
		}
	}
	return out
}

// environ gives the environment that pid was started with.
func environ(pid int) map[string]string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil
	}
	env := map[string]string{}
	for kv := range strings.SplitSeq(string(b), "\x00") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env[k] = v
		}
	}
	return env
}

// carrying lists the live processes whose environment has key=value: whatever
// group, session or parent they have gone to.
func carrying(key, value string) (out []procStat) {
	want := []byte("\x00" + key + "=" + value + "\x00")
	for _, p := range processes() {
		if p.state == 'Z' || p.state == 'X' {
			continue
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
		if err == nil && bytes.Contains(append([]byte{0}, b...), want) {
			out = append(out, p)
		}
	}
	return out
}

// statusField gives one field of /proc/PID/status, "" when there is none.
func statusField(pid int, name string) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return field(string(b), name)
}

// field gives one field of the text of a status file.
func field(text, name string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// rss is the resident memory of pid in KiB.
func rss(pid int) int {
	kib, _ := strconv.Atoi(strings.TrimSuffix(statusField(pid, "VmRSS"), " kB"))
	return kib
}

// threads is the number of threads of pid.
func threads(pid int) int {
	n, _ := strconv.Atoi(statusField(pid, "Threads"))
	return n
}

// descriptors gives what each open descriptor of pid is.
func descriptors(t testing.TB, pid int) map[string]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, n := range names {
		if to, err := os.Readlink(dir + "/" + n.Name()); err == nil {
			out[n.Name()] = to
		}
	}
	return out
}
