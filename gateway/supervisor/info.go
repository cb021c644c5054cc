package supervisor

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"taskmaster/control"
	"taskmaster/gateway/link"
)

func (s *Service) getProcessInfo(ctx context.Context, a args) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	p := find(snap, a.text(0))
	if p == nil {
		return nil, fault(BadName, a.text(0))
	}
	return info(p, time.Now()), nil
}

// getAllProcessInfo is in the order of the names, as supervisord's is.
func (s *Service) getAllProcessInfo(ctx context.Context, _ args) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(snap.Processes, func(a, b link.Process) int { return strings.Compare(a.Program, b.Program) })
	out := make([]any, len(snap.Processes))
	for i := range snap.Processes {
		out[i] = info(&snap.Processes[i], time.Now())
	}
	return out, nil
}

func info(p *link.Process, now time.Time) map[string]any {
	start, stop := times(p)
	exit := 0
	if p.ExitCode != nil {
		exit = *p.ExitCode
	}
	if p.Signal != nil {
		exit = -1
	}
	trouble := ""
	if p.State == "BACKOFF" || p.State == "FATAL" {
		trouble = p.Reason
	}
	return map[string]any{
		"name": p.Short(), "group": p.Program, "start": seconds(start), "stop": seconds(stop), "now": seconds(now),
		"state": states[p.State], "statename": p.State, "spawnerr": trouble, "exitstatus": exit, "pid": p.PID,
		"logfile": logfile(&p.Stats.Stdout), "stdout_logfile": logfile(&p.Stats.Stdout), "stderr_logfile": logfile(&p.Stats.Stderr),
		"description": describe(p, start, stop, now),
	}
}

// times are when it was launched last, and when it last came to rest.
func times(p *link.Process) (start, stop time.Time) {
	start, _ = time.Parse(control.Stamp, p.Stats.Launched) // none is the zero time
	if p.PID == 0 && !start.IsZero() {
		stop, _ = time.Parse(control.Stamp, p.Since)
	}
	return start, stop
}

// seconds is a time as supervisord says it: 0 is never.
func seconds(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	return int(min(t.Unix(), math.MaxInt32))
}

func logfile(s *control.StreamStats) string { return s.Path }

// describe says what supervisorctl shows beside the state.
func describe(p *link.Process, start, stop, now time.Time) string {
	switch p.State {
	case "RUNNING":
		return fmt.Sprintf("pid %d, uptime %s", p.PID, duration(now.Sub(start)))
	case "BACKOFF", "FATAL":
		if p.Reason == "" {
			return fmt.Sprintf("unknown error (try \"tail %s\")", p.Short())
		}
		return p.Reason
	case "STOPPED", "EXITED":
		if strings.HasPrefix(p.Reason, "waiting for ") || strings.Contains(p.Reason, " is FATAL") {
			return p.Reason // it waits for others
		}
		if start.IsZero() {
			return "Not started"
		}
		return stop.Local().Format("Jan 02 03:04 PM")
	}
	return ""
}

// duration is how Python writes one: 0:00:05, or 1 day, 2:03:04.
func duration(d time.Duration) string {
	n := int(max(d, 0) / time.Second)
	out := fmt.Sprintf("%d:%02d:%02d", n%86400/3600, n%3600/60, n%60)
	switch days := n / 86400; days {
	case 0:
		return out
	case 1:
		return "1 day, " + out
	default:
		return strconv.Itoa(days) + " days, " + out
	}
}

// getAllConfigInfo tells of what the file says now, as supervisord does after a
// reread; with a faulty file, of what is in force.
func (s *Service) getAllConfigInfo(ctx context.Context, _ args) (any, error) {
	now, err := s.link.Settings(ctx, false)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, p := range now {
		used[p.Name] = true
	}
	if file, err := s.link.Settings(ctx, true); err == nil {
		now = file
	}
	out := []any{}
	for i := range now {
		for num := range now[i].NumProcs {
			out = append(out, configInfo(&now[i], num, used[now[i].Name]))
		}
	}
	slices.SortStableFunc(out, func(a, b any) int {
		return strings.Compare(a.(map[string]any)["name"].(string), b.(map[string]any)["name"].(string))
	})
	return out, nil
}

func configInfo(p *control.Settings, num int, used bool) map[string]any {
	name := p.Name
	if p.NumProcs > 1 {
		name = strconv.Itoa(num)
	}
	fill := strings.NewReplacer("{name}", p.Name, "{num}", strconv.Itoa(num)).Replace
	codes := []any{}
	for code := range strings.SplitSeq(p.ExitCodes, ",") {
		if n, err := strconv.Atoi(code); err == nil {
			codes = append(codes, n)
		}
	}
	return map[string]any{
		"group": p.Name, "name": name, "inuse": used, "autostart": p.Autostart, "command": fill(strings.Join(p.Cmd, " ")),
		"directory": fill(p.WorkingDir), "uid": orNone(p.User), "exitcodes": codes, "group_prio": 999, "process_prio": 999,
		"killasgroup": p.KillMode != "process", "startretries": p.StartRetries, "startsecs": int(math.Ceil(p.StartTime)),
		"stopsignal": p.StopSignal, "stopwaitsecs": int(math.Ceil(p.StopTime)), "redirect_stderr": p.Stderr.Kind == "stdout",
		"stdout_logfile": logPath(&p.Stdout, fill), "stdout_logfile_backups": p.Stdout.Backups, "stdout_logfile_maxbytes": int(p.Stdout.MaxBytes),
		"stderr_logfile": logPath(&p.Stderr, fill), "stderr_logfile_backups": p.Stderr.Backups, "stderr_logfile_maxbytes": int(p.Stderr.MaxBytes),
		"stdout_capture_maxbytes": 0, "stdout_events_enabled": false, "stdout_syslog": false,
		"stderr_capture_maxbytes": 0, "stderr_events_enabled": false, "stderr_syslog": false, "serverurl": "auto",
	}
}

func logPath(o *control.OutputSettings, fill func(string) string) string {
	switch o.Kind {
	case "file":
		return fill(o.Path)
	case "none", "stdout":
		return "none"
	}
	return "auto"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
