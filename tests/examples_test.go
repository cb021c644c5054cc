package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every example is a valid configuration.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*.yaml")
	deeper, err2 := filepath.Glob("../examples/*/*.yaml")
	if err != nil || err2 != nil || len(files) == 0 || len(deeper) == 0 {
		t.Fatalf("no examples: %v %v", err, err2)
	}
	files = append(files, deeper...)
	w := newWorld(t)
	for _, f := range files {
		abs, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		if out, errs, code := w.run("check", abs); code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", f, code, out, errs)
		}
	}
}

// Every command and flag that the binary knows is on the page of commands.
func TestCommandsPageIsComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page, err := os.ReadFile("../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		entry *regexp.Regexp
		quote string // what the page has before an entry
	}{
		{[]string{"-h"}, regexp.MustCompile(`(?m)^  taskmaster ([a-z]+)`), "`taskmaster "},
		{[]string{"run", "-h"}, regexp.MustCompile(`(?m)^  (--(?:detach|no-shell|socket|log|pidfile|loglevel)) `), "`"},
		{[]string{"ctl", "help"}, regexp.MustCompile(`(?m)^([a-z]+).*?  `), "`"},
	} {
		out, errs, code := w.run(c.args...)
		found := c.entry.FindAllStringSubmatch(out, -1)
		if code != 0 || len(found) == 0 {
			t.Errorf("%q: exit code %d, nothing of the kind in\n%s%s", c.args, code, out, errs)
		}
		for _, m := range found {
			if !strings.Contains(string(page), c.quote+m[1]) {
				t.Errorf("%q shows %s, docs/commands.md does not", c.args, m[1])
			}
		}
	}
}
