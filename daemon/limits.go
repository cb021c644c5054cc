package daemon

import (
	"fmt"
	"strconv"
	"time"

	"taskmaster/config"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/reaper"

	"golang.org/x/sys/unix"
)

// limit holds the cgroup of a tree to what its program says. What cannot be is
// said once for each program and field; everything else works without.
func (d *Daemon) limit(tree *reaper.Tree, p *config.Program) {
	if p == nil {
		return
	}
	tree.Limit(reaper.Limits(p.CgroupMax()), func(limit int, err error) {
		field := config.CgroupFields[limit]
		if key := p.Name + "." + field; !d.unlimited[key] {
			if d.unlimited == nil {
				d.unlimited = map[string]bool{}
			}
			d.unlimited[key] = true
			d.log(journal.Warn, "warning", journal.Str("name", p.Name), journal.Str("field", field),
				journal.Str("error", "not in force, there is no cgroup for it: "+err.Error()))
		}
	})
}

// limitAll brings new limits into force for what runs, after a reload. What is
// being stopped keeps its own.
func (d *Daemon) limitAll() {
	for _, c := range d.children {
		if c.tree != nil && c.PID() != 0 && c.State() != process.Stopping {
			d.limit(c.tree, d.programs[c.Group().Name])
		}
	}
}

// outOfMemory says what the kernel has killed the child, or some process of it,
// for; "" when it has not. Only programs with a limit are asked, and what a
// SIGKILL ended that was not ours.
func outOfMemory(c *child, e reaper.Exit) string {
	limit := c.tree.Limits()[reaper.MemoryMax]
	if limit == "" && (e.Signal != unix.SIGKILL || c.Killed()) || c.tree.OOMKills() == 0 {
		return ""
	}
	if limit == "" {
		return "out of memory"
	}
	return "out of memory (memory_max " + sizeText(limit) + ")"
}

// sayUsage is the part of status -v about memory, processor time and processes.
func sayUsage(c *child, say func(format string, args ...any)) {
	u, limits := c.tree.Usage(), c.tree.Limits()
	say("processes: %d%s %v", len(u.Pids), atMost(limits[reaper.PidsMax]), u.Pids)
	how := " resident"
	if u.Charge {
		how = ""
	}
	say("memory: %s%s%s", formatSize(u.Memory), how, atMost(sizeText(limits[reaper.MemoryMax])))
	how = " by the processes there are"
	if u.Total {
		how = ""
	}
	say("cpu: %.3f s%s%s", u.CPU.Seconds(), how, atMost(coresText(limits[reaper.CPUMax])))
}

// atMost is a limit as it follows a figure.
func atMost(limit string) string {
	if limit == "" {
		return ""
	}
	return " (at most " + limit + ")"
}

// coresText writes a limit of processor time as a person does.
func coresText(limit string) string {
	var quota, period time.Duration
	if _, err := fmt.Sscan(limit, &quota, &period); err != nil || period == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(quota)/float64(period), 'g', 4, 64) + " cores"
}

func sizeText(limit string) string {
	n, err := strconv.ParseInt(limit, 10, 64)
	if err != nil {
		return ""
	}
	return formatSize(n)
}

// formatSize writes a number of bytes with the largest unit that leaves a whole
// number before the point.
func formatSize(n int64) string {
	units := [...]string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	return strconv.FormatFloat(float64(int64(size*10))/10, 'f', -1, 64) + " " + units[unit]
}
