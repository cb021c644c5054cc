package control

import (
	"strings"
	"testing"
	"time"

	"taskmaster/process"
)

func TestParse(t *testing.T) {
	for line, check := range map[string]func(c *Call) bool{
		"status":                  func(c *Call) bool { return len(c.Targets) == 0 && c.Lines == -1 },
		"status -v a --json b":    func(c *Call) bool { return c.Verbose && c.JSON && strings.Join(c.Targets, " ") == "a b" },
		"status -w":               func(c *Call) bool { return c.Watch },
		"status -- -v":            func(c *Call) bool { return !c.Verbose && c.Targets[0] == "-v" },
		"stop --no-wait all":      func(c *Call) bool { return c.NoWait && c.Targets[0] == "all" },
		"tail -f -n5 a stderr":    func(c *Call) bool { return c.Follow && c.Lines == 5 && c.Stream == "stderr" && len(c.Targets) == 1 },
		"tail a -n 0":             func(c *Call) bool { return c.Lines == 0 && c.Stream == "stdout" },
		"events -f -n0 --json":    func(c *Call) bool { return c.Follow && c.Lines == 0 && c.JSON },
		"signal usr1 a b":         func(c *Call) bool { return c.Signal == "usr1" && len(c.Targets) == 2 },
		"reload --dry-run":        func(c *Call) bool { return c.DryRun },
		"exit":                    func(c *Call) bool { return c.Name == "quit" },
		"start -":                 func(c *Call) bool { return c.Targets[0] == "-" },
		"restart --rolling a":     func(c *Call) bool { return c.Rolling && c.Targets[0] == "a" },
		"status --tree":           func(c *Call) bool { return c.Tree },
		"wait a --state stopped":  func(c *Call) bool { return c.Exact && c.State == process.Stopped && len(c.Targets) == 1 },
		"wait --timeout=1.5 a":    func(c *Call) bool { return !c.Exact && c.Timeout == 1500*time.Millisecond },
		"wait --timeout 2m a":     func(c *Call) bool { return c.Timeout == 2*time.Minute },
		"attach web:1":            func(c *Call) bool { return c.Targets[0] == "web:1" && c.Protocol() == 2 && !c.Take && !c.Watch },
		"attach --take -n 5 a":    func(c *Call) bool { return c.Take && c.Lines == 5 },
		"attach --watch a":        func(c *Call) bool { return c.Watch },
		"input":                   func(c *Call) bool { return c.Hidden && c.Protocol() == 2 },
		"tail --raw a":            func(c *Call) bool { return c.Raw },
		"cancel 7":                func(c *Call) bool { return c.Hidden && c.Targets[0] == "7" },
		"help start":              func(c *Call) bool { return c.Local && c.Targets[0] == "start" },
		"notify off":              func(c *Call) bool { return c.Local && c.Targets[0] == "off" },
		"restart -- --no-wait":    func(c *Call) bool { return !c.NoWait },
		"log -n 3 -f":             func(c *Call) bool { return c.Lines == 3 && c.Follow },
		"rotate web* --":          func(c *Call) bool { return c.Targets[0] == "web*" },
		"pid a b":                 func(c *Call) bool { return len(c.Targets) == 2 },
		"shutdown":                func(c *Call) bool { return !c.Local },
		"settings --file web":     func(c *Call) bool { return c.Hidden && c.File && c.Targets[0] == "web" },
		"read 10 20":              func(c *Call) bool { return c.Offset == 10 && c.Length == 20 && len(c.Targets) == 0 },
		"read -- -5 0 a stderr":   func(c *Call) bool { return c.Offset == -5 && c.Stream == "stderr" && len(c.Targets) == 1 },
		"read 0 1 a":              func(c *Call) bool { return c.Length == 1 && c.Stream == "stdout" },
		"start web:0 worker.x_1b": func(c *Call) bool { return len(c.Targets) == 2 },
	} {
		words := strings.Fields(line)
		if c, err := Parse(words[0], words[1:]); err != nil || !check(c) {
			t.Errorf("%s: %+v, %v", line, c, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"strat a":                       "did you mean start?",
		"start":                         "start needs",
		"stop -f a":                     "has no option -f",
		"tail":                          "needs one program",
		"tail a b c":                    "needs one program",
		"tail a stdin":                  "not stdin",
		"tail -n a":                     "-n needs a number",
		"tail a -n":                     "-n needs a number",
		"tail -n -3 a":                  "-n needs a number",
		"attach":                        "needs one program",
		"restart --rolling --no-wait a": "--rolling waits",
		"wait":                          "wait needs",
		"wait --state up a":             "--state needs a state",
		"wait --timeout soon a":         "--timeout needs a time",
		"wait --timeout 0 a":            "--timeout needs a time",
		"wait a --timeout":              "--timeout needs a time",
		"attach a b":                    "needs one program",
		"signal a":                      "needs a signal and a program",
		"version x":                     "takes no argument",
		"help a b":                      "takes one argument",
		"status --jason":                "has no option",
		"\x1b[2J":                       `\x1b[2J`,
		strings.Repeat("x", 5000):       "xxx…",
		"read 1":                        "needs an offset and a length",
		"read x 1":                      "as the offset",
		"read 1 x":                      "as the length",
		"read -- 1 -1":                  "as the length",
		"read 1 1 a stdin":              "not stdin",
		"add":                           "add needs",
	} {
		words := strings.Fields(line)
		c, err := Parse(words[0], words[1:])
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%.60s: %+v, %v", line, c, err)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	all := Help("")
	for _, name := range CommandNames() {
		if !strings.Contains(all, name) {
			t.Errorf("%s is missing", name)
		}
		if one := Help(name); !strings.HasPrefix(one, "usage: ") {
			t.Errorf("%s: %q", name, one)
		}
	}
	if strings.Contains(all, "cancel") || !strings.HasPrefix(Help("cancel"), "unknown command") {
		t.Error("what is part of the protocol only is shown")
	}
}
