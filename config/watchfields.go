package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"taskmaster/probe"
	"taskmaster/process"
)

// Descriptors that a program may say it is ready on: beyond those that every
// program has, and below the usual soft limit.
const (
	firstReadyFD = 3
	lastReadyFD  = 1023
)

// The kinds of checks that ready and health have in common.
var (
	tcpSpec = spec{
		name: "tcp", kind: kindAddress, def: "<none>", example: `"localhost:5432"`,
		doc: "A connection to HOST:PORT is taken. The host is an address (an IPv6 one in brackets), localhost, or a name of /etc/hosts.",
	}
	httpSpec = spec{
		name: "http", kind: kindURL, def: "<none>", example: "http://localhost:8080/health", also: "url",
		doc: "A GET of the URL is answered by 2xx or 3xx. Plain http only.",
	}
	execSpec = spec{
		name: "exec", kind: kindCommand, def: "<none>", example: "pg_isready -q", also: "cmd command",
		doc: "A command, as cmd, exits with 0. It runs as the program does: user, environment, directory, limits.",
	}
)

// readyFields is the table of all fields of ready as a mapping, of which there is one.
var readyFields = []field[Probe]{
	{
		spec: spec{
			name: "fd", kind: kindInt, min: firstReadyFD, max: lastReadyFD, def: "<none>", example: "3",
			doc: "The program has a pipe there and writes a newline to it, as for s6.",
		},
		read: func(a at, n *yaml.Node, p *Probe) { p.add(a, ReadyFD); a.int(n, &p.FD) },
		same: func(a, b *Probe) bool { return a.FD == b.FD },
	},
	{
		spec: spec{
			name: "log", kind: kindRegexp, def: "<none>", example: "listening on [0-9]+",
			doc: "A line of its standard output or error matches the regular expression (RE2). Of a longer line the first 64 KiB count.",
		},
		read: func(a at, n *yaml.Node, p *Probe) { p.add(a, ReadyLog); a.regexp(n, &p.Pattern) },
		same: func(a, b *Probe) bool { return a.Pattern == b.Pattern },
	},
	probeField(tcpSpec, func(p *Probe) *Probe { return p }),
	probeField(httpSpec, func(p *Probe) *Probe { return p }),
	probeField(execSpec, func(p *Probe) *Probe { return p }),
}

// healthFields is the table of all fields of health.
var healthFields = []field[healthDraft]{
	probeField(tcpSpec, func(h *healthDraft) *Probe { return &h.Probe }),
	probeField(httpSpec, func(h *healthDraft) *Probe { return &h.Probe }),
	probeField(execSpec, func(h *healthDraft) *Probe { return &h.Probe }),
	{
		spec: spec{
			name: "interval", kind: kindDuration, min: int64(10 * time.Millisecond), def: "10", example: "30s", also: "periodseconds period",
			doc: "How long after a check the next one comes; the first comes so long after RUNNING.",
		},
		read: func(a at, n *yaml.Node, h *healthDraft) { a.duration(n, &h.policy.Interval) },
		same: func(a, b *healthDraft) bool { return a.policy.Interval == b.policy.Interval },
	},
	{
		spec: spec{
			name: "timeout", kind: kindDuration, min: int64(10 * time.Millisecond), def: "2", example: "5s", also: "timeoutseconds",
			doc: "How long a check may take; past it it has failed, and a command is killed with all that it started.",
		},
		read: func(a at, n *yaml.Node, h *healthDraft) { a.duration(n, &h.Timeout) },
		same: func(a, b *healthDraft) bool { return a.Timeout == b.Timeout },
	},
	{
		spec: spec{
			name: "retries", kind: kindInt, min: 1, max: maxRetries, def: "3", example: "5", also: "failurethreshold",
			doc: "How many checks in a row must fail for a restart.",
		},
		read: func(a at, n *yaml.Node, h *healthDraft) { a.int(n, &h.policy.Retries) },
		same: func(a, b *healthDraft) bool { return a.policy.Retries == b.policy.Retries },
	},
	{
		spec: spec{
			name: "start_period", kind: kindDuration, def: "0", example: "1m", also: "initialdelayseconds startperiod start_interval",
			doc: "How long after the launch failures do not count.",
		},
		read: func(a at, n *yaml.Node, h *healthDraft) { a.duration(n, &h.policy.StartPeriod) },
		same: func(a, b *healthDraft) bool { return a.policy.StartPeriod == b.policy.StartPeriod },
	},
}

// healthDraft is a Health that is being read, with what decides on it.
type healthDraft struct {
	Health
	policy process.Health
}

// probeField is one of the kinds of checks as a field of T.
func probeField[T any](s spec, of func(*T) *Probe) field[T] {
	f := field[T]{spec: s}
	switch s.name {
	case "tcp":
		f.read = func(a at, n *yaml.Node, t *T) { of(t).add(a, ProbeTCP); a.asked(n, of(t), probe.ParseTCP) }
	case "http":
		f.read = func(a at, n *yaml.Node, t *T) { of(t).add(a, ProbeHTTP); a.asked(n, of(t), probe.ParseHTTP) }
	case "exec":
		f.read = func(a at, n *yaml.Node, t *T) { of(t).add(a, ProbeExec); of(t).Cmd, _ = a.commandWords(n) }
	}
	f.same = func(a, b *T) bool { return of(a).same(of(b)) }
	return f
}

// add says of what kind p is; one that is another already is at fault.
func (p *Probe) add(a at, kind ProbeKind) {
	if p.Kind != ProbeNone {
		a.fail(a.key, "another way to check stands here already")
		return
	}
	p.Kind = kind
}

func (p *Probe) same(q *Probe) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.Kind == q.Kind && p.Target == q.Target && p.FD == q.FD && p.Pattern == q.Pattern && slices.Equal(p.Cmd, q.Cmd)
}

// ready reads ready: notify, or a mapping with one of readyFields.
func (a at) ready(n *yaml.Node, p *Program) {
	p.from.ready = place{a, n}
	draft := &Probe{}
	if deref(n).Kind == yaml.ScalarNode {
		s, ok := a.scalar(n)
		if !ok {
			return
		}
		if s != "notify" {
			a.reject(n)
			return
		}
		draft.Kind = ReadyNotify
	} else {
		readFields(a, n, readyFields, draft)
	}
	p.terms().Ready = draft
	switch draft.Kind {
	case ProbeNone:
		a.lacks(n, "fd, log, tcp, http or exec")
	case ProbeTCP, ProbeHTTP, ProbeExec:
		p.watch().Ready = process.ReadyAsked
	default:
		p.watch().Ready = process.ReadyTold
	}
}

// health reads health.
func (a at) health(n *yaml.Node, p *Program) {
	p.from.health = place{a, n}
	draft := healthDraft{Health: Health{Timeout: 2 * time.Second}, policy: process.Health{Interval: 10 * time.Second, Retries: 3}}
	readFields(a, n, healthFields, &draft)
	if draft.Kind == ProbeNone {
		a.lacks(n, "tcp, http or exec")
		return
	}
	p.terms().Health, p.watch().Health = &draft.Health, draft.policy
}

// asked reads what a check asks. What it is with everything put in, if that
// has to be done, is looked at once all is read.
func (a at) asked(n *yaml.Node, p *Probe, parse func(string) (probe.Target, error)) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if !strings.Contains(s, "{") {
		if _, err := parse(s); err != nil {
			a.fail(n, "%v", err)
		}
	}
	p.Target = s
}

// lacks reports a mapping without any of these keys, unless one of its keys is at fault.
func (a at) lacks(n *yaml.Node, keys string) {
	known := specs(readyFields)
	if a.spec.kind == kindHealth {
		known = specs(healthFields)
	}
	if v := deref(n); v.Kind != yaml.MappingNode && !isNull(v) {
		return
	}
	for i, key := range deref(n).Content {
		if i%2 == 0 && !slices.ContainsFunc(known, func(s *spec) bool { return s.name == key.Value }) {
			return
		}
	}
	a.fail(n, "one of %s is missing", keys)
}

func (a at) regexp(n *yaml.Node, to *string) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if _, err := regexp.Compile(s); err != nil {
		a.fail(n, "is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return
	}
	*to = s
}

// checkProbe finds out whether what a check asks is there for the first instance.
func (l *loader) checkProbe(s func() *scope, p *Probe, where place) {
	if p == nil {
		return
	}
	for _, t := range p.Cmd {
		if strings.Contains(t, "{") {
			checkTemplate(s(), t, where)
		}
	}
	if !strings.Contains(p.Target, "{") {
		return
	}
	target, err := s().expand(p.Target, none)
	if err != nil {
		if !err.nested {
			where.at.fail(where.node, "%s", err.msg)
		}
		return
	}
	if _, err := p.parse(target); err != nil && !s().lenient {
		where.at.fail(where.node, "%v", err)
	}
}

func (p *Probe) parse(target string) (probe.Target, error) {
	if p.Kind == ProbeTCP {
		return probe.ParseTCP(target)
	}
	return probe.ParseHTTP(target)
}

// given tells whether a process is given something to say it with.
func (p *Probe) given() bool { return p != nil && (p.Kind == ReadyNotify || p.Kind == ReadyFD) }

func sameHealth(a, b *Program) bool {
	x, y := a.Needs().Health, b.Needs().Health
	if x == nil || y == nil {
		return x == y
	}
	return x.same(&y.Probe) && x.Timeout == y.Timeout && a.Policy.Watching().Health == b.Policy.Watching().Health
}
