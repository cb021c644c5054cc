package tests

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is one page of the documentation: what is prose and what is set apart.
type page struct {
	path   string // from tests/
	prose  string // without the blocks
	blocks []block
}

// block is a fenced or an indented one.
type block struct {
	line int // of its first line, from 1
	info string
	text string
}

// readPages gives all that a user reads in the tree at root.
func readPages(t testing.TB, root string) (out []page) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		paths = append(paths, filepath.Join(root, name))
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parsePage(path, string(b)))
	}
	return out
}

// parsePage tells blocks from prose. An indented block follows an empty line.
func parsePage(path, text string) page {
	p := page{path: path}
	var prose strings.Builder
	var open *block
	fence, empty := "", true
	for n, line := range strings.Split(text, "\n") {
		mark := fenceOf(line)
		switch {
		case fence != "" && mark == fence && strings.TrimSpace(line) == fence:
			fence, open = "", nil
		case fence != "":
			open.text += line + "\n"
		case mark != "":
			fence = mark
			p.blocks = append(p.blocks, block{line: n + 2, info: strings.TrimSpace(strings.Trim(strings.TrimSpace(line), "`"))})
			open = &p.blocks[len(p.blocks)-1]
		case strings.HasPrefix(line, "    ") && (empty || open != nil):
			if open == nil {
				p.blocks = append(p.blocks, block{line: n + 1, info: "indented"})
				open = &p.blocks[len(p.blocks)-1]
			}
			open.text += line[4:] + "\n"
		default:
			open = nil
			prose.WriteString(line + "\n")
		}
		empty = strings.TrimSpace(line) == ""
	}
	p.prose = prose.String()
	return p
}

// fenceOf gives the backticks that a line begins with, "" when it is no fence.
func fenceOf(line string) string {
	line = strings.TrimSpace(line)
	rest := strings.TrimLeft(line, "`")
	if n := len(line) - len(rest); n >= 3 && !strings.Contains(rest, "`") {
		return line[:n]
	}
	return ""
}

var (
	spans     = regexp.MustCompile("`[^`\n]+`")
	link      = regexp.MustCompile(`(?:\]\(|(?:src|href)=")([^)#\s"]*)(#[^)\s"]*)?[)"]`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
	noAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	proof     = regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]*)`")
	linkInAny = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// anchors are the names by which GitHub links to the headings of a page.
func (p page) anchors() map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(p.prose, -1) {
		title := linkInAny.ReplaceAllString(m[1], "$1")
		slug := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		out["#"+slug] = true
	}
	return out
}

// deadLinks lists the links of all pages that lead nowhere within the repository.
func deadLinks(pages []page) (out []string) {
	anchors := map[string]map[string]bool{}
	for _, p := range pages {
		anchors[filepath.Clean(p.path)] = p.anchors()
	}
	for _, p := range pages {
		for _, m := range link.FindAllStringSubmatch(spans.ReplaceAllString(p.prose, ""), -1) {
			file := filepath.Clean(p.path)
			if strings.Contains(m[1], ":") {
				continue // somewhere else in the world
			}
			if m[1] != "" {
				file = filepath.Join(filepath.Dir(p.path), m[1])
			}
			if _, err := os.Stat(file); err != nil {
				out = append(out, p.path+": no file "+m[1])
			} else if known, ok := anchors[file]; ok && m[2] != "" && !known[m[2]] {
				out = append(out, p.path+": no heading "+m[1]+m[2])
			}
		}
	}
	return out
}

// Every link leads somewhere, to the very heading that it names.
func TestLinksInTheDocs(t *testing.T) {
	t.Parallel()
	for _, dead := range deadLinks(readPages(t, "..")) {
		t.Error(dead)
	}
}

// whole makes a configuration of a block: as it is, or with what a fragment
// lacks around it. ok is false when it is none of ours.
func (b block) whole() (config string, ok bool) {
	switch {
	case b.info == "yaml":
		return b.text, true
	case b.info != "yaml fragment":
		return "", false
	case regexp.MustCompile(`(?m)^(daemon|defaults|hooks|include):`).MatchString(b.text):
		return b.text + "programs: {p: {cmd: sleep 1}}\n", true
	}
	return "programs:\n  " + strings.ReplaceAll(strings.TrimSpace(b.text), "\n", "\n  ") + "\n", true
}

// faultyBlocks lists the configurations of all pages that check refuses, and
// counts those that were looked at.
func faultyBlocks(w *world, pages []page) (out []string, looked int) {
	for _, p := range pages {
		for _, b := range p.blocks {
			config, ok := b.whole()
			if !ok {
				continue
			}
			looked++
			if stdout, stderr, code := w.run("check", w.write("page.yaml", config)); code != 0 {
				out = append(out, p.at(b, 0)+": "+stdout+stderr+"of\n"+config)
			}
		}
	}
	return out, looked
}

// Every configuration that the pages show is a valid one: what is fenced as
// `yaml` is whole, as `yaml fragment` a part of one, as `yaml other` not ours.
func TestConfigurationsInTheDocs(t *testing.T) {
	t.Parallel()
	faulty, looked := faultyBlocks(newWorld(t), readPages(t, ".."))
	for _, f := range faulty {
		t.Error(f)
	}
	if looked < 10 {
		t.Errorf("only %d configurations found: the pattern is wrong, or the pages are", looked)
	}
}

// The tests that the pages name as proof exist.
func TestProofsInTheDocs(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, depth := range []string{"../*/*_test.go", "../*/*/*_test.go"} {
		files, err := filepath.Glob(depth)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			code.WriteString(readFile(t, f))
		}
	}
	named := 0
	for _, p := range readPages(t, "..") {
		for _, m := range proof.FindAllStringSubmatch(p.prose, -1) {
			if named++; !strings.Contains(code.String(), "\nfunc "+m[1]+"(") {
				t.Errorf("%s: no test %s", p.path, m[1])
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d tests found: the pattern is wrong, or the pages are", named)
	}
}

// What the pages show can be wrong, and is found then.
func TestPagesThatLieAreFound(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	text := "# A *title*, with `code`\n[a](#a-title-with-code) [b](#nothing) [c](none.md) [d](docs/x.md#no) <img src=\"y.svg\">\n\n" +
		"```yaml\nprograms: {a: {cmd: a, nonsense: 1}}\n```\n```yaml fragment\nweb: {cmd: a, stoptime: soon}\n```\n```yaml fragment\ndaemon: {log: none}\n```\n" +
		"```sh\ntaskmaster check --no-such x.yaml # taskmaster nonsense\ntrue && taskmaster ctl nonsense\nmake nothing\nmake NOTHING=1 test; taskmaster check x.yaml\n```\n" +
		"```console\n$ taskmaster ctl tail -x web\ntaskmaster is what it prints\ntaskmaster> strat web\n```\n\n    taskmaster --nothing app.yaml\n\nand `taskmaster ctl frobnicate`.\n"
	for name, content := range map[string]string{"README.md": text, "CONTRIBUTING.md": "", "CHANGELOG.md": "", "docs/x.md": "# yes\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	pages := readPages(t, root)
	if dead := deadLinks(pages); len(dead) != 4 {
		t.Errorf("dead links found, 4 are: %q", dead)
	}
	if faulty, looked := faultyBlocks(w, pages); len(faulty) != 2 || looked != 3 {
		t.Errorf("faulty configurations found, 2 of 3 are: %q", faulty)
	}
	if wrong, looked := newManual(w).wrongCommands(pages); len(wrong) != 8 || looked != 9 {
		t.Errorf("%d of %d wrong commands found, 8 of 9 are: %q", len(wrong), looked, wrong)
	}
}
