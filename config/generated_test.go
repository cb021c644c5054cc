package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files of docs/")

// TestGenerated: the pages say what the table says.
func TestGenerated(t *testing.T) {
	for path, want := range map[string][]byte{"../docs/configuration.md": Reference(), "../docs/taskmaster.schema.json": Schema()} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the table of fields says (%v): run go generate ./config", path, err)
		}
	}
}

// TestReferenceIsWhole: every field has its row, and no table is left out.
func TestReferenceIsWhole(t *testing.T) {
	page := string(Reference())
	for _, s := range slices.Concat(specs(programFields), specs(daemonFields), specs(outputFields)) {
		if !strings.Contains(page, "\n| `"+s.name+"` | ") {
			t.Errorf("no row for %s", s.name)
		}
	}
	if strings.Contains(page, "{{") && strings.Contains(page, "}}") {
		t.Error("a table was not put in")
	}
}

// TestStarter: the starter file is valid, and so is it with everything uncommented.
func TestStarter(t *testing.T) {
	noEnviron(t)
	cfg := load(t, string(Starter()))
	if len(cfg.Programs) != 1 || cfg.Programs[0].Name != "hello" || cfg.Daemon.LogLevel != "info" {
		t.Errorf("%+v", cfg)
	}
	all := regexp.MustCompile(`(?m)^( *)#([a-z])`).ReplaceAll(Starter(), []byte("$1$2"))
	cfg = load(t, string(all))
	if p := cfg.Programs[0]; p.User != "nobody" || *p.Nice != 10 || p.ReloadSignal != 1 || len(p.Limits) != 2 {
		t.Errorf("%+v", p)
	}
	for _, s := range slices.Concat(specs(programFields), specs(daemonFields)) {
		if !strings.Contains(string(all), "  "+s.name+": ") {
			t.Errorf("%s is not in the starter file", s.name)
		}
	}
}

// TestSchema: what the schema says of each field agrees with what is read.
func TestSchema(t *testing.T) {
	var schema jsonSchema
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	program := schema.Defs["program"].Properties
	for _, f := range programFields {
		if program[f.name] == nil || program[f.name].Description != f.doc {
			t.Errorf("%s is not in the schema", f.name)
		}
	}
	if len(program) != len(programFields)+1 { // and <<
		t.Errorf("%d properties for %d fields", len(program), len(programFields))
	}
	for _, d := range []struct{ field, want string }{{"stoptime", "10"}, {"exitcodes", "[0]"}, {"autorestart", `"unexpected"`}, {"umask", ""}} {
		var got bytes.Buffer
		if raw := program[d.field].Default; raw != nil {
			if err := json.Compact(&got, raw); err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != d.want {
			t.Errorf("default of %s: %s, want %s", d.field, got.String(), d.want)
		}
	}
}

func TestForCommand(t *testing.T) {
	noEnviron(t, "HOME=/h", "X=x", "PATH=/bin:/usr/bin")
	cfg, err := ForCommand([]string{"/bin/sh", "-c", "echo ${X:-y} {num} $HOME"}, map[string]string{
		"stoptime": "5", "exitcodes": "[0, 2]", "env": "{A: 1}", "loglevel": "debug", "stdout": "o.log", "numprocs": "2", "workingdir": "/", "startretries": "-1", "limits": "{core: 0}",
	})
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Programs[0]
	l, err := p.Launch(1)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.Argv, []string{"/bin/sh", "-c", "echo ${X:-y} 1 $HOME"}) || p.Name != "sh" || p.Policy.StopTime != 5e9 || !p.Policy.ExitCodes.Has(2) ||
		!slices.Contains(l.Env, "A=1") || l.Stdout.Path != dir+"/o.log" || l.Stderr.Kind != Inherit || l.Dir != "/" || len(p.Limits) != 1 {
		t.Errorf("%+v %+v", p, l)
	}
	if d := cfg.Daemon; d.Log != "stderr" || d.Socket != "none" || d.LogLevel != "debug" || d.ExitOn != ExitDone || len(cfg.Warnings) != 0 {
		t.Errorf("%+v %v", d, cfg.Warnings)
	}
}

func TestForCommandFaults(t *testing.T) {
	noEnviron(t, "PATH=/bin:/usr/bin")
	_, err := ForCommand([]string{"x"}, map[string]string{"stoptime": "soon", "stoptim": "5", "cmd": "y", "env": "{A: 1, A: 2}", "loglevel": "", "limits": "["})
	want := "command line: env: must be a mapping, not text\n" +
		`command line: limits: must be a mapping, not "["` + "\n" +
		`command line: loglevel: must be debug, info, warn or error, not ""` + "\n" +
		`command line: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "soon"` + "\n" +
		"command line: the command is given by itself, not as cmd\n" +
		`command line: unknown key "stoptim" (did you mean "stoptime"?)`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for _, argv := range [][]string{nil, {""}} {
		if _, err := ForCommand(argv, nil); err == nil || err.Error() != "command line: no command" {
			t.Errorf("%q: %v", argv, err)
		}
	}
	for command, want := range map[string]string{"/usr/bin/node": "node", "./a b": "a_b", "all": "program", "..": "program", "/": "program", "-x": "x", "é": "_"} {
		if got := commandName(command); got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
	cfg, err := ForCommand([]string{"no-such-command-x"}, nil)
	if err != nil || len(cfg.Warnings) != 1 || cfg.Warnings[0].String() != `command line: warning: no-such-command-x: cmd: "no-such-command-x": command not found` {
		t.Errorf("%v %v", cfg, err)
	}
}
