package supervisor

import (
	"context"
	"encoding/json"
	"strings"

	"taskmaster/control"
	"taskmaster/gateway/link"
	"taskmaster/gateway/xmlrpc"
)

// outcome is how a command has ended for one process.
type outcome struct {
	group, process string
	code           int
	why            string // words for a fault of code Failed
}

func (o *outcome) fault() error {
	if o.code == Success {
		return nil
	}
	extra := join(o.group, o.process)
	if o.code == Failed && o.why != "" {
		extra = o.why
	}
	return fault(o.code, extra)
}

// status is the outcome as the methods for several processes give it.
func (o *outcome) status() map[string]any {
	text := "OK"
	if f := asFault(o.fault()); f != nil {
		text = f.Text
	}
	return map[string]any{"name": o.process, "group": o.group, "status": o.code, "description": text}
}

// order is one command to each of some processes, on one connection.
type order struct {
	verb    string
	before  []string // words before the name: --no-wait, or the signal
	pending map[string]*outcome
	byName  map[string]*outcome
	events  string // id of the events that are followed
}

// carryOut gives an outcome for each process. A start is over, as in supervisord, when
// it has failed for the first time: the daemon's own would wait for the retries.
func (s *Service) carryOut(ctx context.Context, verb string, before []string, targets []*link.Process) ([]outcome, error) {
	out := make([]outcome, len(targets))
	if len(targets) == 0 {
		return out, nil
	}
	conn, err := s.link.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	o := &order{verb: verb, before: before, pending: map[string]*outcome{}, byName: map[string]*outcome{}}
	if verb == "start" && len(before) == 0 {
		if o.events, err = conn.Send("events", "-f", "-n0", "--json"); err != nil {
			return nil, err
		}
	}
	for n, p := range targets {
		out[n] = outcome{group: p.Program, process: p.Short(), code: Success}
		id, err := conn.Send(verb, append(append([]string{}, before...), p.Name)...)
		if err != nil {
			return nil, err
		}
		o.pending[id], o.byName[p.Name] = &out[n], &out[n]
	}
	for len(o.pending) > 0 {
		reply, err := conn.Next()
		if err != nil {
			return nil, err
		}
		o.take(&reply)
	}
	return out, nil
}

// take takes one reply in.
func (o *order) take(r *control.Reply) {
	id := string(r.ID)
	if id == o.events {
		o.event(r.Text)
		return
	}
	out := o.pending[id]
	if out == nil {
		return
	}
	if r.Error != "" && out.code == Success {
		out.code, out.why = o.judge(r.Error), r.Error
	}
	if r.Done {
		delete(o.pending, id)
	}
}

// event is a change of state: one that says that a start has failed ends the waiting for it.
func (o *order) event(line string) {
	var change struct{ Name, State, Reason string }
	if json.Unmarshal([]byte(line), &change) != nil {
		return
	}
	out := o.byName[change.Name]
	if out == nil || change.State != "BACKOFF" && change.State != "FATAL" {
		return
	}
	for id, waiting := range o.pending {
		if waiting == out {
			delete(o.pending, id)
			out.code, out.why = failedStart(change.Reason), change.Reason
		}
	}
}

// judge is the code of an error of the daemon's.
func (o *order) judge(message string) int {
	otherwise := Failed
	if o.verb == "start" {
		otherwise = failedStart(message)
	}
	return refused(message, otherwise)
}

// one carries a command out for the process of this name, or for its whole group.
func (s *Service) one(ctx context.Context, verb string, before []string, name string) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	group, process := split(name)
	if process == "" {
		return s.some(ctx, verb, before, inGroup(snap, group), name)
	}
	p := find(snap, name)
	if p == nil {
		return nil, fault(BadName, name)
	}
	out, err := s.carryOut(ctx, verb, before, []*link.Process{p})
	if err != nil {
		return nil, err
	}
	return true, out[0].fault()
}

// group is one for a name that can only be a group's.
func (s *Service) group(ctx context.Context, verb string, before []string, name string) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return s.some(ctx, verb, before, inGroup(snap, name), name)
}

func (s *Service) all(ctx context.Context, verb string, before []string) (any, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	targets := make([]*link.Process, len(snap.Processes))
	for i := range snap.Processes {
		targets[i] = &snap.Processes[i]
	}
	return s.statuses(ctx, verb, before, targets)
}

// some carries a command out for a group, which must not be empty.
func (s *Service) some(ctx context.Context, verb string, before []string, targets []*link.Process, name string) (any, error) {
	if len(targets) == 0 {
		return nil, fault(BadName, name)
	}
	return s.statuses(ctx, verb, before, targets)
}

// statuses leaves out, as supervisord does, those for which there was nothing to do.
func (s *Service) statuses(ctx context.Context, verb string, before []string, targets []*link.Process) (any, error) {
	out, err := s.carryOut(ctx, verb, before, targets)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for i := range out {
		if c := out[i].code; c != AlreadyStarted && c != NotRunning {
			list = append(list, out[i].status())
		}
	}
	return list, nil
}

// noWait are the words for a command that returns at once.
func noWait(wait bool) []string {
	if wait {
		return nil
	}
	return []string{"--no-wait"}
}

func (s *Service) startProcess(ctx context.Context, a args) (any, error) {
	return s.one(ctx, "start", noWait(a.flag(1, true)), a.text(0))
}

func (s *Service) startProcessGroup(ctx context.Context, a args) (any, error) {
	return s.group(ctx, "start", noWait(a.flag(1, true)), a.text(0))
}

func (s *Service) startAllProcesses(ctx context.Context, a args) (any, error) {
	return s.all(ctx, "start", noWait(a.flag(0, true)))
}

func (s *Service) stopProcess(ctx context.Context, a args) (any, error) {
	return s.one(ctx, "stop", noWait(a.flag(1, true)), a.text(0))
}

func (s *Service) stopProcessGroup(ctx context.Context, a args) (any, error) {
	return s.group(ctx, "stop", noWait(a.flag(1, true)), a.text(0))
}

func (s *Service) stopAllProcesses(ctx context.Context, a args) (any, error) {
	return s.all(ctx, "stop", noWait(a.flag(0, true)))
}

// signalWord is the signal as the daemon takes it; one that looks like an option is none.
func signalWord(a args, n int) ([]string, *xmlrpc.Fault) {
	word := strings.TrimSpace(a.word(n))
	if word == "" || strings.HasPrefix(word, "-") {
		return nil, fault(BadSignal, word)
	}
	return []string{word}, nil
}

func (s *Service) signalProcess(ctx context.Context, a args) (any, error) {
	sig, bad := signalWord(a, 1)
	if bad != nil {
		return nil, bad
	}
	v, err := s.one(ctx, "signal", sig, a.text(0))
	if f := asFault(err); f != nil && f.Code == BadSignal {
		return nil, fault(BadSignal, sig[0])
	}
	return v, err
}

func (s *Service) signalProcessGroup(ctx context.Context, a args) (any, error) {
	sig, bad := signalWord(a, 1)
	if bad != nil {
		return nil, bad
	}
	return s.group(ctx, "signal", sig, a.text(0))
}

func (s *Service) signalAllProcesses(ctx context.Context, a args) (any, error) {
	sig, bad := signalWord(a, 0)
	if bad != nil {
		return nil, bad
	}
	return s.all(ctx, "signal", sig)
}
