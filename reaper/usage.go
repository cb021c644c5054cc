package reaper

import (
	"time"

	"taskmaster/sys"
)

// Usage is what a tree takes now.
type Usage struct {
	Pids   []int
	Memory int64         // bytes: what its cgroup is charged with, or what its processes have resident
	Charge bool          // Memory is the former
	CPU    time.Duration // since its cgroup was made, or of the processes there are and their children that have ended
	Total  bool          // CPU is the former
}

// Usage looks at the tree: at files of its cgroup, and in /proc for what these do not say.
func (t *Tree) Usage() (u Usage) {
	members := t.members()
	for _, p := range members {
		u.Pids = append(u.Pids, p.pid)
	}
	var buf [512]byte
	if t.caged {
		u.Memory, u.Charge = number(t.glance("memory.current", buf[:]))
		us, ok := field(t.glance("cpu.stat", buf[:]), "usage_usec")
		u.CPU, u.Total = time.Duration(us)*time.Microsecond, ok
	}
	if u.Charge && u.Total {
		return u
	}
	for _, p := range members {
		resident, cpu := sys.ReadUsage(p.pid)
		if !u.Charge {
			u.Memory += resident
		}
		if !u.Total {
			u.CPU += cpu
		}
	}
	return u
}

// number is the number that a file holds alone; false when there is no such file.
func number(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		n, ok = n*10+int64(c-'0'), true
	}
	return n, ok
}
