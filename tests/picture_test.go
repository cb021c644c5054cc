package tests

import (
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// TestPicture draws the shell at work. `make picture` sets PICTURE, the file to
// draw into; it starts the README's first configuration, types at the prompt as
// a user would, and draws what the terminal shows then.
func TestPicture(t *testing.T) {
	file := os.Getenv("PICTURE")
	if file == "" {
		t.Skip("make picture sets PICTURE")
	}
	w := newWorld(t)
	config := firstConfiguration(w)
	w.write("app.yaml", config)
	term := w.terminal()
	if err := unix.IoctlSetWinsize(int(term.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 86}); err != nil {
		t.Fatal(err)
	}
	d := &daemon{world: w}
	app := w.launch([]string{binary, "app.yaml"}, options{terminal: term, env: []string{"TERM=xterm-256color"}, attr: &syscall.SysProcAttr{Setsid: true, Setctty: true}})
	d.cmd, d.ended = app.cmd, app.ended
	w.until("the prompt", func() bool { return term.shows("taskmaster> ") })
	settled := func(n int, state string) {
		w.until("all is well", func() bool {
			out, _, code := w.run("ctl", "-c", "app.yaml", "status")
			return code == 0 && strings.Count(out, " "+state+" ") == n
		})
	}
	settled(2, "RUNNING")
	term.enter(w, "status", "migrate  EXITED")
	term.enter(w, "signal KILL web:0", "sent SIGKILL")
	settled(2, "RUNNING")
	term.enter(w, "status web", "web:1    RUNNING", "web:1  RUNNING")
	w.write("app.yaml", strings.Replace(config, "numprocs: 2", "numprocs: 3", 1))
	term.enter(w, "reload", "migrate: unchanged")
	settled(3, "RUNNING")
	term.enter(w, "stop web:1 wbe", "web:1: stopped")
	term.enter(w, "status", "STOPPED")
	s := newScreen(40, 86)
	s.feed("\x1b[2m$ \x1b[mtaskmaster app.yaml\r\n" + term.text())
	if err := os.WriteFile(file, []byte(s.svg()), 0o644); err != nil {
		t.Fatal(err)
	}
	term.enter(w, "quit", "")
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// firstConfiguration is the one that the README begins with.
func firstConfiguration(w *world) string {
	w.Helper()
	for _, b := range parsePage("README.md", readFile(w, "../README.md")).blocks {
		if b.info == "yaml" {
			return b.text
		}
	}
	w.Fatal("the README has no configuration")
	return ""
}

// text is all that the terminal was sent so far.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.shown)
}

// enter types a line and waits until one of the answers, and a prompt, has come after it.
func (t *terminal) enter(w *world, line string, answers ...string) {
	w.Helper()
	before := len(t.text())
	if _, err := t.master.WriteString(line + "\r"); err != nil {
		w.Fatal(err)
	}
	if answers[0] == "" {
		return
	}
	w.until(line, func() bool {
		s := newScreen(80, 86)
		s.feed(t.text()[before:])
		shown := s.plain()
		for _, a := range answers {
			if at := strings.LastIndex(shown, a); at >= 0 && strings.Contains(shown[at:], "taskmaster> ") {
				return true
			}
		}
		return false
	})
}

// style is how a cell looks.
type style struct {
	color             int // 0 is the default, else 31 to 37
	bold, dim, invert bool
}

type cell struct {
	r rune
	style
}

// screen is a terminal that understands what our shell sends, and can be drawn.
type screen struct {
	cells    [][]cell
	row, col int
	pen      style
}

func newScreen(rows, cols int) *screen {
	s := &screen{cells: make([][]cell, rows)}
	for i := range s.cells {
		s.cells[i] = make([]cell, cols)
	}
	return s
}

func (s *screen) feed(text string) {
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 {
				return
			}
			s.control(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		s.put(r)
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.col = 0
	case '\n':
		if s.row++; s.row == len(s.cells) {
			s.cells = append(s.cells[1:], make([]cell, len(s.cells[0])))
			s.row--
		}
	default:
		if s.col == len(s.cells[0]) {
			s.put('\r')
			s.put('\n')
		}
		s.cells[s.row][s.col] = cell{r, s.pen}
		s.col++
	}
}

func (s *screen) control(params string, final byte) {
	n, err := strconv.Atoi(params)
	if err != nil || n == 0 {
		n = 1
	}
	switch final {
	case 'A':
		s.row = max(s.row-n, 0)
	case 'B':
		s.row = min(s.row+n, len(s.cells)-1)
	case 'C':
		s.col = min(s.col+n, len(s.cells[0])-1)
	case 'D':
		s.col = max(s.col-n, 0)
	case 'G':
		s.col = n - 1
	case 'K':
		clear(s.cells[s.row][s.col:])
	case 'J':
		clear(s.cells[s.row][s.col:])
		for _, line := range s.cells[s.row+1:] {
			clear(line)
		}
	case 'm':
		for p := range strings.SplitSeq(params, ";") {
			s.pen.set(p)
		}
	}
}

func (p *style) set(param string) {
	switch n, _ := strconv.Atoi(param); {
	case n == 0:
		*p = style{}
	case n == 1:
		p.bold = true
	case n == 2:
		p.dim = true
	case n == 7:
		p.invert = true
	case n >= 31 && n <= 37:
		p.color = n
	}
}

// plain is what the screen shows, without colours.
func (s *screen) plain() string {
	var b strings.Builder
	for _, line := range s.cells {
		for _, c := range line {
			b.WriteRune(max(c.r, ' '))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var palette = map[int]string{0: "#d8dee9", 31: "#ef6b73", 32: "#8fce72", 33: "#e9c46a", 34: "#7aa2f7", 35: "#c792ea", 36: "#7fd5ea", 37: "#d8dee9"}

func (p style) css() string {
	css := `fill="` + palette[p.color] + `"`
	if p.bold {
		css += ` font-weight="bold"`
	}
	if p.dim {
		css += ` opacity="0.6"`
	}
	return css
}

// svg draws the rows down to the cursor's.
func (s *screen) svg() string {
	const wide, high, edge = 8.4, 18.0, 14.0
	width, height := float64(len(s.cells[0]))*wide+2*edge, float64(s.row+1)*high+2*edge
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`+"\n", width, height)
	b.WriteString("<title>A session with Taskmaster's shell, drawn by make picture</title>\n")
	fmt.Fprintf(&b, `<rect width="%.0f" height="%.0f" rx="8" fill="#1d2129"/>`+"\n", width, height)
	for row, line := range s.cells[:s.row+1] {
		for from := 0; from < len(line); {
			to := from
			text := ""
			for ; to < len(line) && line[to].style == line[from].style && (line[to].r > ' ') == (line[from].r > ' '); to++ {
				text += string(line[to].r)
			}
			if line[from].r > ' ' {
				var escaped strings.Builder
				_ = xml.EscapeText(&escaped, []byte(text)) // a Builder takes all
				fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" textLength="%.1f" %s>%s</text>`+"\n",
					edge+float64(from)*wide, edge+float64(row)*high+13, float64(to-from)*wide, line[from].css(), escaped.String())
			}
			from = to
		}
	}
	fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="16" fill="#d8dee9" opacity="0.8"/>`+"\n</svg>\n", edge+float64(s.col)*wide, edge+float64(s.row)*high, wide)
	return b.String()
}
