package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"taskmaster/process"
)

func TestDefaultsAndOverrides(t *testing.T) {
	noEnviron(t)
	cfg := load(t, "defaults: {stoptime: 5, stdout: {path: d.log, maxbytes: 5}, limits: {core: 0}, cmd: x}\nprograms:\n  a: {}\n  b: {stoptime: 1m, stdout: b.log, limits: {nofile: 9}}\n")
	a, b := cfg.Programs[0], cfg.Programs[1]
	if a.Policy.StopTime != 5*time.Second || a.Stdout.Path != "/c/d.log" || a.Stdout.MaxBytes != 5 || len(a.Limits) != 1 || a.Cmd[0] != "x" {
		t.Errorf("a: %+v", a)
	}
	if b.Policy.StopTime != time.Minute || b.Stdout != (Output{Kind: ToFile, Path: "/c/b.log", Backups: 3, Mode: 0o640}) || len(b.Limits) != 1 || b.Limits[0].Name != "nofile" {
		t.Errorf("b: %+v", b)
	}
}

func TestSpellings(t *testing.T) {
	noEnviron(t)
	for _, c := range []struct {
		field string
		ok    func(p *Program) bool
	}{
		{"umask: 022", func(p *Program) bool { return p.Umask == 0o22 }},
		{"umask: '0o22'", func(p *Program) bool { return p.Umask == 0o22 }},
		{"umask: 22", func(p *Program) bool { return p.Umask == 0o22 }},
		{"umask: 0o777", func(p *Program) bool { return p.Umask == 0o777 }},
		{"autostart: no", func(p *Program) bool { return !p.Policy.Autostart }},
		{"autostart: Off", func(p *Program) bool { return !p.Policy.Autostart }},
		{"oneshot: YES", func(p *Program) bool { return p.Policy.Oneshot }},
		{"autorestart: false", func(p *Program) bool { return p.Policy.Autorestart == process.RestartNever }},
		{"autorestart: on", func(p *Program) bool { return p.Policy.Autorestart == process.RestartAlways }},
		{"exitcodes: 2", func(p *Program) bool { return p.Policy.ExitCodes == process.Codes(2) }},
		{"exitcodes: []", func(p *Program) bool { return p.Policy.ExitCodes == process.Codes() }},
		{"startretries: -1", func(p *Program) bool { return p.Policy.StartRetries == process.Forever }},
		{"stdout: none", func(p *Program) bool { return p.Stdout == Output{Kind: ToNull} }},
		{"stdout: capture", func(p *Program) bool { return p.Stdout == Output{} }},
		{"stdout: stdout", func(p *Program) bool { return p.Stdout.Kind == ToFile && p.Stdout.Path == "/c/stdout" }},
		{"stderr: stdout", func(p *Program) bool { return p.Stderr == Output{Kind: AsStdout} }},
		{"stderr: {path: inherit, prefix: x, timestamp: yes}", func(p *Program) bool { return p.Stderr == Output{Kind: Inherit, Prefix: "x", Timestamp: true} }},
		{"stdout: {path: x, mode: 0600, maxbytes: 1KiB, backups: 0, compress: true}", func(p *Program) bool {
			return p.Stdout == Output{Kind: ToFile, Path: "/c/x", Mode: 0o600, MaxBytes: 1024, Compress: true}
		}},
		{"limits: {nofile: 9, core: 64KiB, as: unlimited, memlock: infinity}", func(p *Program) bool {
			names := ""
			for _, l := range p.Limits {
				names += fmt.Sprint(l.Name, "=", l.Value, " ")
			}
			return names == fmt.Sprint("core=65536 nofile=9 memlock=", Unlimited, " as=", Unlimited, " ")
		}},
		{"tty: yes", func(p *Program) bool { return p.TTY }},
		{"nice: -5", func(p *Program) bool { return *p.Nice == -5 }},
		{"user: 0, group: root", func(p *Program) bool { return p.User == "0" && p.Group == "root" }},
		{"killmode: process", func(p *Program) bool { return p.Policy.KillMode == process.KillProcess }},
		{"env_file: e", func(p *Program) bool { return slices.Equal(p.EnvFiles, []string{"/c/e"}) }},
		{"limits:", func(p *Program) bool { return p.Limits == nil }},
	} {
		if p := load(t, "programs:\n  a: {cmd: x,\n    "+c.field+" }\n").Programs[0]; !c.ok(p) {
			t.Errorf("%s: %+v", c.field, p)
		}
	}
}

func TestAnchors(t *testing.T) {
	noEnviron(t)
	cfg := load(t, "x-base: &base {stoptime: 3, nice: 1, env: &e {A: 1}}\nx-more: &more {nice: 2, cmd: more}\nprograms:\n  a: {<<: *base, cmd: x, nice: 5}\n  b: {<<: [*base, *more]}\n  c: &c {cmd: y, env: {<<: *e, B: 2}}\n  d: *c\n  1: {<<: {<<: *more}}\n")
	var names []string
	for _, p := range cfg.Programs {
		names = append(names, p.Name)
	}
	p := cfg.Programs
	if !slices.Equal(names, []string{"a", "b", "c", "d", "1"}) || *p[0].Nice != 5 || p[0].Policy.StopTime != 3*time.Second ||
		*p[1].Nice != 1 || p[1].Cmd[0] != "more" || len(p[3].Env) != 2 || *p[4].Nice != 2 {
		t.Errorf("%q %+v", names, p[1])
	}
}

func TestSameFileOtherBytes(t *testing.T) {
	noEnviron(t)
	raw := "daemon:\n  socket: s\nprograms:\n  a:\n    cmd: sleep 1 last\n    env:\n      A: x\n    exitcodes: [0, 2]\n"
	json := `{"programs": {"a": {"exitcodes": [2, 0], "env": {"A": "x"}, "cmd": ["sleep", "1", "last"]}}, "daemon": {"socket": "s"}}`
	want := load(t, raw)
	for _, other := range []string{bom + raw, strings.ReplaceAll(raw, "\n", "\r\n"), json, raw + "...\n", "%YAML 1.2\n---\n" + raw, "# c\n" + raw} {
		got := load(t, other)
		if d := Diff(want, got); len(d) != 1 || d[0].String() != "a: unchanged" || DiffDaemon(want.Daemon, got.Daemon) != nil {
			t.Errorf("%q: %v", other, d)
		}
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:             "read " + dir + ": is a directory",
		dir + "/absent": "open " + dir + "/absent: no such file or directory",
		"/dev/null":     "read /dev/null: not a regular file",
	} {
		if _, err := Load(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", "programs: {}\n#"+strings.Repeat("x", maxFile))
	if _, err := Load(path); err == nil || err.Error() != path+":1:1: the file is larger than 16 MiB" {
		t.Errorf("%v", err)
	}
}

func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 9), ", "))
	}
	b.WriteString("programs: {a: {cmd: *x11}}\n")
	dir := t.TempDir()
	if got := faultsOf(t, dir, b.String()); !strings.HasSuffix(got, "the aliases (*name) stand for too much") {
		t.Error(got)
	}
}

func TestIncludes(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	path := write(t, dir, "c.yaml", "include: ['conf.d/*.yaml', '*.yaml', one/b.yml, 'none/*.yaml']\ndefaults: {stoptime: 3}\nprograms: {m: {cmd: x}}\n")
	write(t, dir, "conf.d/2.yaml", "x-y: 1\nprograms: {b: {cmd: x, stdout: o, env_file: e}}\n")
	write(t, dir, "conf.d/1.yaml", "programs: {z: {cmd: x}}\n")
	write(t, dir, "conf.d/x.txt", "not yaml: [")
	write(t, dir, "one/b.yml", "programs: {y: {cmd: x, workingdir: w}}\n")
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range cfg.Programs {
		names = append(names, p.Name)
	}
	b, y := cfg.Programs[2], cfg.Programs[3]
	if !slices.Equal(names, []string{"m", "z", "b", "y"}) || b.Policy.StopTime != 3*time.Second || b.Stdout.Path != dir+"/conf.d/o" ||
		b.EnvFiles[0] != dir+"/conf.d/e" || b.Dir != dir || y.Dir != dir+"/one/w" {
		t.Errorf("%q %+v %+v", names, b, y)
	}
}

func TestIncludeFaults(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	write(t, dir, "conf.d/1.yaml", "daemon: {socket: x}\nprograms:\n  b: {cmd: sleep 1, nope: 1}\n  m: {cmd: x}\n")
	write(t, dir, "conf.d/2.yaml", "programs:\n  b: {cmd: x}\ninclude: x\n")
	write(t, dir, "conf.d/3.yaml", "")
	write(t, dir, "conf.d/4.yaml", "programs: [")
	if err := os.Mkdir(filepath.Join(dir, "conf.d/5.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := `1:11: include: read DIR/conf.d/5.yaml: is a directory
2:30: m: nice: must be a whole number from -20 to 19, not 99
DIR/conf.d/1.yaml:1:1: daemon cannot stand in an included file, only programs can
DIR/conf.d/1.yaml:3:21: b: unknown key "nope" (did you mean "nice"?)
DIR/conf.d/1.yaml:4:3: "m" is defined already, at 2
DIR/conf.d/2.yaml:2:3: "b" is defined already, at DIR/conf.d/1.yaml:3
DIR/conf.d/2.yaml:3:1: include cannot stand in an included file, only programs can
DIR/conf.d/3.yaml:1:1: the file is empty: it needs programs
DIR/conf.d/4.yaml:1:1: not valid YAML: did not find expected node content`
	got := faultsOf(t, dir, "include: [conf.d/*.yaml]\nprograms: {m: {cmd: x, nice: 99}}\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWarnings(t *testing.T) {
	noEnviron(t, "PATH=/bin:/usr/bin")
	dir := t.TempDir()
	path := write(t, dir, "c.yaml", `daemon: {log: d.log}
programs:
  ok: {cmd: sh -c x, numprocs: 2, stdout: s.log, stderr: s.log}
  nul: {cmd: sh, stdout: /dev/null}
  nul2: {cmd: sh, stdout: /dev/null}
  a: {cmd: no-such-command-x}
  b: {cmd: sh, workingdir: nowhere-x}
  c: {cmd: sh, stdout: nodir-x/a.log}
  d: {cmd: sh, stdout: ./s.log, stderr: d.log}
  e: {cmd: ./x, env: {PATH: ""}}
  f: {cmd: sh, env: {PATH: bin}}
  g: {cmd: "${S}", workingdir: "${S}/x", stdout: "l/${S}/x", stderr: "${S}/y", env: {S: sekret}}
  h: {cmd: sh, tty: true, stderr: stdout}
  i: {cmd: sh, tty: true, stderr: none}
`)
	write(t, dir, "x", "not executable")
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`DIR/c.yaml:6:12: warning: a: cmd: "no-such-command-x": command not found
DIR/c.yaml:7:28: warning: b: workingdir: DIR/nowhere-x is not there
DIR/c.yaml:8:24: warning: c: stdout: the directory DIR/nodir-x is not there
DIR/c.yaml:9:24: warning: d: stdout: DIR/s.log is the log of ok already
DIR/c.yaml:9:41: warning: d: stderr: DIR/d.log is the log of the daemon already
DIR/c.yaml:10:12: warning: e: cmd: "./x": command not found
DIR/c.yaml:11:12: warning: f: cmd: "sh": command not found
DIR/c.yaml:12:12: warning: g: cmd: "${S}": command not found
DIR/c.yaml:12:32: warning: g: workingdir: ${S}/x is not there
DIR/c.yaml:12:50: warning: g: stdout: the directory DIR/l/${S} is not there
DIR/c.yaml:12:70: warning: g: stderr: the directory ${S} is not there
DIR/c.yaml:14:35: warning: i: stderr: means nothing with tty: a terminal has one stream, which goes the way of stdout`, "DIR", dir)
	if got := Faults(cfg.Warnings).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFaultsJSON(t *testing.T) {
	out := FaultsJSON(nil, Faults{{"c.yaml", 6, 12, "cmd", "warning: a: cmd: \"x\": command not found"}})
	var object struct {
		Valid    bool
		Faults   []any
		Warnings []struct {
			File, Message string
			Line, Column  int
		}
	}
	if err := json.Unmarshal(out, &object); err != nil || !object.Valid || object.Faults == nil || len(object.Warnings) != 1 || object.Warnings[0].Message != `a: cmd: "x": command not found` || object.Warnings[0].Column != 12 {
		t.Errorf("%v %s", err, out)
	}
	out = FaultsJSON(Faults{{"c.yaml", 1, 2, "", "x"}}, nil)
	if err := json.Unmarshal(out, &object); err != nil || object.Valid || len(object.Faults) != 1 || !strings.Contains(string(out), `"warnings": []`) {
		t.Errorf("%v %s", err, out)
	}
}

func TestWrite(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", "a\n\t\x1bé: x\n"+strings.Repeat("é", 300)+"\nenv: sekret\n")
	faults := Faults{{path, 2, 4, "", "here"}, {path, 3, 200, "", "far"}, {path, 4, 6, "env.A", "hidden"}, {path, 99, 1, "", "past"}, {"command line", 0, 0, "", "x\x07"}}
	var out bytes.Buffer
	Write(&out, faults, true)
	want := path + ":2:4: here\n     \\x1bé: x\n          ^\n" +
		path + ":3:200: far\n    " + strings.Repeat("é", 100) + "\n    " + strings.Repeat(" ", 75) + "^\n" +
		path + ":4:6: hidden\n" + path + ":99:1: past\ncommand line: x\\x07\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	Write(&out, slices.Repeat(faults[:1], 102), false)
	if got := strings.Split(out.String(), "\n"); len(got) != 102 || got[100] != "and 2 more" {
		t.Errorf("%q", got[99:])
	}
}

// TestSecrets: no value of a variable shows in any fault, whatever is wrong.
func TestSecrets(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	for _, env := range []string{
		"{A: sekret, A: sekret}", "sekret", "A=sekret", "[A=sekret]", "{A=sekret}", "{A=sekret, A=sekret}", "{A: [sekret]}", "{A: {sekret: sekret}, B: 1}",
		`{A: "sekret\0"}`, "{A: 'sekret${NOPE}'}", "{A: 'sekret${'}", "{A: 'sekret${B}', B: '${A}'}", "{'': sekret}",
	} {
		for _, where := range []string{"programs: {a: {cmd: x, env: " + env + "}}\n", "programs: {}\ndaemon: {env: " + env + "}\n", "programs: {a: {cmd: x}}\ndefaults: {env: " + env + "}\n"} {
			if strings.HasPrefix(where, "programs: {}") && strings.Contains(env, "${") {
				continue // nothing uses it
			}
			if got := faultsOf(t, dir, where); strings.Contains(got, "sekret") {
				t.Errorf("%s: %s", where, got)
			}
		}
	}
}
