package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms says which of ours each may import: docs/architecture.md in the form of a test.
// The room "." is main.go.
var rooms = map[string][]string{
	".":        {"cli", "spawn"},
	"cli":      {"config", "control", "ctl", "daemon", "importer", "logfile", "process", "shell", "spawn", "sys"},
	"config":   {"process", "probe", "schedule", "text"},
	"importer": {"config", "text"},
	"manual":   {"cli", "config", "control"},
	"process":  {},
	"schedule": {},
	"spawn":    {"sys"},
	"reaper":   {"sys"},
	"epoll":    {"sys"},
	"probe":    {"epoll", "sys"},
	"sys":      {},
	"state":    {},
	"text":     {},
	"vt":       {},
	"logfile":  {"sys"},
	"journal":  {"logfile", "control", "text"},
	"control":  {"process", "text"},
	"shell":    {"control", "sys", "text", "vt"},
	"ctl":      {"control", "shell", "sys", "epoll", "text", "config"},
	"daemon":   {"config", "process", "spawn", "reaper", "epoll", "probe", "sys", "logfile", "journal", "control", "schedule", "shell", "state", "text", "vt"},
	"tests":    {},
}

// What no room of the daemon imports: what is large, hides descriptors and
// goroutines, or reaps children behind our back.
var banned = []string{
	"net", "net/http", "os/exec", "os/signal", "os/user", "regexp", "text/template", "html/template", "testing", "log", "log/slog",
}

// exceptions are the files that may import what is banned: yaml.v3 links regexp anyway.
var exceptions = map[string][]string{
	"config/watchfields.go": {"regexp"}, // is what ready: {log: …} says one
	"manual/page.go":        {"regexp"}, // no part of the binary
	"daemon/match.go":       {"regexp"}, // and does a line match it
}

// clock is what reads the time or waits for it. The time is read once a turn and handed on.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// allowances: in how many places a room may do what the others may not; more is -1.
var (
	clockReadings = map[string]int{"daemon": 1, "ctl": -1, "tests": -1}
	goStatements  = map[string]int{"sys": 1, "daemon": 1, "tests": -1}
)

const (
	longestFunction = 45 // lines
	longestMain     = 80
)

// source is one parsed file.
type source struct {
	path, room string
	test       bool
	lines      int
	fset       *token.FileSet
	file       *ast.File
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	for _, complaint := range inspect(t, "..") {
		t.Error(complaint)
	}
}

// inspect gives every breach of the rules in the tree at root.
func inspect(t *testing.T, root string) (out []string) {
	clocks, gos := map[string][]string{}, map[string][]string{}
	for _, s := range sources(t, root) {
		out = append(out, s.imports()...)
		out = append(out, s.lengths()...)
		clocks[s.room] = append(clocks[s.room], s.clockReadings()...)
		gos[s.room] = append(gos[s.room], s.goStatements()...)
	}
	out = append(out, tooMany("reads the clock", clocks, clockReadings)...)
	out = append(out, tooMany("starts a goroutine", gos, goStatements)...)
	slices.Sort(out)
	return out
}

func tooMany(what string, places map[string][]string, allowed map[string]int) (out []string) {
	for room, found := range places {
		if n := allowed[room]; n >= 0 && len(found) > n {
			out = append(out, fmt.Sprintf("%s %s in %d places, %d allowed: %v", room, what, len(found), n, found))
		}
	}
	return out
}

func sources(t *testing.T, root string) (out []*source) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != root && exists(filepath.Join(path, "go.mod")) {
			return fs.SkipDir // a module of its own, such as the gateway, is no room of the daemon
		}
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		s := &source{path: rel, room: filepath.Dir(rel), test: strings.HasSuffix(path, "_test.go"), fset: token.NewFileSet()}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s.lines = strings.Count(string(b), "\n")
		if s.file, err = parser.ParseFile(s.fset, rel, b, 0); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// complain says where in the source something is wrong.
func (s *source) complain(at token.Pos, format string, args ...any) string {
	return s.fset.Position(at).String() + ": " + fmt.Sprintf(format, args...)
}

func (s *source) imports() (out []string) {
	allowed, known := rooms[s.room]
	if !known {
		return []string{s.path + ": a room that no rule knows"}
	}
	for _, i := range s.file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		ours, isOurs := strings.CutPrefix(path, "taskmaster/")
		switch {
		case isOurs && !slices.Contains(allowed, ours) && (!s.test || ours != s.room):
			out = append(out, s.complain(i.Pos(), "%s must not import %s", s.room, ours))
		case !s.test && slices.Contains(banned, path) && !slices.Contains(exceptions[s.path], path):
			out = append(out, s.complain(i.Pos(), "%s must not import %s", s.room, path))
		}
	}
	return out
}

func (s *source) lengths() (out []string) {
	if s.path == "main.go" && s.lines >= longestMain {
		out = append(out, fmt.Sprintf("main.go has %d lines, fewer than %d allowed", s.lines, longestMain))
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line; n > longestFunction {
			out = append(out, s.complain(f.Pos(), "%s has %d lines, %d allowed", f.Name.Name, n, longestFunction))
		}
	}
	return out
}

func (s *source) clockReadings() (out []string) {
	if s.test {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
				out = append(out, s.complain(n.Pos(), "time.%s", sel.Sel.Name))
			}
		}
		return true
	})
	return out
}

func (s *source) goStatements() (out []string) {
	if s.test {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok {
			out = append(out, s.fset.Position(n.Pos()).String())
		}
		return true
	})
	return out
}

// What no source says can still come in through somebody else's package.
func TestDaemonLinksNothingLarge(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if slices.Contains(banned, dep) && dep != "regexp" { // yaml.v3 has that
			t.Errorf("the daemon links %s", dep)
		}
	}
}

// A rule that nothing can break is none: each is broken here once.
func TestArchitectureRulesCatch(t *testing.T) {
	t.Parallel()
	long := "package daemon\n\nfunc long() {\n" + strings.Repeat("\t_ = 0\n", longestFunction) + "}\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"import against the grain": {"process/a.go", `package process; import _ "taskmaster/sys"`, "process must not import sys"},
		"policy needs no shell":    {"reaper/a_test.go", `package reaper; import _ "taskmaster/process"`, "reaper must not import process"},
		"os/exec":                  {"spawn/a.go", `package spawn; import _ "os/exec"`, "spawn must not import os/exec"},
		"net":                      {"daemon/a.go", `package daemon; import _ "net"`, "daemon must not import net"},
		"unknown room":             {"util/a.go", `package util`, "no rule knows"},
		"clock in the machine":     {"process/a.go", "package process\nimport \"time\"\nvar _ = time.Now", "process reads the clock"},
		"clock read twice":         {"daemon/a.go", "package daemon\nimport \"time\"\nvar _, _ = time.Now, time.Since", "daemon reads the clock"},
		"goroutine":                {"reaper/a.go", "package reaper\nfunc f() { go f() }", "reaper starts a goroutine"},
		"three goroutines":         {"sys/a.go", "package sys\nfunc f() { go f(); go f(); go f() }", "sys starts a goroutine"},
		"long function":            {"daemon/a.go", long, "long has 46 lines"},
		"long main":                {"main.go", "package main\n" + strings.Repeat("\n", longestMain), "main.go has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			path := filepath.Join(root, c.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := inspect(t, root); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("said %q, want one complaint with %q", got, c.want)
			}
		})
	}
}
