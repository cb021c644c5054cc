package supervisor

import (
	"context"
	"strings"

	"taskmaster/gateway/link"
)

const (
	apiVersion = "3.0"   // of the interface, as every supervisord since 3.0 has it
	version    = "4.2.5" // of the supervisord that this one is like
)

func (s *Service) getAPIVersion(context.Context, args) (any, error)        { return apiVersion, nil }
func (s *Service) getSupervisorVersion(context.Context, args) (any, error) { return version, nil }
func (s *Service) getIdentification(context.Context, args) (any, error)    { return s.Identifier, nil }

func (s *Service) getState(ctx context.Context, _ args) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if snap.Daemon.Closing {
		return map[string]any{"statecode": -1, "statename": "SHUTDOWN"}, nil
	}
	return map[string]any{"statecode": 1, "statename": "RUNNING"}, nil
}

func (s *Service) getPID(ctx context.Context, _ args) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return snap.Daemon.PID, nil
}

// shutdown does not wait for the end, but until the daemon has taken the command in:
// the answer to what was asked after it says so.
func (s *Service) shutdown(ctx context.Context, _ args) (any, error) {
	conn, err := s.link.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	end, err := conn.Send("shutdown")
	if err != nil {
		return nil, err
	}
	if _, err := conn.Send("pid"); err != nil {
		return nil, err
	}
	for {
		reply, err := conn.Next()
		if err != nil {
			return nil, err
		}
		if string(reply.ID) == end && reply.Error != "" {
			return nil, fault(refused(reply.Error, Failed), reply.Error)
		}
		if reply.Done {
			return true, nil
		}
	}
}

// restart is what supervisord's restart means to programs: the file is read anew, all
// of them are stopped, and those with autostart are started. The daemon itself stays.
func (s *Service) restart(ctx context.Context, _ args) (any, error) {
	if err := s.reload(ctx, CantReread, "reload"); err != nil {
		return nil, err
	}
	programs, err := s.link.Settings(ctx, false)
	if err != nil {
		return nil, err
	}
	up, down := link.Command{"restart", "--no-wait"}, link.Command{"stop", "--no-wait"}
	for _, p := range programs {
		if p.Autostart {
			up = append(up, p.Name)
		} else {
			down = append(down, p.Name)
		}
	}
	var commands []link.Command
	for _, c := range []link.Command{up, down} {
		if len(c) > 2 {
			commands = append(commands, c)
		}
	}
	if len(commands) == 0 {
		return true, nil
	}
	_, err = s.link.Do(ctx, commands...)
	return true, err
}

// reload gives a fault with all the words of what the daemon found wrong.
func (s *Service) reload(ctx context.Context, code int, words ...string) error {
	_, err := s.lines(ctx, code, words...)
	return err
}

// lines carries a command out that must not fail; otherwise is the code when it does.
func (s *Service) lines(ctx context.Context, otherwise int, words ...string) ([]string, error) {
	results, err := s.link.Do(ctx, words)
	if err != nil {
		return nil, err
	}
	if e := results[0].Errors; len(e) > 0 {
		return nil, fault(refused(e[0], otherwise), strings.Join(e, "\n"))
	}
	return results[0].Lines, nil
}

// reloadConfig says what is different in the file, and takes nothing over.
func (s *Service) reloadConfig(ctx context.Context, _ args) (any, error) {
	lines, err := s.lines(ctx, CantReread, "reload", "--dry-run")
	if err != nil {
		return nil, err
	}
	lists := map[string][]any{"added": {}, "changed": {}, "removed": {}}
	for _, line := range lines {
		name, what, _ := strings.Cut(line, ": ")
		kind, _, _ := strings.Cut(what, " ")
		if kind == "updated" {
			kind = "changed"
		}
		if _, told := lists[kind]; told {
			lists[kind] = append(lists[kind], name)
		}
	}
	return []any{[]any{lists["added"], lists["changed"], lists["removed"]}}, nil
}

func (s *Service) addProcessGroup(ctx context.Context, a args) (any, error) {
	return s.change(ctx, "add", a.text(0))
}

func (s *Service) removeProcessGroup(ctx context.Context, a args) (any, error) {
	return s.change(ctx, "remove", a.text(0))
}

func (s *Service) change(ctx context.Context, verb, name string) (any, error) {
	results, err := s.link.Do(ctx, link.Command{verb, "--", name})
	if err != nil {
		return nil, err
	}
	if e := results[0].Errors; len(e) > 0 {
		code := refused(e[0], Failed)
		if code == Failed {
			name = strings.Join(e, "\n")
		}
		return nil, fault(code, name)
	}
	return true, nil
}

// sendRemoteCommEvent does what supervisord does where no event listener subscribes to it: nothing.
func (s *Service) sendRemoteCommEvent(context.Context, args) (any, error) { return true, nil }
