package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the pages say to type is typed, on a terminal of a machine of its own
// (see machine in child_test.go): every command line of a block, in order, and
// then those in the text. What a page shows below a command must be shown, and
// the exit code is 0 unless a turn says otherwise. scenes_test.go has what a
// page takes for granted, and what cannot be typed here.

// scene is what a page takes for granted.
type scene struct {
	inTree bool     // it is typed in the source tree, else in a home directory
	saves  []string // the names that the page's configurations are saved under, in order; "" is not at all
	setup  string   // what else is there, as a script
}

// turn is what one line needs that the page says in words, or not at all.
type turn struct {
	page, line string
	before     string      // a script, run beside the terminal
	as         string      // who types it, root else
	answers    [][2]string // what is shown, and what is typed then
	never      string      // what must not be shown
	exit       int
	again      bool // it is typed until it shows what the page shows: states take their time
}

// untyped is a command that is shown and cannot be typed here.
type untyped struct{ page, line, why string }

// typing is a command line of a page.
type typing struct {
	place, line string
	ours        bool     // at our own prompt
	want        []string // what is shown below it
}

var (
	ownLine     = regexp.MustCompile("`(taskmaster(?:-gateway)? [^`\n]+)`")
	inOthers    = regexp.MustCompile(`\$\((taskmaster [^)]*)\)`)
	placeholder = regexp.MustCompile(`[…\[]|\b[A-Z]{4,}\b|\|(zsh|FILE)`)
	nameOnly    = regexp.MustCompile(`^taskmaster(-gateway)? (run|check|ctl|graph|import)$`)
	looksTyped  = regexp.MustCompile(`^(\$|taskmaster>|sudo|make|docker|taskmaster(-gateway)?|\./taskmaster\S*) `)
)

// typings lists what a page says to type, and the lines that look so in a block
// that is not fenced as sh or console.
func (p page) typings() (out []typing, stray []string) {
	for _, b := range p.blocks {
		switch {
		case slices.Contains([]string{"sh", "console", "indented"}, b.info):
			out = append(out, b.typings(p)...)
		case b.info == "":
			for n, line := range strings.Split(b.text, "\n") {
				if looksTyped.MatchString(line) {
					stray = append(stray, p.at(b, n)+": "+line)
				}
				for _, m := range inOthers.FindAllStringSubmatch(line, -1) {
					out = append(out, typing{place: p.at(b, n), line: m[1]})
				}
			}
		}
	}
	for _, m := range ownLine.FindAllStringSubmatch(p.prose, -1) {
		line := strings.ReplaceAll(m[1], `\|`, "|")
		if !placeholder.MatchString(line) && !nameOnly.MatchString(line) {
			out = append(out, typing{place: p.path, line: line})
		}
	}
	return out, stray
}

func (b block) typings(p page) (out []typing) {
	for n, line := range strings.Split(strings.ReplaceAll(b.text, "\\\n", "  "), "\n") {
		line, _, _ = strings.Cut(line, " # ")
		line = strings.TrimRight(line, " ")
		typed, ours := strings.CutPrefix(line, "taskmaster> ")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case line == "":
		case ours || isCommand || b.info != "console":
			if !ours {
				typed = command
			}
			out = append(out, typing{place: p.at(b, n), line: typed, ours: ours})
		case len(out) > 0:
			out[len(out)-1].want = append(out[len(out)-1].want, line)
		}
	}
	return out
}

// name is a page's path in the tree.
func (p page) name() string {
	if filepath.Base(filepath.Dir(p.path)) == "docs" {
		return "docs/" + filepath.Base(p.path)
	}
	return filepath.Base(p.path)
}

// script is what the tables say about all pages.
type script struct {
	scenes  map[string]scene
	turns   []turn
	untyped []untyped
}

// turn finds what is said about a line.
func (s script) turn(page, line string) turn {
	for _, t := range s.turns {
		if t.page == page && t.line == line {
			return t
		}
	}
	return turn{}
}

// excused tells whether a line is one that cannot be typed.
func (s script) excused(page, line string) bool {
	return slices.ContainsFunc(s.untyped, func(u untyped) bool { return u.page == page && u.line == line && u.why != "" })
}

// stale lists what the tables say about lines and pages that are not there, and
// what the pages show to type in blocks that do not say so.
func (s script) stale(pages []page) (out []string) {
	shown := map[[2]string]bool{}
	typed := map[string]bool{}
	for _, p := range pages {
		lines, stray := p.typings()
		for _, x := range stray {
			out = append(out, x+": fence it as sh or console")
		}
		for _, x := range lines {
			shown[[2]string{p.name(), x.line}], typed[p.name()] = true, true
		}
	}
	for _, u := range s.untyped {
		if !shown[[2]string{u.page, u.line}] {
			out = append(out, fmt.Sprintf("an excuse for what is not shown: %s: %s", u.page, u.line))
		}
	}
	for _, t := range s.turns {
		if !shown[[2]string{t.page, t.line}] || s.excused(t.page, t.line) {
			out = append(out, fmt.Sprintf("a turn for what is not typed: %s: %s", t.page, t.line))
		}
	}
	for name := range s.scenes {
		if !typed[name] {
			out = append(out, "a scene for a page that shows nothing to type: "+name)
		}
	}
	return out
}

// session is somebody who types at a terminal.
type session struct {
	*world
	term   *terminal
	pid    int // of the shell, whose root is the machine's
	home   string
	inOurs bool // at our prompt, not at the shell's
}

var (
	shellPrompt = regexp.MustCompile(`\[(\d+)\]\$ *$`)
	ourPrompt   = regexp.MustCompile(`(?:^|\n)taskmaster> *$`)
	// Pids, times, versions are other ones each time. A time is without its date on
	// the day itself, and a stretch without its smaller unit when that is 0.
	numeral = regexp.MustCompile(`(^|[ (])(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)|(\d+[dhms](?: \d+[hms])?\b)|\d[\w:.-]*)`)
)

// sit makes the machine, sets the scene, and sits down at the prompt.
func (w *world) sit(p page, s scene) *session {
	w.Helper()
	home := "/home/reader"
	if s.inTree {
		abs, err := filepath.Abs("..")
		if err != nil {
			w.Fatal(err)
		}
		home = abs
	}
	lines := []string{
		"set -e", "mkdir -p " + home + " " + w.path("root"), "cd " + home,
		"cp " + binary + " /usr/local/bin/taskmaster", `printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo`, "chmod 755 /usr/local/bin/sudo",
	}
	for i, b := range p.configurations() {
		if i < len(s.saves) && s.saves[i] != "" {
			lines = append(lines, "cp "+w.write("saved."+strconv.Itoa(i), b)+" "+s.saves[i])
		}
	}
	lines = append(lines, s.setup, "exec sh")
	term := w.terminal()
	if err := unix.IoctlSetWinsize(int(term.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 300}); err != nil {
		w.Fatal(err)
	}
	if err := os.Mkdir(w.path("root"), 0o755); err != nil {
		w.Fatal(err)
	}
	d := w.launch(role("machine", w.path("root"), "/bin/sh", "-c", strings.Join(lines, "\n")), options{
		terminal: term, env: []string{"PS1=[$?]$ ", "TERM=xterm", "DEMO_PAUSE=0"},
		attr: &syscall.SysProcAttr{Setsid: true, Setctty: true, Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET},
	})
	t := &session{world: w, term: term, pid: d.pid(), home: home}
	w.until("a prompt in the machine", func() bool {
		select {
		case <-d.ended:
			w.Fatalf("the machine of %s: %v\n%s", p.path, d.err, term.text())
		default:
		}
		return shellPrompt.MatchString(onScreen(term.text()))
	})
	return t
}

// configurations are the texts of a page's blocks that are whole ones.
func (p page) configurations() (out []string) {
	for _, b := range p.blocks {
		if b.info == "yaml" {
			out = append(out, b.text)
		}
	}
	return out
}

// onScreen is what a terminal shows that was sent text, without the blanks at the ends.
func onScreen(text string) string {
	s := newScreen(strings.Count(text, "\n")+len(text)/300+2, 300)
	s.feed(text)
	lines := strings.Split(s.plain(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// beside runs a script in the machine, not on its terminal.
func (t *session) beside(text string) error {
	if text == "" {
		return nil
	}
	cmd := exec.Command("/bin/sh", "-e", "-c", text)
	cmd.Dir, cmd.Env = t.home, append(os.Environ(), mark+"="+t.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: fmt.Sprintf("/proc/%d/root", t.pid)}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", text, err, out)
	}
	return nil
}

// page types all of a page, and says what went otherwise than it is written there.
func (t *session) page(p page, s script) (out []string) {
	lines, _ := p.typings()
	for _, x := range lines {
		if s.excused(p.name(), x.line) {
			continue
		}
		if err := t.line(x, s.turn(p.name(), x.line)); err != nil {
			out = append(out, fmt.Sprintf("%s: %s: %v", x.place, x.line, err))
		}
	}
	return out
}

// line types a line where it belongs, and compares.
func (t *session) line(x typing, how turn) error {
	if err := t.beside(how.before); err != nil {
		return err
	}
	switch {
	case x.ours && !t.inOurs: // a daemon of the scene's
		_, _ = t.typed("taskmaster ctl", nil)
	case !x.ours && t.inOurs:
		_, _ = t.typed("quit", nil)
	}
	line := x.line
	if strings.HasPrefix(line, "exit ") {
		line = "(" + line + ")" // that is another's shell, and this one is needed
	}
	if how.as != "" {
		line = "setpriv --reuid=" + how.as + " --regid=nogroup --clear-groups " + line
	}
	for over := time.Now().Add(patience); ; {
		shown, exit := t.typed(line, how.answers)
		err := x.differs(shown, exit, how)
		if err == nil || !how.again || time.Now().After(over) {
			return err
		}
	}
}

// differs says in what a line's answer is not what the page shows.
func (x typing) differs(shown string, exit int, how turn) error {
	if exit != how.exit {
		return fmt.Errorf("exit code %d, want %d:\n%s", exit, how.exit, end(shown))
	}
	if how.never != "" && strings.Contains(shown, how.never) {
		return fmt.Errorf("it shows %q:\n%s", how.never, end(shown))
	}
	if x.ours && len(x.want) == 0 && strings.Contains(shown, "ERROR") {
		return fmt.Errorf("it failed:\n%s", end(shown))
	}
	lines := strings.Split(shown, "\n")
	for _, want := range x.want {
		at := slices.IndexFunc(lines, tolerant(want).MatchString)
		if at < 0 {
			return fmt.Errorf("the page shows %q, not so\n%s", want, end(shown))
		}
		lines = lines[at+1:]
	}
	return nil
}

// tolerant is a line of a page, with any pids, times and widths.
func tolerant(line string) *regexp.Regexp {
	var anything []string
	line = numeral.ReplaceAllStringFunc(line, func(found string) string {
		m := numeral.FindStringSubmatch(found)
		switch {
		case m[2] != "":
			anything = append(anything, `(?:[\d-]+\s+)?[\d:]+`)
		case m[3] != "":
			anything = append(anything, `\d+[dhms](?:\s+\d+[hms])?`)
		default:
			anything = append(anything, `[\w:.-]+`)
		}
		return m[1] + "\x00"
	})
	pattern := strings.Join(strings.Fields(regexp.QuoteMeta(line)), `\s+`)
	for _, some := range anything {
		pattern = strings.Replace(pattern, "\x00", some, 1)
	}
	return regexp.MustCompile(`^\s*` + pattern + `\s*$`)
}

// typed types a line and what is to be answered, and gives what is shown until
// the next prompt, and at the shell's its exit code.
func (t *session) typed(line string, answers [][2]string) (shown string, exit int) {
	before := len(t.term.text())
	t.keys(line + "\r")
	from := before
	for _, a := range answers {
		t.await(before, line+": "+a[0], func() bool {
			return below(t.term.text()[before:], line) != "" && strings.Contains(onScreen(t.term.text()[from:]), a[0])
		})
		from = len(t.term.text())
		t.keys(a[1])
	}
	t.await(before, line+": the next prompt", func() bool {
		shown = below(t.term.text()[before:], line)
		m := shellPrompt.FindStringSubmatch(shown)
		if m != nil {
			exit, _ = strconv.Atoi(m[1])
		}
		t.inOurs = m == nil && ourPrompt.MatchString(shown)
		return m != nil || t.inOurs
	})
	return strings.Trim(shown, "\n"), exit
}

// below is what is on the screen below the line that was typed.
func below(text, line string) string {
	_, shown, _ := strings.Cut(onScreen(text), line)
	return shown
}

// await waits until what is shown is as it should be. Some commands build.
func (t *session) await(from int, what string, cond func() bool) {
	t.Helper()
	seen := -1
	if !within(8*patience, func() bool {
		n := len(t.term.text())
		changed := n != seen
		seen = n
		return changed && cond()
	}) {
		t.Fatalf("never came: %s\n%s", what, end(onScreen(t.term.text()[from:])))
	}
}

// end is the last of what is shown: some of it is long.
func end(shown string) string { return shown[max(0, len(shown)-4000):] }

func (t *session) keys(text string) {
	t.Helper()
	if _, err := t.term.master.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
