package importer

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"taskmaster/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is one without a file system: what [include] names is here.
func world(files map[string]string) World {
	env := map[string]string{"PATH": "/usr/bin:/bin", "HOME": "/root", "WEB_COMMAND": "python3 -m http.server", "PORT": "8000"}
	return World{
		Dir: "/etc/supervisor", Host: "box",
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Read: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("open " + path + ": no such file or directory")
		},
		Glob: func(pattern string) (out []string, err error) {
			for path := range files {
				if ok, err := filepath.Match(pattern, path); err != nil {
					return nil, err
				} else if ok {
					out = append(out, path)
				}
			}
			return out, nil
		},
	}
}

// included are the files that superset.conf includes.
var included = map[string]string{
	"/etc/supervisor/conf.d/b.conf": "; The second one.\n[program:beat]\ncommand=%(here)s/beat.sh\ndirectory=%(here)s\nstdout_logfile=%(here)s/beat.log\n",
	"/etc/supervisor/conf.d/a.conf": "[program:worker]\ncommand=celery worker\n[supervisord]\nloglevel=debug\n",
}

// Configurations after the shapes of public ones. Their remarks and faults
// are at the end of the golden files.
func TestGolden(t *testing.T) {
	t.Setenv("WEB_COMMAND", "python3 -m http.server")
	t.Setenv("PORT", "8000")
	paths, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(paths) < 8 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r := Convert("supervisord.conf", data, world(included))
			if _, err := config.Parse("new.yaml", r.YAML); err != nil && len(r.Faults) == 0 {
				t.Errorf("no faults, and check says %v", err)
			}
			golden(t, strings.TrimSuffix(path, ".conf")+".golden", shownResult(r))
		})
	}
}

func shownResult(r Result) []byte {
	var b bytes.Buffer
	b.Write(r.YAML)
	for _, x := range append(r.Remarks, r.Faults...) {
		b.WriteString("#! " + x.String() + "\n")
	}
	return b.Bytes()
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("not as in %s (go test ./importer -update writes it anew):\n%s", path, got)
	}
}

// launched is the one program of a result, as it would be started.
func launched(t *testing.T, r Result, num int) (*config.Program, *config.Launch) {
	t.Helper()
	c, err := config.Parse("/etc/supervisor/new.yaml", r.YAML)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.YAML)
	}
	l, err := c.Programs[0].Launch(num)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.YAML)
	}
	return c.Programs[0], l
}

// Words as Python 3.11's shlex.split gives them, through our quoting and back.
func TestCommandsSurvive(t *testing.T) {
	for command, want := range map[string][]string{
		`a b  c`:                         {"a", "b", "c"},
		`a "b c" 'd  e' f\ g`:            {"a", "b c", "d  e", "f g"},
		`a "b \"c\" \$d \\ \e"`:          {"a", `b "c" \$d \ \e`},
		`a '' "" x''y`:                   {"a", "", "", "xy"},
		`a $HOME ${HOME} "$HOME" {x}`:    {"a", "$HOME", "${HOME}", "$HOME", "{x}"},
		`a '${X}' "${X}" $${X} $$`:       {"a", "${X}", "${X}", "$${X}", "$$"},
		`a {name} '{num}' ${name}`:       {"a", "{name}", "{num}", "${name}"},
		`a it\'s "it's" 'say "x"' \\`:    {"a", "it's", "it's", `say "x"`, `\`},
		`a %% 100%%`:                     {"a", "%", "100%"},
		`a %(program_name)s{name}`:       {"a", "p{name}"},
		`a $%(program_name)s`:            {"a", "$p"},
		`a $$%(ENV_PORT)s $$${$%(here)s`: {"a", "$$8000", "$$${$/etc/supervisor"},
		`a $%(process_num)d`:             {"a", "$0"},
		`a $%(ENV_PORT)s ${%(here)s}`:    {"a", "$8000", "${/etc/supervisor}"},
		"a b\n  'c\n  d'":                {"a", "b", "c\nd"},
		`a "b'c\\d"`:                     {"a", `b'c\d`},
		`a %(group_name)s:%(numprocs)d`:  {"a", "p:1"},
		`a %(host_node_name)s é`:         {"a", "box", "é"},
		`a key: [x, y] - & * ! | > @ `:   {"a", "key:", "[x,", "y]", "-", "&", "*", "!", "|", ">", "@"},
	} {
		t.Setenv("PORT", "8000")
		r := Convert("s.conf", []byte("[program:p]\ncommand="+command+"\n"), world(nil))
		if len(r.Faults) > 0 {
			t.Errorf("%s: %v", command, r.Faults)
			continue
		}
		if _, l := launched(t, r, 0); strings.Join(l.Argv, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("%s is %q, want %q\n%s", command, l.Argv, want, r.YAML)
		}
	}
}

// Variables as supervisord 4.2.5 reads them.
func TestEnvironmentSurvives(t *testing.T) {
	for environment, want := range map[string]string{
		`A="1",B="two words"`:             "A=1 B=two words",
		`A=1,B=x/y.z+(-):`:                "A=1 B=x/y.z+(-):",
		`A="x,y",B='it"s',C="it's"`:       `A=x,y B=it"s C=it's`,
		`A="",B=''`:                       "A= B=",
		"A=1,\n  B=2,":                    "A=1 B=2",
		`A="$x ${y} {name} 100%%"`:        "A=$x ${y} {name} 100%",
		`A="%(ENV_PORT)s",B=%(ENV_PORT)s`: "A=8000 B=8000",
		`A="on",B=007,C=null,D="~",E=1e3`: "A=on B=007 C=null D=~ E=1e3",
		`A="%(process_num)02d"`:           "A=00",
		`PORT="1:%(ENV_PORT)s"`:           "PORT=1:8000",
		`A=1|B=2`:                         "A=1 B=2", // anything stands for the comma
	} {
		t.Setenv("PORT", "8000")
		r := Convert("s.conf", []byte("[program:p]\ncommand=a\nenvironment="+environment+"\n"), world(nil))
		if len(r.Faults) > 0 {
			t.Errorf("%s: %v", environment, r.Faults)
			continue
		}
		p, l := launched(t, r, 0)
		var got []string
		for _, v := range p.Env {
			for _, e := range l.Env {
				if strings.HasPrefix(e, v.Name+"=") && v.Name != braceName {
					got = append(got, e)
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is %q, want %q\n%s", environment, got, want, r.YAML)
		}
	}
}

// Process numbers become {num} where that gives the same text, else a program each.
func TestProcessNumbers(t *testing.T) {
	for _, c := range []struct {
		verb         string
		first, count int
		cmd          string // "" when each is a program of its own
	}{
		{"d", 0, 12, "run {num}"},
		{"s", 0, 3, "run {num}"},
		{"02d", 0, 10, "run 0{num}"},
		{"02d", 0, 11, ""},
		{"d", 1, 2, ""},
		{"d", 8000, 10, "run 800{num}"},
		{"d", 8000, 11, ""},
		{"d", 8300, 1, "run 830{num}"},
		{"03d", 10, 10, "run 01{num}"},
		{".3d", 0, 5, "run 00{num}"},
	} {
		conf := "[program:p]\ncommand=run %(process_num)" + c.verb + "\nprocess_name=p%(process_num)d\nnumprocs=" + itoa(c.count) + "\nnumprocs_start=" + itoa(c.first) + "\n"
		r := Convert("s.conf", []byte(conf), world(nil))
		cfg, err := config.Parse("new.yaml", r.YAML)
		if err != nil || len(r.Faults) > 0 {
			t.Errorf("%+v: %v %v", c, err, r.Faults)
			continue
		}
		one := len(cfg.Programs) == 1 && cfg.Programs[0].NumProcs == c.count
		if c.cmd == "" && (len(cfg.Programs) != c.count || cfg.Programs[0].Name != "p"+itoa(c.first)) || c.cmd != "" && (!one || !strings.Contains(string(r.YAML), "cmd: "+scalar(c.cmd)+"\n")) {
			t.Errorf("%+v:\n%s", c, r.YAML)
		}
	}
}

// What cannot be put into a command is a fault at its line, and not a file that check refuses.
func TestExpansionsThatCannotBe(t *testing.T) {
	rows := [][3]string{{"0'0", "program_name", "a quotation mark"}, {`0\0`, "program_name", "a quotation mark"}}
	for _, name := range []string{" ", "A B", "A\tB", "A}", "{A", "$A", "A'B", `A"B`, `A\B`} {
		rows = append(rows, [3]string{"p", "ENV_" + name, "cannot name"})
	}
	for _, row := range rows {
		r := Convert("s.conf", []byte("[program:"+row[0]+"]\ncommand=a %("+row[1]+")s b\n"), world(nil))
		if len(r.Faults) != 1 || r.Faults[0].Line != 2 || !strings.Contains(r.Faults[0].String(), row[2]) {
			t.Errorf("%q: %v\n%s", row, r.Faults, r.YAML)
		}
	}
}

// Comments as Python's parser finds them, its oddity included.
func TestUncomment(t *testing.T) {
	for raw, want := range map[string][2]string{
		"a=b ; c":       {"a=b", "c"},
		"a=b;c":         {"a=b;c", ""},
		"a=b\t# c ; d":  {"a=b", "c ; d"},
		"  ;; a=b":      {"", "a=b"},
		"#a":            {"", "a"},
		`a="&# #c" ; d`: {`a="&# #c"`, "d"},
		`a= # #c ;d`:    {"a=", "c ;d"},
		"a=b;c ;d":      {"a=b;c", "d"},
		"":              {"", ""},
	} {
		if value, comment, _ := uncomment(raw); value != want[0] || comment != want[1] {
			t.Errorf("%q is %q and %q, want %q", raw, value, comment, want)
		}
	}
}

// Each option without equivalent is named in a comment and in a remark.
func TestWithoutEquivalent(t *testing.T) {
	for _, c := range []struct{ section, option string }{
		{"program:p", "stdout_events_enabled=true"},
		{"program:p", "stderr_events_enabled=1"},
		{"program:p", "stdout_capture_maxbytes=1MB"},
		{"program:p", "stderr_capture_maxbytes=1MB"},
		{"program:p", "stdout_syslog=true"},
		{"program:p", "stderr_syslog=true"},
		{"program:p", "stdout_logfile=syslog"},
		{"program:p", "serverurl=http://localhost:9001"},
		{"program:p", "stdout_logfile_maxbytes=1MB"},
		{"program:p", "nonsense=1"},
		{"supervisord", "identifier=x"},
		{"supervisord", "childlogdir=/tmp"},
		{"supervisord", "nocleanup=true"},
		{"supervisord", "strip_ansi=true"},
		{"supervisord", "minprocs=200"},
		{"supervisord", "profile_options=cumulative"},
		{"unix_http_server", "chown=a:b"},
		{"unix_http_server", "username=a"},
		{"inet_http_server", "port=9001"},
		{"fcgi-program:f", "socket=tcp://localhost:9000"},
	} {
		conf := "[program:p]\ncommand=a\n[unix_http_server]\nfile=s\n[fcgi-program:f]\ncommand=b\n[" + c.section + "]\n" + c.option + "\n"
		r := Convert("s.conf", []byte(conf), world(nil))
		key, _, _ := strings.Cut(c.option, "=")
		line := strings.Count(conf, "\n")
		remarked := false
		for _, x := range r.Remarks {
			remarked = remarked || x.Line == line && x.Option == key && strings.Contains(x.String(), "no equivalent, ")
		}
		commented := false
		for l := range strings.Lines(string(r.YAML)) {
			commented = commented || strings.HasPrefix(strings.TrimSpace(l), "#") && strings.Contains(l, key) && strings.Contains(l, "no equivalent")
		}
		if !remarked || !commented {
			t.Errorf("%v: remarks %v\n%s", c, r.Remarks, r.YAML)
		}
	}
}

// The hook that is proposed for a listener is one, once it is uncommented.
func TestProposedHooks(t *testing.T) {
	for _, events := range []string{"PROCESS_STATE", "EVENT", "PROCESS_STATE_FATAL,PROCESS_STATE_EXITED", "process_state_backoff"} {
		conf := "[program:p]\ncommand=a\n[eventlistener:l]\ncommand=crashmail -m 'a@b: c'\nevents=" + events + "\n"
		r := Convert("s.conf", []byte(conf), world(nil))
		yaml := string(r.YAML)
		at := strings.Index(yaml, "# hooks:\n")
		if at < 0 {
			t.Fatalf("%s: nothing is proposed:\n%s", events, yaml)
		}
		var b strings.Builder
		b.WriteString(yaml[:at])
		for line := range strings.Lines(yaml[at:]) {
			b.WriteString(strings.TrimPrefix(line, "# "))
		}
		if _, err := config.Parse("new.yaml", []byte(b.String())); err != nil {
			t.Errorf("%s: %v\n%s", events, err, b.String())
		}
	}
}

// A comment cannot break out of its line, whatever it holds.
func TestCommentsStayComments(t *testing.T) {
	for _, evil := range []string{"a\u2028programs: {}", "a\u0085b: c", "a\vb", "a\x1b[31m", "a\rb: c", "\ufeffx"} {
		r := Convert("s.conf", []byte("; "+evil+"\n[program:p]\ncommand=a ; "+evil+"\n"), world(nil))
		if strings.ContainsAny(string(r.YAML), "\u2028\u0085\v\x1b\r\ufeff") {
			t.Errorf("%q:\n%q", evil, r.YAML)
		}
	}
}

// Whatever the bytes, nothing panics, and a result without faults is one that check accepts.
func FuzzConvert(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*.conf")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("[program:p]\ncommand=%(ENV_A)s %(process_num)02d\nnumprocs=3\nprocess_name=%(process_num)d\n"))
	f.Add([]byte("[program:0]\nCommAnd=%(ENV_ )s00\n"))
	f.Add([]byte("[program:0'0]\nCommAnd=\"0\"%(program_name)s0\n"))
	f.Add([]byte("[DEFAULT]\ncommand=x\n[program:p]\n[program:.]\n[group:g]\nprograms=p,.\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Convert("s.conf", data, world(included))
		if len(r.Faults) > 0 || len(r.YAML) > 1<<20 {
			return
		}
		_, err := config.Parse("new.yaml", r.YAML)
		if faults, ok := err.(config.Faults); ok {
			for _, x := range faults {
				if !strings.Contains(x.Msg, "is not defined") && !strings.Contains(x.Msg, "is defined") {
					t.Fatalf("%v\n%s\nfrom\n%s", x, r.YAML, data)
				}
			}
		}
	})
}
