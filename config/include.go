package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// include reads the files of the section include: the patterns in their
// order, the files of each sorted, no file twice. Relative patterns mean the
// directory of the configuration. The configuration itself is left out.
func (l *loader) include() {
	done := map[string]bool{l.cfg.File: true}
	for _, inc := range l.includes {
		for _, path := range inc.matches() {
			abs, err := filepath.Abs(path)
			if err != nil || done[abs] {
				continue
			}
			done[abs] = true
			l.includeFile(inc, path, filepath.Dir(abs))
		}
	}
}

func (l *loader) includeFile(inc included, path, dir string) {
	data, err := readFile(path, maxFile)
	r := &reader{l, &source{path, dir}}
	switch {
	case errors.Is(err, errTooLarge):
		l.files = append(l.files, path)
		r.report(1, 1, "", tooLarge)
	case err != nil:
		inc.at.fail(inc.node, "%v", err)
	default:
		l.files = append(l.files, path)
		r.file(data, r.included)
	}
}

// matches is the files that a pattern means, named as the file that includes
// them is. A pattern without * ? or [ means one file, there or not.
func (inc included) matches() []string {
	pattern, dir := inc.text, filepath.Dir(inc.at.r.src.name)
	plain := !strings.ContainsAny(pattern, `*?[\`)
	if !filepath.IsAbs(pattern) {
		if plain {
			return []string{filepath.Join(dir, pattern)}
		}
		pattern = filepath.Join(escapeGlob(dir), pattern)
	}
	if plain {
		return []string{pattern}
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		inc.at.fail(inc.node, "%s is not a pattern: a [ without a ]", quote(inc.text))
		return nil
	}
	if len(paths) == 0 {
		inc.unreadable(pattern)
	}
	return paths
}

// unreadable reports a directory that may not be listed, which would look
// like an empty one.
func (inc included) unreadable(pattern string) {
	dir := filepath.Dir(pattern)
	if strings.ContainsAny(dir, `*?[\`) {
		return
	}
	if _, err := os.ReadDir(dir); errors.Is(err, unix.EACCES) {
		inc.at.fail(inc.node, "%v", err)
	}
}

// escapeGlob is the pattern that means the path itself.
func escapeGlob(path string) string {
	if !strings.ContainsAny(path, `*?[\`) {
		return path
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}
