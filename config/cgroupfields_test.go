package config

import "testing"

func TestCPUMax(t *testing.T) {
	for text, want := range map[string]string{
		"0.5": "50000 100000", "2": "200000 100000", "50%": "50000 100000", "150%": "150000 100000", "0.01": "1000 100000", "1%": "1000 100000",
		"50000 100000": "50000 100000", "1000 1000": "1000 1000", "10000": "1000000000 100000", "1e2": "10000000 100000",
	} {
		if got, ok := parseCPUMax(text); !ok || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "%", "0", "0.001", "0.4%", "-1", "10001", "x", "1 2", "1000 999", "1000 1000001", "999 1000", "1000  1000", " 1000", "1000 1000 1000", "nan", "1e300"} {
		if got, ok := parseCPUMax(text); ok {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}

// A program's own limit leaves that of the defaults alone, and max lifts it.
func TestCgroupDefaults(t *testing.T) {
	noEnviron(t)
	cfg := load(t, "defaults: {memory_max: 64MiB, pids_max: 9}\nprograms: {a: {cmd: x, pids_max: max, cpu_max: 1}, b: {cmd: x, memory_max: 8KiB}, c: {cmd: x}}\n")
	for i, want := range [][3]string{{"67108864", "100000 100000", ""}, {"8192", "", "9"}, {"67108864", "", "9"}} {
		if got := cfg.Programs[i].CgroupMax(); got != want {
			t.Errorf("%s: %q, want %q", cfg.Programs[i].Name, got, want)
		}
	}
}

func TestCgroupWarnings(t *testing.T) {
	noEnviron(t, "PATH=/bin")
	cfg := load(t, "programs:\n  a:\n    cmd: sh\n    memory_max: 64MiB\n    pids_max: max\n  b: {cmd: sh}\n")
	cfg.Warnings = nil
	cfg.WarnCgroups(func(controller string) string { return "no " + controller })
	if len(cfg.Warnings) != 1 {
		t.Fatalf("%v", cfg.Warnings)
	}
	if w := cfg.Warnings[0]; w.Line != 4 || w.Col != 17 || w.Field != "memory_max" || w.Msg != "warning: a: memory_max: will not be in force: no memory" {
		t.Errorf("%+v", w)
	}
	cfg.WarnCgroups(func(string) string { return "" })
	if len(cfg.Warnings) != 1 {
		t.Errorf("%v", cfg.Warnings)
	}
}

// A start through the stage needs room for the stage's own threads.
func TestStageNeedsPids(t *testing.T) {
	noEnviron(t)
	for fields, fault := range map[string]bool{"pids_max: 15, nice: 1": true, "pids_max: 15": false, "pids_max: 16, nice: 1": false, "nice: 1, limits: {core: 0}": false, "pids_max: 1, limits: {core: 0}": true} {
		_, err := Load(write(t, t.TempDir(), "c.yaml", "programs: {a: {cmd: x, "+fields+"}}\n"))
		if (err != nil) != fault {
			t.Errorf("%s: %v", fields, err)
		}
	}
}
