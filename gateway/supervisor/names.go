package supervisor

import (
	"strconv"
	"strings"

	"taskmaster/control"
	"taskmaster/gateway/link"
)

// A program is a group, an instance a process in it: web is the process web of the
// group web, web:0 the process 0 of it. Scripts that were written for supervisord may
// say web:web_0 or web:web_00 as well.

// split takes a name apart as supervisord does: group:process, group:* or group.
// An empty process is the whole group.
func split(name string) (group, process string) {
	group, process, found := strings.Cut(name, ":")
	if !found {
		return name, name
	}
	if process == "*" {
		process = ""
	}
	return group, process
}

// join is the full name of a process.
func join(group, process string) string {
	if group == process {
		return group
	}
	return group + ":" + process
}

// isCalled tells whether a client means p by this name.
func isCalled(p *link.Process, process string) bool {
	if process == p.Short() {
		return true
	}
	number := strings.TrimPrefix(strings.TrimPrefix(process, p.Program), "_")
	n, err := strconv.ParseUint(number, 10, 31)
	return err == nil && int(n) == p.Instance
}

// inGroup gives the processes of a group; none means that there is no such group.
func inGroup(s *link.Snapshot, group string) (out []*link.Process) {
	for i := range s.Processes {
		if p := &s.Processes[i]; p.Program == group {
			out = append(out, p)
		}
	}
	return out
}

// find gives the one process that is called so, nil when there is none.
func find(s *link.Snapshot, name string) *link.Process {
	group, process := split(name)
	if process == "" {
		return nil
	}
	for _, p := range inGroup(s, group) {
		if isCalled(p, process) {
			return p
		}
	}
	return nil
}

// states are the codes of supervisord's states.
var states = map[string]int{
	"STOPPED": 0, "STARTING": 10, "RUNNING": 20, "BACKOFF": 30, "STOPPING": 40, "EXITED": 100, "FATAL": 200, "UNKNOWN": 1000,
}

// alive tells whether supervisord would call the process running.
func alive(r *control.Row) bool {
	return r.State == "STARTING" || r.State == "RUNNING" || r.State == "BACKOFF"
}
