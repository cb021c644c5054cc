package config

import "testing"

// The hash tells what a reload would: a field that makes another process changes
// it, one that only steers does not.
func TestProcessHashIsAsReload(t *testing.T) {
	noEnviron(t)
	const base = "cmd: x"
	type pair struct{ old, new string }
	pairs := []pair{
		{"cmd: x, env: {A: 1, B: 2}", "env: {B: '2', A: 1}, cmd: [x]"},
		{"cmd: x, env: {A: 1}", "cmd: x, env: {A: 2}"},
		{"cmd: x, ready: {tcp: 'a:1'}", "cmd: x, ready: {tcp: 'a:2'}"},
		{"cmd: x, ready: {fd: 3}", "cmd: x, ready: {fd: 4}"},
		{"cmd: x, ready: {log: x}", "cmd: x, ready: notify"},
	}
	for i := range programFields {
		switch f := &programFields[i]; f.name {
		case "cmd", "depends_on": // it is base, or needs another program
		case "schedule":
			pairs = append(pairs, pair{base + ", oneshot: true", base + ", oneshot: true, schedule: " + f.example})
		case "stdout":
			pairs = append(pairs, pair{base, base + ", stdout: web.log"})
		default:
			pairs = append(pairs, pair{base, base + ", " + f.name + ": " + f.example})
		}
	}
	for _, c := range pairs {
		a, b := load(t, "programs: {a: {"+c.old+"}}\n"), load(t, "programs: {a: {"+c.new+"}}\n")
		changed := Diff(a, b)[0].Kind == Changed
		if differs := a.Programs[0].ProcessHash() != b.Programs[0].ProcessHash(); differs != changed {
			t.Errorf("%s → %s: the hash differs %t, a reload restarts %t", c.old, c.new, differs, changed)
		}
	}
}
