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
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
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
