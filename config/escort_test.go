package config

import (
	"slices"
	"testing"
	"time"
)

func TestEscort(t *testing.T) {
	noEnviron(t, "PATH=/p")
	cfg := load(t, `
defaults: {prestart: default one, stopcmd: [kill, "${TASKMASTER_PID}"]}
programs:
  a: {cmd: x, numprocs: 2, env: {X: "{num}"}, workingdir: /w}
  b: {cmd: x, prestart: "own ${X} '{name} {num}'", env: {X: y}, hooktime: 2m}
  c: {cmd: x, poststart: p}
`)
	a, b, c := cfg.Programs[0], cfg.Programs[1], cfg.Programs[2]
	if !a.Policy.Prestart || !a.Policy.Stopcmd || a.Policy.Poststart || !c.Policy.Poststart || b.HookTime != 2*time.Minute || a.HookTime != time.Minute {
		t.Errorf("%+v %+v", a, b)
	}
	for _, x := range []struct {
		p     *Program
		which int
		want  []string
	}{
		{a, Prestart, []string{"default", "one"}},
		{a, Stopcmd, []string{"kill", "7"}},
		{b, Prestart, []string{"own", "y", "b 1"}},
		{b, Stopcmd, []string{"kill", "7"}},
		{c, Poststart, []string{"p"}},
		{c, Prestart, []string{"default", "one"}},
	} {
		l, err := x.p.LaunchEscort(x.which, 1, "7")
		if err != nil || !slices.Equal(l.Argv, x.want) {
			t.Errorf("%s %d: %+v, %v", x.p.Name, x.which, l, err)
			continue
		}
		if !slices.Contains(l.Env, "TASKMASTER_PID=7") || !slices.Contains(l.Env, "TASKMASTER_INSTANCE=1") || x.p == a && l.Dir != "/w" {
			t.Errorf("%s: %+v", x.p.Name, l)
		}
	}
	if a.Escort.Command(Poststart) != nil || (*Escort)(nil).Command(Prestart) != nil {
		t.Error("a command that nobody wrote")
	}
}
