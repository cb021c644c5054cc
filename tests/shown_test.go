package tests

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// manual is what the command lines that the pages show are held against.
type manual struct {
	*world
	flags         map[string]map[string]bool // of a subcommand; true when it takes a value
	targets, vars []string                   // of the Makefile
	gateway       string                     // its source, which names its flags
}

var (
	subcommand = regexp.MustCompile(`(?m)^  taskmaster ([a-z]+)`)
	flagLine   = regexp.MustCompile(`(?m)^  (--?[a-z][a-z_-]*)( [A-Z]+)? `)
	makeTarget = regexp.MustCompile(`(?m)^([a-z]+):`)
	makeVar    = regexp.MustCompile(`(?m)^([A-Z]+) *\?=`)
	inline     = regexp.MustCompile("`((?:taskmaster|make) [^`\n]+)`")
	assignment = regexp.MustCompile(`^([A-Za-z_]+)=`)
)

// newManual asks the binary for its subcommands and their flags, and reads the Makefile.
func newManual(w *world) *manual {
	w.Helper()
	m := &manual{world: w, flags: map[string]map[string]bool{}}
	help, _, _ := w.run("-h")
	for _, x := range append(subcommand.FindAllStringSubmatch(help, -1), []string{"", "reference"}) {
		m.flags[x[1]] = map[string]bool{}
		out, _, code := w.run(x[1], "-h")
		if code != 0 {
			w.Errorf("%s -h: exit code %d", x[1], code)
		}
		for _, f := range flagLine.FindAllStringSubmatch(out, -1) {
			m.flags[x[1]][f[1]] = f[2] != ""
		}
	}
	makefile := readFile(w, "../Makefile")
	for _, x := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		m.targets = append(m.targets, x[1])
	}
	for _, x := range makeVar.FindAllStringSubmatch(makefile, -1) {
		m.vars = append(m.vars, x[1])
	}
	m.gateway = readFile(w, "../gateway/main.go")
	return m
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shown lists the command lines of a block, each with the number of its line in
// the block. What somebody types at our own prompt becomes a command of ctl.
func (b block) shown() (lines []string, at []int) {
	if !slices.Contains([]string{"", "sh", "console", "indented"}, b.info) {
		return nil, nil
	}
	text := strings.ReplaceAll(b.text, "\\\n", "  ")
	for n, line := range strings.Split(text, "\n") {
		typed, isShell := strings.CutPrefix(strings.TrimSpace(line), "taskmaster> ")
		command, isCommand := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		switch {
		case isShell && typed != "" && !slices.Contains([]string{"quit", "exit"}, typed):
			lines, at = append(lines, "taskmaster ctl "+typed), append(at, n)
		case isShell:
		case isCommand || b.info != "console":
			lines, at = append(lines, command), append(at, n)
		}
	}
	return lines, at
}

// at names a line of a block.
func (p page) at(b block, n int) string { return fmt.Sprintf("%s:%d", p.path, b.line+n) }

// wrongCommands lists what the pages show and what does not exist, and counts
// the commands of ours that were looked at.
func (m *manual) wrongCommands(pages []page) (out []string, looked int) {
	check := func(place, line string) {
		for _, words := range simpleCommands(line) {
			ours, err := m.verify(words)
			if ours {
				looked++
			}
			if err != nil {
				out = append(out, fmt.Sprintf("%s: %s: %v", place, strings.Join(words, " "), err))
			}
		}
	}
	for _, p := range pages {
		for _, b := range p.blocks {
			lines, at := b.shown()
			for i, line := range lines {
				check(p.at(b, at[i]), line)
			}
		}
		for _, x := range inline.FindAllStringSubmatch(p.prose, -1) {
			line := strings.ReplaceAll(x[1], `\|`, "|")
			if strings.HasPrefix(line, "taskmaster ") && strings.Count(line, " ") == 1 {
				line += " -h" // its name only
			}
			if !strings.ContainsAny(line, "…[") { // a synopsis
				check(p.path, line)
			}
		}
	}
	return out, looked
}

// simpleCommands splits a line at the shell's operators, and each part into words.
func simpleCommands(line string) (out [][]string) {
	var words []string
	word, inWord, quote := "", false, rune(0)
	endWord := func() {
		if inWord {
			words = append(words, word)
		}
		word, inWord = "", false
	}
	for i, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word += string(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == '#' && !inWord && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			endWord()
			return append(out, words)
		case strings.ContainsRune("|&;()<>", c):
			endWord()
			out, words = append(out, words), nil
		case c == ' ' || c == '\t':
			endWord()
		default:
			word, inWord = word+string(c), true
		}
	}
	endWord()
	return append(out, words)
}

// verify holds one command against the manual; ours is false for those of others.
func (m *manual) verify(words []string) (ours bool, err error) {
	for len(words) > 0 && (slices.Contains([]string{"sudo", "exec", "nohup", "time", "nice", "$"}, words[0]) || assignment.MatchString(words[0])) {
		words = words[1:]
	}
	if len(words) == 0 {
		return false, nil
	}
	switch name := words[0][strings.LastIndexByte(words[0], '/')+1:]; name {
	case "make":
		return true, m.verifyMake(words[1:])
	case "taskmaster":
		return true, m.verifyOurs(words[1:])
	case "taskmaster-gateway":
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") && !strings.Contains(m.gateway, `"`+strings.TrimLeft(w, "-")+`"`) {
				return true, fmt.Errorf("no flag %s", w)
			}
		}
		return true, nil
	}
	return false, nil
}

func (m *manual) verifyMake(words []string) error {
	for _, w := range words {
		set := assignment.FindStringSubmatch(w)
		switch {
		case set != nil && !slices.Contains(m.vars, set[1]):
			return fmt.Errorf("the Makefile has no variable %s", set[1])
		case set == nil && w != "-s" && !slices.Contains(m.targets, w):
			return fmt.Errorf("the Makefile has no target %s", w)
		}
	}
	return nil
}

// verifyOurs looks at the subcommand and its flags. The words of ctl's command
// the binary takes apart itself, before it looks for a daemon.
func (m *manual) verifyOurs(words []string) error {
	sub := "run"
	if len(words) > 0 && m.flags[words[0]] != nil {
		sub, words = words[0], words[1:]
	}
	operands := []string{}
	for i := 0; i < len(words); i++ {
		name, _, joined := strings.Cut(words[i], "=")
		takes, known := m.flags[sub][name]
		switch {
		case words[i] == "-h" || words[i] == "--can-resume" || words[i] == "--version":
			return nil
		case words[i] == "--" && sub == "run":
			return nil
		case !strings.HasPrefix(words[i], "-") && sub == "ctl":
			return m.verifyCommand(words[i:])
		case !strings.HasPrefix(words[i], "-"):
			operands = append(operands, words[i])
		case !known:
			return fmt.Errorf("%s has no flag %s", sub, words[i])
		case len(operands) > 0 && sub != "import":
			return fmt.Errorf("%s comes after %q", words[i], operands)
		case takes && !joined:
			i++
		}
	}
	if needs := slices.Contains([]string{"run", "check", "graph", "import"}, sub); needs && len(operands) != 1 {
		return fmt.Errorf("%s takes one file, not %q", sub, operands)
	}
	return nil
}

func (m *manual) verifyCommand(words []string) error {
	if words[0] == "notify" { // only at a prompt
		return nil
	}
	_, stderr, code := m.run(append([]string{"ctl", "-s", m.path("nobody")}, words...)...)
	if code == 2 {
		return fmt.Errorf("exit code 2: %s", strings.TrimSpace(stderr))
	}
	return nil
}

// Every command that the pages show exists, with its flags.
func TestCommandsInTheDocs(t *testing.T) {
	t.Parallel()
	wrong, looked := newManual(newWorld(t)).wrongCommands(readPages(t, ".."))
	for _, w := range wrong {
		t.Error(w)
	}
	if looked < 40 {
		t.Errorf("only %d commands found: the pattern is wrong, or the pages are", looked)
	}
}
