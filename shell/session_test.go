package shell

import (
	"os"
	"strings"
	"testing"

	"taskmaster/control"
)

func TestCommandAndPrompt(t *testing.T) {
	d := onTerminal(t)
	if !d.raw || !d.screen.paste {
		t.Fatal("the terminal is not set up for editing")
	}
	d.typed("start a\r")
	d.ranAre("start a")
	if got := d.screen.text(); got != Prompt+"start a" {
		t.Fatalf("while waiting:\n%s", got)
	}
	d.answer(0, "a: started")
	d.shows("", 0)
	if got := d.screen.text(); got != Prompt+"start a\na: started\ntaskmaster>" {
		t.Fatalf("afterwards:\n%s", got)
	}
	d.s.Close()
	if d.raw || d.screen.paste || d.screen.c != 0 || d.screen.line(d.screen.r) != "" {
		t.Fatalf("after Close:\n%s", d.screen.text())
	}
}

func TestTypedAheadIsRunAfterwardsInOrder(t *testing.T) {
	d := newDesk(t, Options{Terminal: true})
	d.typed("start a\rstop a\rpid\rst")
	d.ranAre("start a")
	d.answer(0, "a: started")
	d.ranAre("start a", "stop a")
	d.answer(0, "a: stopped")
	d.answer(0, "77")
	d.ranAre("start a", "stop a", "pid")
	d.shows("st", 2)
}

func TestPasteOfSeveralLines(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n"} {
		d := onTerminal(t)
		d.typed("sta")
		d.typed("\x1b[200~rt a" + end + "stop a" + end + end + "pid\x1b[201~")
		d.ranAre("start a")
		d.answer(0)
		d.ranAre("start a", "stop a")
		d.answer(0)
		d.shows("pid", 3)
		d.ranAre("start a", "stop a")
	}
}

func TestInterruptAtThePrompt(t *testing.T) {
	d := onTerminal(t)
	d.typed("start b" + left + left + "\x03")
	d.shows("", 0)
	d.ranAre()
	if got := d.screen.line(0); got != Prompt+"start b^C" {
		t.Fatalf("the dropped line shows as %q", got)
	}
	d.typed(up)
	d.shows("", 0)
}

func TestInterruptStopsWaiting(t *testing.T) {
	d := onTerminal(t)
	d.typed("stop db\rpid\rx\x03")
	d.shows("", 0)
	d.ranAre("stop db")
	if len(d.cancelled) != 1 || !strings.Contains(d.screen.text(), "^C\nnot waiting any longer; the stop goes on") {
		t.Fatalf("cancelled %q\n%s", d.cancelled, d.screen.text())
	}
	d.answer(0, "db: stopped") // too late
	if strings.Contains(d.screen.text(), "db: stopped") {
		t.Fatal("a reply to a command that was given up is shown")
	}
	d.typed("tail -f db\r")
	d.s.Interrupt()
	d.typed("version\r")
	d.ranAre("stop db", "tail -f db", "version")
}

func TestQuit(t *testing.T) {
	for _, how := range []string{"quit\r", "exit\r", "\x04"} {
		d := newDesk(t, Options{Terminal: true, Own: true})
		d.typed(how + "start a\r\x03")
		d.ranAre("shutdown")
		if d.quits != 0 {
			t.Fatal("the daemon's own shell left before the daemon")
		}
		d = onTerminal(t)
		d.typed(how + "start a\r")
		if d.ranAre(); d.quits != 1 {
			t.Fatalf("%q: Quit was called %d times", how, d.quits)
		}
	}
	d := onTerminal(t)
	d.typed("shutdown\r")
	d.answer(1, "refused")
	d.typed("pid\r")
	d.ranAre("shutdown", "pid")
}

func TestNoticeKeepsTheLine(t *testing.T) {
	d := onTerminal(t)
	d.typed("star")
	d.s.Notice("2026-01-02T03:04:05.678Z db: RUNNING -> FATAL (\x1b[2J)")
	d.shows("star", 4)
	if got := d.screen.line(0); got != `03:04:05 db: RUNNING -> FATAL (\x1b[2J)` {
		t.Fatalf("the notice shows as %q", got)
	}
	d.typed(left + "x")
	d.shows("staxr", 4)
	d.typed("\x15\x0bnotify off\r")
	d.s.Notice("silent")
	d.typed("stop a\r")
	d.s.Notice("while waiting")
	d.answer(0)
	d.typed("notify on\rnotify\r")
	d.s.Notice("loud")
	if s := d.screen.text(); strings.Contains(s, "silent") || strings.Contains(s, "while waiting") || !strings.Contains(s, "loud") || !strings.Contains(s, "notify needs on or off") {
		t.Fatal(s)
	}
	d.s.Tell("the daemon is back")
	d.shows("", 0)
}

func TestFloodOfNotices(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 40, Cols: 80})
	d.typed("sta")
	for i := range 100 {
		d.s.Notice("p:" + itoa(i) + ": STARTING -> RUNNING")
	}
	d.s.Notice("db: STARTING -> FATAL (gone)")
	s := d.screen.text()
	if strings.Count(s, "RUNNING") != maxNews || !strings.Contains(s, "FATAL") {
		t.Fatal(s)
	}
	d.shows("sta", 3)
	d.now = d.s.Deadline()
	d.s.Tick(d.now)
	d.shows("sta", 3)
	if !strings.Contains(d.screen.text(), "… and 92 more changes") || !d.s.Deadline().IsZero() {
		t.Fatal(d.screen.text())
	}
	d.s.Notice("p:0: RUNNING -> STOPPING")
	if !strings.Contains(d.screen.text(), "STOPPING") {
		t.Fatal("the next second shows nothing")
	}
}

func TestResizeOfWatch(t *testing.T) {
	d := onTerminal(t)
	d.typed("status -w\r")
	for _, cols := range []int{80, 30} {
		r := d.open[len(d.open)-1]
		d.s.Reply(control.Reply{ID: r.ID, Rows: []control.Row{{Name: "db", State: "FATAL", Reason: strings.Repeat("long ", 6)}}})
		d.s.Reply(control.Reply{ID: r.ID, Done: true, Exit: new(3)})
		if s := d.screen.text(); strings.Count(s, "NAME") != 1 || strings.Contains(s, "…") != (cols == 30) {
			t.Fatalf("%d columns:\n%s", cols, s)
		}
		d.s.Resize(10, 30)
		d.screen = newTerminal(t, 10, 30)
		d.s.Tick(d.s.Deadline())
	}
}

func TestNoticeAboveALongLine(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 10, Cols: 20})
	d.typed(strings.Repeat("abcdefghij", 4) + "\x01" + right)
	d.s.Notice("news")
	if got := d.screen.text(); got != "news\n"+Prompt+"abcdefgh\nijabcdefghijabcdefgh\nijabcdefghij" || d.screen.r != 1 || d.screen.c != 13 {
		t.Fatalf("%d,%d\n%s", d.screen.r, d.screen.c, got)
	}
}

func TestProgress(t *testing.T) {
	d := onTerminal(t)
	d.typed("stop all\r")
	for range 3 {
		d.now = d.s.Deadline()
		d.s.Tick(d.now)
	}
	if got := d.screen.line(d.screen.r); got != "stop: 3 s, waiting for db, webserver, worker:0 and 1 more (Ctrl-C stops waitin…" {
		t.Fatalf("progress is %q", got)
	}
	d.s.Reply(control.Reply{ID: d.open[0].ID, Text: "worker:0: stopped"})
	if got := d.screen.text(); got != Prompt+"stop all\nworker:0: stopped" {
		t.Fatalf("the progress line is still there:\n%s", got)
	}
	d.now = d.s.Deadline()
	d.s.Tick(d.now)
	if got := d.screen.line(d.screen.r); !strings.HasPrefix(got, "stop: 4 s, waiting for db, webserver, worker:1 (") {
		t.Fatalf("progress is %q", got)
	}
	d.answer(0)
	d.shows("", 0)
	if !d.s.Deadline().IsZero() {
		t.Fatal("a deadline at the prompt")
	}
}

func TestRestartIsDoneWhenStarted(t *testing.T) {
	d := onTerminal(t)
	d.typed("restart work*\r")
	d.s.Reply(control.Reply{ID: d.open[0].ID, Text: "worker:0: stopped"})
	d.s.Reply(control.Reply{ID: d.open[0].ID, Error: "worker:1: ERROR (FATAL: x)"})
	d.s.Tick(d.s.Deadline())
	if got := d.screen.line(d.screen.r); !strings.HasPrefix(got, "restart: 1 s, waiting for worker:0 (") {
		t.Fatalf("progress is %q", got)
	}
}

func TestWatch(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 8, Cols: 60})
	d.typed("status -w db\r")
	d.ranAre("status db")
	reply := func(state string, n int) {
		rows := make([]control.Row, n)
		for i := range rows {
			rows[i] = control.Row{Name: "db", State: state}
		}
		r := d.open[len(d.open)-1]
		d.s.Reply(control.Reply{ID: r.ID, Rows: rows})
		d.s.Reply(control.Reply{ID: r.ID, Done: true, Exit: new(3)})
	}
	reply("STARTING", 1)
	if !strings.Contains(d.screen.text(), "STARTING") || len(d.open) != 1 {
		t.Fatal(d.screen.text())
	}
	d.now = d.s.Deadline()
	d.s.Tick(d.now)
	d.ranAre("status db", "status db")
	if !d.s.Deadline().IsZero() {
		t.Fatal("asks again before the answer has come")
	}
	reply("RUNNING", 1)
	if s := d.screen.text(); strings.Contains(s, "STARTING") || strings.Count(s, "NAME") != 1 || !strings.HasPrefix(s, Prompt+"status -w db\nNAME") {
		t.Fatal(s)
	}
	d.now = d.s.Deadline()
	d.s.Tick(d.now)
	reply("RUNNING", 100)
	if s := d.screen.text(); !strings.Contains(s, "… 96 more\nrefreshed") || strings.Count(s, "NAME") != 1 {
		t.Fatal(s)
	}
	d.typed("\x03")
	d.shows("", 0)
	d.typed("pid\r")
	d.ranAre("status db", "status db", "status db", "pid")
}

func TestResize(t *testing.T) {
	d := onTerminal(t)
	d.typed("start " + strings.Repeat("a", 40))
	d.s.Resize(24, 40)
	d.typed("b")
	if d.screen.c == 0 {
		t.Fatal(d.screen.text())
	}
	d.typed("\x15start a\r")
	d.ranAre("start a")
}

func TestUnknownCommandIsSaidWithoutTheDaemon(t *testing.T) {
	d := onTerminal(t)
	d.typed("strat a\rstart\rcancel 1\rtail -n x a\r'open\r\rhelp nope\r")
	d.ranAre()
	s := d.screen.text()
	for _, want := range []string{
		"unknown command: strat (did you mean start?)", "start needs a program", "unknown command: cancel", "-n needs a number",
		"a quote is not closed", "unknown command: nope",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("%q is missing in\n%s", want, s)
		}
	}
}

func TestDaemonLostInMidCommand(t *testing.T) {
	d := onTerminal(t)
	d.typed("stop db\r")
	d.s.Lost("the daemon is gone")
	d.shows("", 0)
	if d.s.Exit() != 1 {
		t.Fatalf("exit %d", d.s.Exit())
	}
	d.auto = func(control.Request) []control.Reply {
		return []control.Reply{{Error: "ERROR (away)", Done: true, Exit: new(1)}}
	}
	d.typed("pid\rpid\r")
	d.shows("", 0)
	if strings.Count(d.screen.text(), "ERROR (away)") != 2 {
		t.Fatal(d.screen.text())
	}
}

func TestNothingDrivesTheTerminal(t *testing.T) {
	const evil = "\x1b]0;x\x07\x9b\u009b2J\u202e\b\r"
	d := onTerminal(t) // its terminal fails the test when something gets through
	d.typed("status\r")
	id := d.open[0].ID
	d.s.Reply(control.Reply{ID: id, Text: evil, Error: evil, Rows: []control.Row{{Name: evil, State: evil, Reason: evil, Detail: evil, Next: 1, PID: 1}}})
	d.answer(0, evil)
	d.s.Notice(evil)
	d.s.Tell(evil)
	d.s.Lost(evil)
	d.typed("events --json\r")
	d.answer(0, `{"reason":"`+evil+`"}`)
	d.typed("status --json\r")
	d.s.Reply(control.Reply{ID: d.open[0].ID, Rows: []control.Row{{Name: evil}}})
	d.answer(0)
	d.programs = []string{"a" + "b"}
	d.typed(evil + "\r")
	d.shows("", 0)
}

func TestDumbTerminal(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Dumb: true, Rows: 24, Cols: 80})
	d.typed("stp x" + left + left + left + "o\x05\x7fa\x1b[D\x04b")
	d.shows("stop b", 6)
	d.s.Notice("news")
	d.shows("stop b", 6)
	d.typed("\r")
	d.ranAre("stop b")
	if at := d.s.Deadline(); !at.IsZero() {
		t.Fatal("a progress line on a terminal that cannot erase it")
	}
	d.answer(0, "b: stopped")
	d.typed("\x12stop\r")
	d.ranAre("stop b", "stop b")
	d.s.Close()
	if strings.ContainsRune(d.out.String(), 0x1b) {
		t.Fatalf("an escape sequence in %q", d.out.String())
	}
}

func TestHint(t *testing.T) {
	d := onTerminal(t)
	d.typed("start webserver\r")
	d.answer(0)
	d.typed("sta")
	if got := d.screen.line(d.screen.r); got != Prompt+"start webserver" || d.screen.c != len(Prompt)+3 {
		t.Fatalf("%q %d", got, d.screen.c)
	}
	d.typed(left)
	d.shows("sta", 2)
	d.typed(right + right)
	d.shows("start webserver", 15)
	d.typed("\x15st\x1bf")
	if string(d.s.editor.line) != "start" {
		t.Fatalf("Alt-F took %q", string(d.s.editor.line))
	}
	d.typed("\x15st\r")
	if got := d.screen.line(d.screen.r - 2); got != Prompt+"st" {
		t.Fatalf("the hint is left on the line that ran: %q", got)
	}
	d.ranAre("start webserver")
	d = newDesk(t, Options{Terminal: true})
	d.typed("pid\r")
	d.answer(0)
	d.typed("p")
	d.shows("p", 1)
}

// remembering is a session that has run four lines.
func remembering(t *testing.T) *desk {
	d := onTerminal(t)
	for _, l := range []string{"start a", "stop a", "pid", "stop b"} {
		d.typed(l + "\r")
		d.answer(0)
	}
	return d
}

func TestRecall(t *testing.T) {
	d := remembering(t)
	d.typed("\r   \r" + up)
	d.shows("stop b", 6)
	d.typed(up)
	d.shows("pid", 3)
	d.typed(up + up + up + up)
	d.shows("start a", 7)
	d.typed(down)
	d.shows("stop a", 6)
	d.typed("\x15st" + up + up + up)
	d.shows("start a", 7)
	d.typed(down + down)
	d.shows("stop b", 6)
	d.typed(down)
	if string(d.s.editor.line) != "st" {
		t.Fatalf("back at %q", string(d.s.editor.line))
	}
}

func TestSearch(t *testing.T) {
	d := remembering(t)
	d.typed("keep\x12sto")
	row := func(want string) {
		t.Helper()
		if got := d.screen.line(d.screen.r); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	row("(reverse-i-search)`sto': stop b")
	d.typed("\x12")
	row("(reverse-i-search)`sto': stop a")
	d.typed("\x12")
	row("(failed reverse-i-search)`sto': stop a")
	d.typed("\x13")
	row("(reverse-i-search)`sto': stop b")
	d.typed("\x7f\x7f\x7fpi")
	row("(reverse-i-search)`pi': pid")
	d.typed("\x07")
	d.shows("keep", 4)
	d.typed("\x12sta" + left)
	d.shows("start a", 0)
	d.typed("\x15\x0b\x12sta\r")
	d.ranAre("start a", "stop a", "pid", "stop b", "start a")
}

func TestTab(t *testing.T) {
	for _, c := range []struct{ keys, line, choices string }{
		{"stat\t", "status ", ""},
		{"sta\t", "sta", "start   status"},
		{"stop we\t", "stop webserver ", ""},
		{"stop wor\t", "stop worker", ""},
		{"stop worker\t", "stop worker", "worker    worker:0  worker:1"},
		{"stop worker:0 worker:\t", "stop worker:0 worker:1 ", ""},
		{"stop nothing\t", "stop nothing", ""},
		{"tail -n \t", "tail -n ", ""},
		{"tail -n 5 d\t", "tail -n 5 db ", ""},
		{"tail db std\t", "tail db std", "stderr  stdout"},
		{"status --j\t", "status --json ", ""},
		{"signal h\t", "signal hup ", ""},
		{"signal SIGU\t", "signal SIGUSR", ""},
		{"signal HUP d\t", "signal HUP db ", ""},
		{"help rel\t", "help reload ", ""},
		{"notify o\t", "notify o", "off  on"},
		{"nope x\t", "nope x", ""},
		{"stop 'we\t", "stop 'we", ""},
		{"canc\t", "canc", ""},
		{"stop we db\x1bb" + left + "\t", "stop webserver db", ""},
	} {
		d := onTerminal(t)
		d.typed(c.keys)
		if string(d.s.editor.line) != c.line || (c.choices != "") != (d.screen.r > 0) || c.choices != "" && d.screen.line(0) != c.choices {
			t.Errorf("%q: %q, choices %q", c.keys, string(d.s.editor.line), d.screen.line(0))
		}
	}
}

func TestTabWithManyNames(t *testing.T) {
	d := newDesk(t, Options{Terminal: true, Rows: 10, Cols: 40})
	d.programs = nil
	for i := range 200 {
		d.programs = append(d.programs, "program-"+itoa(i))
	}
	d.typed("stop program-\t")
	d.shows("stop program-", 13)
	if s := d.screen.text(); !strings.Contains(s, "… 182 more") {
		t.Fatal(s)
	}
}

// ---- scripts

func scripted(t *testing.T) *desk { return newDesk(t, Options{Own: true}) }

func TestScriptRunsInOrder(t *testing.T) {
	d := scripted(t)
	d.typed("start a\nsta")
	d.typed("tus\n\n  \t\n# a comment\nstop a")
	d.ranAre("start a")
	d.answer(0, "a: started")
	d.ranAre("start a", "status")
	d.answer(0)
	d.ranAre("start a", "status")
	d.s.EOF()
	d.ranAre("start a", "status", "stop a")
	if d.quits != 0 {
		t.Fatal("left before the last command was done")
	}
	d.answer(0, "a: stopped")
	if got := d.out.String(); d.quits != 1 || got != "a: started\na: stopped\n" || d.errs.Len() != 0 {
		t.Fatalf("quits %d, out %q, errors %q", d.quits, got, d.errs.String())
	}
}

func TestScriptAfterQuit(t *testing.T) {
	for _, word := range []string{"quit", "exit", "shutdown"} {
		d := scripted(t)
		d.typed("start a\n" + word + "\nstart b\n")
		d.answer(0)
		d.answer(0)
		d.typed("start c\n")
		d.s.EOF()
		d.ranAre("start a", "shutdown")
		if d.quits != 0 {
			t.Fatal("the shell left before the daemon")
		}
	}
}

func TestScriptJunk(t *testing.T) {
	d := scripted(t)
	d.typed("frobnicate\n\x00\x01\xff\xfe caf\xc3\n" + strings.Repeat("x", 10000) + "\n")
	d.typed(strings.Repeat("y", 3<<20))
	d.typed("\nstop " + strings.Repeat("y", 10000) + "\n\xc2\x9b\n pid \t a\r\n")
	d.answer(1)
	d.ranAre("stop "+strings.Repeat("y", 10000), "pid a")
	errs := d.errs.String()
	if !strings.Contains(errs, "frobnicate") || strings.Count(errs, "1 MiB") != 1 || strings.ContainsAny(errs, "\x00\x01\x1b") || strings.Contains(errs, "\u009b") || len(errs) > 1000 {
		t.Fatalf("%d bytes: %.300q", len(errs), errs)
	}
	if d.out.Len() != 0 {
		t.Fatalf("out %q", d.out.String())
	}
}

func TestScriptIsNotReadFasterThanItRuns(t *testing.T) {
	d := scripted(t)
	d.typed("start a\n" + strings.Repeat("pid\n", 40000))
	if !d.s.Full() {
		t.Fatal("wants more")
	}
	d.auto = func(control.Request) []control.Reply { // at once, from within Submit
		return []control.Reply{{Text: "7"}, {Done: true, Exit: new(0)}}
	}
	d.answer(0)
	if len(d.ran) != 40001 || d.s.Full() {
		t.Fatalf("ran %d", len(d.ran))
	}
}

func TestScriptExit(t *testing.T) {
	d := newDesk(t, Options{})
	d.typed("pid\nnope\n")
	d.answer(0)
	if d.s.Exit() != 2 {
		t.Fatalf("exit %d", d.s.Exit())
	}
	d.typed("status\nexit\npid\n")
	d.answer(3)
	if d.ranAre("pid", "status"); d.quits != 1 || d.s.Exit() != 0 {
		t.Fatalf("quits %d exit %d", d.quits, d.s.Exit())
	}
}

// ---- history

func TestHistoryIsSharedAndKept(t *testing.T) {
	path := t.TempDir() + "/state/taskmaster/history"
	a, b := openHistory(path), openHistory(path)
	a.add("one")
	b.add("two")
	b.add("two")
	a.add("three")
	a.add("   ")
	if got := strings.Join(a.lines, ","); got != "one,two,three" {
		t.Fatalf("a has %s", got)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "one\ntwo\nthree\n" {
		t.Fatalf("%q %v", data, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Fatal(st.Mode(), err)
	}
	b.add("four")
	if got := strings.Join(b.lines, ","); got != "one,two,three,four" {
		t.Fatalf("b has %s", got)
	}
}

func TestHistoryIsRewrittenWhenItHasGrown(t *testing.T) {
	path := t.TempDir() + "/history"
	a, b := openHistory(path), openHistory(path)
	for i := range 2*historyKept + 10 {
		a.add("a" + itoa(i))
	}
	b.add("b")
	a.add("last")
	data, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if err != nil || len(lines) < historyKept || len(lines) > historyKept+20 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if got := lines[len(lines)-3:]; got[0] != "a2009" || got[1] != "b" || got[2] != "last" {
		t.Fatalf("the end is %q", got)
	}
	if c := openHistory(path); c.lines[len(c.lines)-1] != "last" || len(c.lines) != len(lines) {
		t.Fatalf("read anew: %d lines", len(c.lines))
	}
	if left, _ := os.ReadDir(path[:len(path)-len("/history")]); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestHistoryThatIsBroken(t *testing.T) {
	dir := t.TempDir()
	h := openHistory(dir) // a directory
	h.add("kept in memory")
	if len(h.lines) != 1 {
		t.Fatal("lost")
	}
	path := dir + "/history"
	junk := "\x00\x1b[2J\x1b]0;x\x07 evil\n" + strings.Repeat("z", 200000) + "\nbro\xffken\nc\u009b1\nstart a\n\n\nhalf"
	if err := os.WriteFile(path, []byte(junk), 0o600); err != nil {
		t.Fatal(err)
	}
	h = openHistory(path)
	if got := strings.Join(h.lines, ","); got != "start a" {
		t.Fatalf("%q", got)
	}
	h.add("stop a")
	if data, err := os.ReadFile(path); err != nil || !strings.HasSuffix(string(data), "\nhalf\nstop a\n") {
		t.Fatalf("%v %.40q", err, data[len(data)-20:])
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct {
		env  string
		want Options
	}{
		{"TERM=xterm HOME=/h", Options{Color: true, HistoryPath: "/h/.local/state/taskmaster/history"}},
		{"TERM=xterm HOME=/h XDG_STATE_HOME=/s NO_COLOR=1", Options{HistoryPath: "/s/taskmaster/history"}},
		{"TERM=dumb HOME=/h XDG_STATE_HOME=s", Options{Dumb: true, HistoryPath: "/h/.local/state/taskmaster/history"}},
		{"", Options{Dumb: true}},
	} {
		got := FromEnvironment(func(name string) string {
			for _, v := range strings.Fields(c.env) {
				if k, val, _ := strings.Cut(v, "="); k == name {
					return val
				}
			}
			return ""
		})
		if got != c.want {
			t.Errorf("%s: %+v", c.env, got)
		}
	}
}
