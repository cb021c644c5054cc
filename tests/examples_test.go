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

// pages lists what a user reads.
func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(docs, "../README.md", "../CHANGELOG.md")
}

var (
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	link      = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
)

// Every configuration that the pages show is a valid one. A block that is only
// a part of one is set in the text without the word yaml.
func TestConfigurationsInTheDocs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	found := 0
	for _, page := range pages(t) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(b), -1) {
			if !strings.Contains(m[1], "programs:") {
				continue
			}
			found++
			if out, errs, code := w.run("check", w.write("page.yaml", m[1])); code != 0 {
				t.Errorf("%s: exit code %d\n%s\n%s%s", page, code, m[1], out, errs)
			}
		}
	}
	if found == 0 {
		t.Error("no configuration found: the pattern is wrong, or the pages are")
	}
}

// Every link from page to page leads somewhere.
func TestLinksInTheDocs(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
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
