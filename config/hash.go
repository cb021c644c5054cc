package config

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProcessHash is a short text that differs for programs whose processes would
// differ, and only for those: what a reload restarts a program for. It tells
// nothing of any value.
func (p *Program) ProcessHash() string {
	what := struct {
		Cmd            []string
		Stdout, Stderr Output
		TTY            bool
		Env, BaseEnv   []Var
		EnvFiles       []string
		Dir            string
		Umask          int
		User, Group    string
		Limits         []Limit
		Nice, OOM      *int
		Ready          Probe
		Watchdog       time.Duration
	}{
		p.Cmd, p.Stdout, p.Stderr, p.TTY, byVariable(p.Env), byVariable(p.BaseEnv), p.EnvFiles, p.Dir, p.Umask, p.User, p.Group,
		p.Limits, p.Nice, p.OOMScoreAdj,
		Probe{},
		p.Policy.Watching().Watchdog,
	}
	if ready := p.Needs().Ready; ready.given() {
		what.Ready = *ready
	}
	text, err := json.Marshal(&what)
	if err != nil {
		return "" // no value of this type makes one
	}
	h := fnv.New64a()
	_, _ = h.Write(text) // it gives no error
	return strconv.FormatUint(h.Sum64(), 36)
}

// byVariable sorts: the order of variables is no difference.
func byVariable(vars []Var) []Var {
	vars = slices.Clone(vars)
	slices.SortFunc(vars, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	return vars
}
