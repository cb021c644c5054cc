package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// launch starts instance num of the first program of a file in /c, as far as
// the configuration goes.
func launch(t testing.TB, raw string, num int) *Launch {
	t.Helper()
	l, err := load(t, raw).Programs[0].Launch(num)
	if err != nil {
		t.Fatalf("%s\n%v", raw, err)
	}
	return l
}

func TestTemplates(t *testing.T) {
	noEnviron(t, "OUT=o", "HOME=/home/h", "PATH=/usr/bin")
	for _, c := range []struct {
		program string // fields of web, of which there are two
		want    []string
	}{
		{`cmd: [x, "{name}-{num}", "${V}${NUL}x", "$${V}", "$V { } ${W}"], env: {V: v1, NUL: "", W: "${OUT}/{num}"}`, []string{"x", "web-1", "v1x", "${V}", "$V { } o/1"}},
		{`cmd: "x ${SP} '${SP}' \\${SP} \"\\${SP}\"", env: {SP: a b}`, []string{"x", "a b", "a b", "${SP}", "${SP}"}},
		{`cmd: "x $$ $$$ $ {num {num} {{num}}"`, []string{"x", "$$", "$$$", "$", "{num", "1", "{1}"}},
		{`cmd: [x, "$$$${OUT}"]`, []string{"x", "$$${OUT}"}},
		{`cmd: "x ${PATH}", env: {PATH: "/opt/bin:${PATH}"}`, []string{"x", "/opt/bin:/usr/bin"}},
		{`cmd: "x ${A}", env: {A: "${B}", B: "${C}", C: "{num}"}`, []string{"x", "1"}},
		{`cmd: "x ${TASKMASTER_NAME} ${TASKMASTER_PROGRAM} ${TASKMASTER_INSTANCE}"`, []string{"x", "web:1", "web", "1"}},
		{`cmd: [x, 007, on, 1e3, 22:22, "", 'a''b']`, []string{"x", "007", "on", "1e3", "22:22", "", "a'b"}},
	} {
		if got := launch(t, "programs: {web: {numprocs: 2, "+c.program+"}}\n", 1).Argv; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.program, got, c.want)
		}
	}
}

func TestPaths(t *testing.T) {
	noEnviron(t, "ABS=/abs", "REL=rel/", "UP=a/b")
	for _, c := range []struct{ path, want string }{
		{"x.log", "/c/x.log"},
		{"./x.log", "/c/x.log"},
		{"/x//y/../z.log", "/x/z.log"},
		{"../x", "/x"},
		{"${ABS}/x", "/abs/x"},
		{"${REL}/x", "/c/rel/x"},
		{"l/${REL}/x", "/c/l/rel/x"},
		{"l/${UP}/../x", "/c/l/a/x"},
		{"{name}.{num}", "/c/web.0"},
		{"$${ABS}", "/c/${ABS}"},
		{"./none", "/c/none"},
	} {
		l := launch(t, "programs: {web: {cmd: x, workingdir: '"+c.path+"', stdout: '"+c.path+"', stderr: {path: '"+c.path+"', prefix: '{name}:{num} ${ABS} '}}}\n", 0)
		if l.Dir != c.want || l.Stdout.Path != c.want || l.Stderr.Path != c.want || l.Stderr.Prefix != "web:0 /abs " {
			t.Errorf("%s: %q %q %q %q, want %q", c.path, l.Dir, l.Stdout.Path, l.Stderr.Path, l.Stderr.Prefix, c.want)
		}
	}
}

func TestDirectoryIsNoTemplate(t *testing.T) {
	noEnviron(t)
	dir := filepath.Join(t.TempDir(), "{name} ${X} $${ [a]*")
	path := write(t, dir, "c.yaml", "include: ['*.yml']\nprograms: {a: {cmd: x, stdout: 'o.{num}'}}\n")
	write(t, dir, "i.yml", "programs: {b: {cmd: x}}\n")
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := cfg.Programs[0].Launch(3)
	if err != nil || l.Dir != dir || l.Stdout.Path != filepath.Join(dir, "o.3") || len(cfg.Programs) != 2 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestEnvironment(t *testing.T) {
	noEnviron(t, "A=daemon", "A=twice", "K=outer", "TASKMASTER_STAGE=x", "=odd", "odd", "TZ=x")
	l := launch(t, "daemon: {env: {TZ: UTC, B: daemon.env, D: '{name}{num}'}}\nprograms: {web: {cmd: x, env: {K: inner, B: '${B}+', N: 007, T: True, F: 1.50, E: '', J: '{\"a\": 1}'}}}\n", 0)
	want := []string{
		"A=twice", "TZ=UTC", "D=web0", "K=inner", "B=daemon.env+", "N=007", "T=True", "F=1.50", "E=", `J={"a": 1}`,
		"TASKMASTER_PROGRAM=web", "TASKMASTER_INSTANCE=0", "TASKMASTER_NAME=web",
	}
	if !slices.Equal(l.Env, want) {
		t.Errorf("got  %q\nwant %q", l.Env, want)
	}
	if l.Path != defaultPath {
		t.Errorf("PATH without one is %q", l.Path)
	}
}

// TestManyVariables: with many, names are found by an index, and mean the same.
func TestManyVariables(t *testing.T) {
	noEnviron(t, "V3=base", "PATH=/bin")
	many := ""
	for i := range 3 * fewKeys {
		many += fmt.Sprintf("V%d: '${V%d}.', ", i, i+1)
	}
	l := launch(t, "daemon: {env: {PATH: '/d:${PATH}', V0: hidden}}\nprograms: {web: {cmd: x, env: {"+many+"V48: end, PATH: '/p:${PATH}'}}}\n", 0)
	for _, e := range []string{"PATH=/p:/d:/bin", "V0=end" + strings.Repeat(".", 48), "V3=end" + strings.Repeat(".", 45)} {
		if !slices.Contains(l.Env, e) {
			t.Errorf("no %s in %q", e, l.Env)
		}
	}
	if len(l.Env) != 49+1+ownVars {
		t.Errorf("%d variables: %q", len(l.Env), l.Env)
	}
}

func TestEnvironmentAsWritten(t *testing.T) {
	noEnviron(t)
	for _, v := range []string{"on", "no", "22:22", "52:54:00:44:49:56", "1e3", "007", "1.50", "True", "true", "2001-01-01", "0x1F", "1_000", ".inf", "a # b", "=", "*x"} {
		q := v
		if strings.ContainsAny(v, "#*=") {
			q = "'" + v + "'"
		}
		if l := launch(t, "programs: {web: {cmd: x, env: {V: "+q+"}}}\n", 0); !slices.Contains(l.Env, "V="+v) {
			t.Errorf("%s: %q", v, l.Env)
		}
	}
}

func TestDefaultsEnvironment(t *testing.T) {
	noEnviron(t, "PATH=/bin")
	l := launch(t, "defaults: {env: {A: 1, B: 2, PATH: '/d:${PATH}', Q: '$${Q}'}}\nprograms: {web: {cmd: x, env: {B: 3, PATH: '/p:${PATH}:$${PATH}', C: '${A}'}}}\n", 0)
	for _, e := range []string{"A=1", "B=3", "C=1", "PATH=/p:/d:/bin:${PATH}", "Q=${Q}"} {
		if !slices.Contains(l.Env, e) {
			t.Errorf("no %s in %q", e, l.Env)
		}
	}
}

func TestEnvFile(t *testing.T) {
	noEnviron(t, "A=0")
	dir := t.TempDir()
	path := write(t, dir, "c.yaml", "programs:\n  a: {cmd: 'x ${C}', env_file: [e1, "+dir+"/e2], env: {B: '${B}!'}}\n  b: {cmd: 'x ${NOPE}', env_file: absent}\n")
	write(t, dir, "e1", "\ufeff# comment\r\nA=1\r\n\n  B = with spaces=x \nexport Q='a \"b\"'\nR=\"\"\nL=${A} {num}\n")
	write(t, dir, "e2", "C=3")
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := cfg.Programs[0].Launch(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []string{"A=1", "B=with spaces=x!", "C=3", `Q=a "b"`, "R=", "L=${A} {num}"} {
		if !slices.Contains(l.Env, e) {
			t.Errorf("no %s in %q", e, l.Env)
		}
	}
	write(t, dir, "e2", "C=4")
	if l, err = cfg.Programs[0].Launch(0); err != nil || l.Argv[1] != "4" {
		t.Errorf("not read anew: %v, %v", l, err)
	}
	want := "env_file: open " + dir + "/absent: no such file or directory"
	if _, err := cfg.Programs[1].Launch(0); err == nil || err.Error() != want {
		t.Errorf("missing env_file: %v", err)
	}
	if len(cfg.Warnings) == 0 || cfg.Warnings[len(cfg.Warnings)-1].Msg != "warning: b: cannot be started now: "+want {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

func TestEnvFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ text, want string }{
		{"A=1\nsekret\n", ":2: no = in this line"},
		{"=sekret\n", ":1: no name before the ="},
		{"A B=sekret\n", `:1: "A B" cannot be the name of a variable`},
		{"A=sek\x00ret\n", ":1: a NUL byte"},
	} {
		path := write(t, dir, "e", c.text)
		if _, err := readEnvFile(path); err == nil || err.Error() != path+c.want {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
	if _, err := readEnvFile(dir); err == nil || err.Error() != "read "+dir+": is a directory" {
		t.Errorf("directory: %v", err)
	}
	if _, err := readEnvFile("/dev/null"); err == nil || err.Error() != "read /dev/null: not a regular file" {
		t.Errorf("device: %v", err)
	}
}

func TestLaunchErrors(t *testing.T) {
	noEnviron(t, "EMPTY=")
	for _, c := range []struct{ program, want string }{
		{"cmd: ['${EMPTY}']", "cmd: is empty"},
		{"cmd: ['${NOPE}']", "cmd: ${NOPE} is not defined"},
		{"cmd: x, env: {A: '${NOPE}'}", "env A: ${NOPE} is not defined"},
		{"cmd: x, workingdir: '${NOPE}'", "workingdir: ${NOPE} is not defined"},
		{"cmd: x, stdout: '${NOPE}'", "stdout: ${NOPE} is not defined"},
		{"cmd: x, stderr: {path: x, prefix: '${NOPE}'}", "stderr: ${NOPE} is not defined"},
		{"cmd: x, user: no-such-user", "user no-such-user: no such user in /etc/passwd"},
	} {
		environWas := environ
		environ = func() []string { return []string{"EMPTY=", "NOPE="} } // defined when it was read, not any more
		p := load(t, "programs: {web: {"+c.program+"}}\n").Programs[0]
		environ = environWas
		if l, err := p.Launch(0); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, %v, want %s", c.program, l, err, c.want)
		}
	}
}

// TestSharedStrings: ten thousand instances must not hold ten thousand copies
// of the daemon's environment.
func TestSharedStrings(t *testing.T) {
	noEnviron(t, "BIG="+strings.Repeat("x", 1000))
	p := load(t, "programs: {web: {cmd: x, numprocs: 10000}}\n").Programs[0]
	const launches = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range launches {
		if _, err := p.Launch(i); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if one := (after.TotalAlloc - before.TotalAlloc) / launches; one > 3000 {
		t.Errorf("%d bytes for a launch", one)
	}
}

// TestVariableBomb: variables that double each other end in a fault, soon.
func TestVariableBomb(t *testing.T) {
	noEnviron(t)
	raw := "programs:\n  a:\n    cmd: x\n    env:\n      A0: xxxxxxxxxxxxxxxx\n"
	for i := range 64 {
		raw += fmt.Sprintf("      A%d: ${A%d}${A%d}\n", i+1, i, i)
	}
	if got, want := faultsOf(t, t.TempDir(), raw), "19:12: a: env.A14: becomes longer than 128 KiB, which no program can be given"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	defer func(p, g string) { passwdFile, groupFile = p, g }(passwdFile, groupFile)
	passwdFile = write(t, dir, "passwd", "# x\nroot:x:0:0:root:/root:/bin/sh\nweb:x:1000:100::/srv/web:/bin/sh\n1000:x:7:7::/seven:\nbroken:x:y:z::/:\nshort:x\n")
	groupFile = write(t, dir, "group", "root:x:0:\nusers:x:100:web\nlogs:x:4:root,web\n\nadm:x:5:webx\n")
	me := uint32(os.Geteuid())
	for _, c := range []struct {
		user, group string
		want        Identity
		err         string
	}{
		{user: "web", want: Identity{1000, 100, []uint32{100, 4}, "/srv/web", "web"}},
		{user: "web", group: "adm", want: Identity{1000, 5, []uint32{5, 100, 4}, "/srv/web", "web"}},
		{user: "1000", want: Identity{7, 7, []uint32{7}, "/seven", "1000"}}, // a name before a number
		{user: "0", want: Identity{0, 0, []uint32{0, 4}, "/root", "root"}},
		{user: "4242", group: "9", want: Identity{4242, 9, []uint32{9}, "/", "4242"}},
		{group: "logs", want: Identity{UID: me, GID: 4, Groups: []uint32{4}}},
		{user: "4242", err: "user 4242: not in " + passwdFile + ", so group must be set"},
		{user: "nobody", err: "user nobody: no such user in " + passwdFile},
		{user: "broken", err: "user broken: no such user in " + passwdFile},
		{user: "web", group: "x", err: "group x: no such group in " + groupFile},
	} {
		id, err := (&Program{User: c.user, Group: c.group}).Identity()
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%s:%s: %v, want %s", c.user, c.group, err, c.err)
			}
		case err != nil:
			t.Errorf("%s:%s: %v", c.user, c.group, err)
		case id.UID != c.want.UID || id.GID != c.want.GID || !slices.Equal(id.Groups, c.want.Groups) || id.Home != c.want.Home || id.Name != c.want.Name:
			t.Errorf("%s:%s: %+v, want %+v", c.user, c.group, *id, c.want)
		}
	}
	if id, err := new(Program).Identity(); id != nil || err != nil {
		t.Errorf("without user and group: %v, %v", id, err)
	}
	noEnviron(t, "HOME=/root", "USER=root", "X=1")
	l, err := (&Program{Name: "a", NumProcs: 1, Cmd: []string{"${HOME}"}, Dir: "/", User: "web"}).Launch(0)
	if err != nil || l.Argv[0] != "/srv/web" || !slices.Contains(l.Env, "LOGNAME=web") || slices.Contains(l.Env, "USER=root") || l.Identity.UID != 1000 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct {
		environ []string
		program string
		want    string
	}{
		{nil, "cmd: x, tty: true", "TERM=xterm-256color"},
		{nil, "cmd: '${TERM}', tty: true", "TERM=xterm-256color"},
		{[]string{"TERM=vt100"}, "cmd: x, tty: true", "TERM=vt100"},
		{[]string{"TERM=vt100"}, "cmd: x, tty: true, env: {TERM: screen}", "TERM=screen"},
		{nil, "cmd: x, tty: true, env: {TERM: '${T}', T: ansi}", "TERM=ansi"},
		{nil, "cmd: x", ""},
	} {
		noEnviron(t, c.environ...)
		l := launch(t, "programs: {a: {"+c.program+"}}\n", 0)
		got := slices.DeleteFunc(slices.Clone(l.Env), func(e string) bool { return !strings.HasPrefix(e, "TERM=") })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v, %s: %q", c.environ, c.program, got)
		}
	}
	noEnviron(t)
	if l := launch(t, "programs: {a: {cmd: x, tty: true, stdout: a.log, stderr: b.log}}\n", 0); l.Stderr != (Output{Kind: AsStdout}) || l.Stdout.Kind != ToFile {
		t.Errorf("a terminal has one stream: %+v, %+v", l.Stdout, l.Stderr)
	}
}

func TestSeveralProgramsWrite(t *testing.T) {
	c := load(t, `
daemon: {log: d.log}
programs:
  a: {cmd: x, stdout: both.log, stderr: a.err}
  b: {cmd: x, stdout: b.log, stderr: both.log}
  c: {cmd: x, stdout: d.log, stderr: "{name}.log"}
  d: {cmd: x, stdout: none, stderr: "{name}.log"}
`)
	for n, want := range [][2]bool{{true, false}, {false, true}, {true, false}, {false, false}} {
		p := c.Programs[n]
		if got := [2]bool{p.SeveralWrite(true), p.SeveralWrite(false)}; got != want {
			t.Errorf("%s: %v, want %v", p.Name, got, want)
		}
	}
}

func TestSeveralWrite(t *testing.T) {
	for _, c := range []struct {
		fields      string
		out, errors bool
	}{
		{"stdout: a, stderr: b", false, false},
		{"stdout: a, stderr: a", true, true},
		{"stdout: a, stderr: b, numprocs: 2", true, true},
		{"stdout: 'a.{num}', stderr: b, numprocs: 2", false, true},
		{"stdout: 'a.{num}', stderr: 'a.{num}', numprocs: 2", true, true},
	} {
		p := load(t, "programs: {a: {cmd: x, "+c.fields+"}}").Programs[0]
		if out, errors := p.SeveralWrite(true), p.SeveralWrite(false); out != c.out || errors != c.errors {
			t.Errorf("%s: %t, %t; want %t, %t", c.fields, out, errors, c.out, c.errors)
		}
	}
}
