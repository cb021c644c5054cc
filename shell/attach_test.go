package shell

import (
	"strings"
	"testing"
	"time"

	"taskmaster/control"
)

// onProgram is a session that is attached to a program's terminal.
func onProgram(t *testing.T, o Options) *desk {
	t.Helper()
	o.Terminal = true
	d := newDesk(t, o)
	if o.Once == "" {
		d.typed("attach worker:0\r")
	}
	if len(d.open) != 1 || d.open[0].Size != [2]int{24, 80} || d.open[0].Protocol != 2 {
		t.Fatalf("asked for %+v", d.open)
	}
	d.says(control.Reply{TTY: true})
	return d
}

// says replies to the attach.
func (d *desk) says(r control.Reply) {
	r.ID = d.open[0].ID
	d.s.Reply(r)
}

// sent are the messages to the attach.
func (d *desk) sent() string {
	var out []string
	for _, q := range d.open[1:] {
		word := q.Command
		if len(q.Data) > 0 {
			word += " " + string(q.Data)
		}
		out = append(out, word)
	}
	return strings.Join(out, "|")
}

func TestKeysAndOutputGoThrough(t *testing.T) {
	d := onProgram(t, Options{})
	if !d.thru || d.screen.paste {
		t.Fatal("the terminal is still the shell's")
	}
	d.typed("a\x03\x1b[A\r")
	d.says(control.Reply{Data: []byte("out\r\n\r\n")})
	d.says(control.Reply{Text: "worker:0: you look on"})
	d.s.Resize(30, 90)
	if got := d.sent(); got != "input a\x03\x1b[A\r|resize" || d.open[2].Size != [2]int{30, 90} {
		t.Fatalf("sent %q", got)
	}
	d.typed("\x1d")
	if !d.thru {
		t.Fatal("detached before the second Ctrl-] could come")
	}
	d.now = d.now.Add(time.Second)
	d.s.Tick(d.now)
	if d.thru || !d.raw || !strings.HasSuffix(d.sent(), "|detach") {
		t.Fatalf("not detached: sent %q", d.sent())
	}
	d.shows("", 0)
	for _, line := range []string{"[attached to worker:0; Ctrl-] detaches, Ctrl-] twice types one]", "out", "[worker:0: you look on]", "[detached from worker:0]"} {
		if !strings.Contains(d.screen.text(), line) {
			t.Errorf("%q is not shown:\n%s", line, d.screen.text())
		}
	}
	d.typed("pid\r")
	if got := d.open[len(d.open)-1].Command; got != "pid" {
		t.Errorf("the next command is %q", got)
	}
}

func TestDetachKey(t *testing.T) {
	for keys, want := range map[string]string{
		"a\x1d\x1db":                   "input a|input \x1d|input b",
		"\x1d\x1d\x1dpi":               "input \x1d|detach",
		"\x1dpi":                       "detach",
		"a\x1b[27;5;93~\x1b[27;5;93~b": "input a|input \x1b[27;5;93~|input b",
		"\x1b[93;5upi":                 "detach",
	} {
		for _, cut := range []bool{false, true} {
			d := onProgram(t, Options{})
			if cut && strings.Contains(keys, "\x1b") {
				continue // a sequence that is cut goes to the program
			}
			if cut {
				for i := range keys {
					d.typed(keys[i : i+1])
				}
			} else {
				d.typed(keys)
			}
			if got := d.sent(); got != want {
				t.Errorf("%q, cut %v: sent %q, want %q", keys, cut, got, want)
			}
			if strings.HasSuffix(keys, "pi") {
				d.shows("pi", 2)
			}
		}
	}
}

func TestKeysBeforeTheAnswer(t *testing.T) {
	d := onTerminal(t)
	d.typed("attach a\rear")
	d.typed("ly\r")
	if len(d.open) != 1 {
		t.Fatalf("sent %q before anybody said that there is a terminal", d.sent())
	}
	d.says(control.Reply{TTY: true})
	if got := d.sent(); got != "input early\r" {
		t.Errorf("sent %q", got)
	}
}

func TestKeysTypedAheadOfAnAttach(t *testing.T) {
	d := onTerminal(t)
	d.typed("pid\rattach a\rhello\x04\r")
	d.answer(0, "77")
	if d.ranAre("pid", "attach a"); len(d.open) != 1 {
		t.Fatalf("sent %q", d.sent())
	}
	d.says(control.Reply{TTY: true})
	if got := d.sent(); got != "input hello\x04\r" {
		t.Errorf("sent %q", got)
	}
}

func TestAttachEndsByItself(t *testing.T) {
	for name, end := range map[string]func(d *desk){
		"error": func(d *desk) {
			d.says(control.Reply{Error: "a: ERROR (removed)"})
			d.says(control.Reply{Done: true, Exit: new(1)})
		},
		"lost": func(d *desk) { d.s.Lost("the daemon is gone") },
	} {
		t.Run(name, func(t *testing.T) {
			d := onProgram(t, Options{Once: "attach worker:0"})
			d.s.out = append(d.s.out, "x"...)
			d.says(control.Reply{Data: []byte("\x1b[?2004h")})
			end(d)
			if d.thru || d.quits != 1 || d.s.Exit() != 1 {
				t.Errorf("through %v, %d quits, exit %d", d.thru, d.quits, d.s.Exit())
			}
			d.s.Close()
			if d.raw || d.screen.paste {
				t.Error("the terminal is not as it was")
			}
		})
	}
}

func TestInterruptSignalEndsAnAttach(t *testing.T) {
	d := onProgram(t, Options{Once: "attach worker:0"})
	d.s.Interrupt()
	if d.thru || d.quits != 1 || d.s.Exit() != 130 || d.sent() != "detach" {
		t.Errorf("through %v, %d quits, exit %d, sent %q", d.thru, d.quits, d.s.Exit(), d.sent())
	}
}

func TestAttachToAProgramWithoutATerminal(t *testing.T) {
	d := onTerminal(t)
	d.typed("attach db\r")
	d.says(control.Reply{Error: "db has no terminal"})
	d.says(control.Reply{Text: "a line"})
	d.typed("xyz")
	d.typed("more")
	if got := strings.Count(d.screen.text(), "no terminal to type to"); d.thru || got != 1 || d.sent() != "" {
		t.Errorf("through %v, told %d times, sent %q", d.thru, got, d.sent())
	}
	d.typed("\x03")
	if d.sent() != "detach" {
		t.Errorf("sent %q", d.sent())
	}
	d.shows("", 0)
}

func TestLinesOfOthersWaitForTheDetach(t *testing.T) {
	d := onProgram(t, Options{})
	d.s.Tell("a line of the log")
	if strings.Contains(d.screen.text(), "log") {
		t.Fatal("it is shown on the program's screen")
	}
	d.typed("\x1dx")
	if !strings.Contains(d.screen.text(), "a line of the log") {
		t.Errorf("it is lost:\n%s", d.screen.text())
	}
}

func TestNoAttachInAScript(t *testing.T) {
	d := newDesk(t, Options{})
	d.typed("attach db\npid\n")
	d.ranAre("pid")
	if !strings.Contains(d.errs.String(), "attach needs a terminal") {
		t.Errorf("said %q", d.errs.String())
	}
}
