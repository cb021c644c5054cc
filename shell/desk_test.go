package shell

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"taskmaster/control"
)

// desk is a host with a terminal, or with two buffers for a script. Commands
// are collected; answer replies to the first that is open.
type desk struct {
	t         *testing.T
	s         *Session
	screen    *terminal // nil in script mode
	out, errs strings.Builder
	open      []control.Request
	ran       []string // every command with its words
	cancelled []string
	quits     int
	raw       bool
	thru      bool // bytes are shown as they are
	now       time.Time
	programs  []string
	instances []string
	auto      func(control.Request) []control.Reply // replies at once, from within Submit
}

func newDesk(t *testing.T, o Options) *desk {
	d := &desk{t: t, now: time.Unix(1000, 0), programs: []string{"db", "webserver", "worker"}, instances: []string{"worker:0", "worker:1"}}
	if o.Terminal {
		if o.Rows == 0 {
			o.Rows, o.Cols = 24, 80
		}
		d.screen = newTerminal(t, o.Rows, o.Cols)
	}
	d.s = New(d, o)
	d.s.Start()
	return d
}

// onTerminal is a session as most tests want it.
func onTerminal(t *testing.T) *desk { return newDesk(t, Options{Terminal: true, Color: true}) }

func (d *desk) Submit(r control.Request) {
	d.ran = append(d.ran, strings.Join(append([]string{r.Command}, r.Args...), " "))
	if d.auto == nil {
		d.open = append(d.open, r)
		return
	}
	for _, reply := range d.auto(r) {
		reply.ID = r.ID
		d.s.Reply(reply)
	}
}

func (d *desk) Cancel(id json.RawMessage)             { d.cancelled = append(d.cancelled, string(id)) }
func (d *desk) WriteErr(p []byte)                     { d.errs.Write(p) }
func (d *desk) Names() (programs, instances []string) { return d.programs, d.instances }
func (d *desk) Quit()                                 { d.quits++ }
func (d *desk) Through(on bool)                       { d.thru = on }
func (d *desk) Raw(on bool)                           { d.raw = on }
func (d *desk) Now() time.Time                        { return d.now }

func (d *desk) Write(p []byte) {
	d.out.Write(p)
	if d.screen != nil {
		d.screen.feed(p)
	}
}

func (d *desk) typed(keys string) { d.s.Input([]byte(keys)) }

// answer replies to the oldest open command with lines, the last reply done.
func (d *desk) answer(exit int, lines ...string) {
	d.t.Helper()
	if len(d.open) == 0 {
		d.t.Fatal("no command is open")
	}
	r := d.open[0]
	d.open = d.open[1:]
	for _, l := range lines {
		d.s.Reply(control.Reply{ID: r.ID, Text: l})
	}
	d.s.Reply(control.Reply{ID: r.ID, Done: true, Exit: &exit})
}

// shows checks the row that the cursor is on, and its column behind the prompt.
func (d *desk) shows(line string, col int) {
	d.t.Helper()
	if got, want := d.screen.line(d.screen.r), strings.TrimRight(Prompt+line, " "); got != want || d.screen.c != len(Prompt)+col {
		d.t.Fatalf("shows %q, cursor %d; want %q, %d\n%s", got, d.screen.c-len(Prompt), want, col, d.screen.text())
	}
}

func (d *desk) ranAre(want ...string) {
	d.t.Helper()
	if strings.Join(d.ran, "|") != strings.Join(want, "|") {
		d.t.Fatalf("ran %q, want %q", d.ran, want)
	}
}
