package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// In the shells themselves, on a terminal: Tab completes subcommands, and the
// names of programs as the daemon has them. What was completed is run, and has
// to do what the whole word would have done.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct {
		argv   []string
		set    string // typed first
		source string
	}{
		"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, "PS1='rea''dy> '", "source <(taskmaster completion bash)"},
		"zsh":  {[]string{"zsh", "-f", "-i"}, "PS1='rea''dy> '; autoload -U compinit; compinit -u -D", "source <(taskmaster completion zsh)"},
		"fish": {[]string{"fish", "--no-config", "-i"}, "function fish_prompt; printf 'rea'; printf 'dy> '; end", "taskmaster completion fish | source"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tool(t, s.argv[0])
			w := newWorld(t)
			d := w.start(programs{"worker": prog("sleep 1000", fields{"numprocs": 2}), "other": prog("sleep 1000", fields{"autostart": false})})
			d.await("worker:1", "RUNNING")
			if err := os.Symlink(binary, w.path("taskmaster")); err != nil {
				t.Fatal(err)
			}
			term := w.terminal()
			say := w.typing(term, s.argv)
			say(s.set)
			say(s.source)
			say("cd " + w.dir)
			say("taskmaster vers\t")
			say("taskmaster ctl -s s pid worker:1\t >pid.out")
			say("taskmaster ctl -s s sta\trt oth\t >start.out")
			d.await("other", "RUNNING")
			if out := w.lines("pid.out"); len(out) != 1 || strings.TrimSpace(out[0]) != itoa(d.status()["worker:1"].PID) {
				t.Errorf("pid worker:1 printed %q", out)
			}
			if !term.shows("taskmaster "+"dev") && !term.shows("go1.") {
				t.Error("vers was not completed to version")
			}
			d.end()
		})
	}
}

// typing starts a shell on a terminal. What it gives runs a line in it and waits for its end.
func (w *world) typing(term *terminal, argv []string) func(line string) {
	w.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = w.dir, term.slave, term.slave, term.slave
	cmd.Env = append(os.Environ(), "PATH="+w.dir+":"+os.Getenv("PATH"), "TERM=xterm", "HOME="+w.dir, "XDG_CONFIG_HOME="+w.dir, "XDG_DATA_HOME="+w.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	steps := 0
	return func(line string) {
		w.Helper()
		steps++
		mark := fmt.Sprintf("step-%d-done", steps)
		if _, err := term.master.WriteString(line + "; echo step-''" + fmt.Sprint(steps) + "-done\r"); err != nil {
			w.Fatal(err)
		}
		w.until(mark, func() bool { return term.shows(mark) })
	}
}

// What the binary answers: subcommands, flags and their values, commands, names.
func TestCompletionAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"web": prog("sleep 1000", fields{"numprocs": 2}), "db": prog("sleep 1000")})
	socket := " -s " + w.path("s") + " "
	for line, want := range map[string]string{
		"taskmaster ch":                          "check :files",
		"taskmaster run --log":                   "--log --loglevel",
		"taskmaster --det":                       "--detach",
		"taskmaster run --loglevel w":            "warn",
		"taskmaster run --pidfile x --loglevel=": "",
		"taskmaster check ":                      ":files",
		"taskmaster ctl --":                      "--json",
		"taskmaster ctl sto":                     "stop",
		"taskmaster ctl -c " + w.path("config.yaml") + " stop d": "db",
		"taskmaster ctl" + socket + "restart w":                  "web web:0 web:1",
		"taskmaster ctl" + socket + "restart web:0 web:":         "web:1",
		"taskmaster ctl" + socket + "signal HU":                  "HUP",
		"taskmaster ctl" + socket + "signal HUP d":               "db",
		"taskmaster ctl" + socket + "tail -":                     "--raw -f -n",
		"taskmaster ctl" + socket + "tail web:0 std":             "stderr stdout",
		"taskmaster ctl -s /nonexistent restart w":               "",
		"taskmaster completion z":                                "zsh",
		"taskmaster import -":                                    "--force -o",
		"taskmaster run -- ":                                     ":files",
		"taskmaster":                                             "",
		"":                                                       "",
	} {
		out, errs, code := w.run("__complete", line)
		var words []string
		for l := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
			words = append(words, word)
		}
		if got := strings.Join(words, " "); got != want || errs != "" || code != 0 {
			t.Errorf("%q: %d %q %q, want %q", line, code, got, errs, want)
		}
	}
	d.end()
}
