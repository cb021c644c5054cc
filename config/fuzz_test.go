package config

import (
	"strings"
	"testing"
	"unicode/utf8"

	"taskmaster/text"
)

// FuzzLoad: whatever the bytes, no panic; every fault has a place in the file
// and a message that may be shown; what is valid can be compared and launched.
func FuzzLoad(f *testing.F) {
	noEnviron(f, "PATH=/bin", "X=${Y}")
	for _, c := range fileFaults {
		if len(c.raw) < 2000 {
			f.Add([]byte(c.raw))
		}
	}
	for _, c := range fieldFaults {
		f.Add([]byte("programs:\n  a: {cmd: x,\n    " + c.field + " }\n"))
	}
	f.Add(Starter())
	f.Add([]byte("x-b: &b {stoptime: 3, env: &e {A: '${B}', B: '{num}$${'}}\nprograms:\n  a: {<<: [*b, *b], cmd: ['{name}', \"\\u263a\"]}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		src := &source{"c.yaml", "/c"}
		l := newLoader(src)
		l.files = []string{src.name}
		r := &reader{l, src}
		r.file(raw, r.top)
		cfg, err := l.finish()
		if err != nil {
			checkPlaces(t, raw, err.(Faults))
			return
		}
		for _, c := range Diff(cfg, cfg) {
			if c.Kind != Unchanged {
				t.Errorf("%s differs from itself: %v", c.Name, c)
			}
			if _, err := c.New.Launch(c.New.NumProcs - 1); err != nil && len(c.New.EnvFiles) == 0 && c.New.User == "" && c.New.Group == "" && err.Error() != "cmd: is empty" {
				t.Errorf("%s is valid and cannot be launched: %v", c.Name, err)
			}
		}
	})
}

func checkPlaces(t *testing.T, raw []byte, faults Faults) {
	lines := splitLines(strings.TrimPrefix(string(raw), bom))
	for _, f := range faults {
		if f.Line < 1 || f.Line > len(lines) || f.Col < 1 || f.Col > utf8.RuneCountInString(lines[f.Line-1])+1 {
			t.Errorf("%v: no such place", f)
		}
		if f.Msg == "" || text.Visible(f.Msg) != f.Msg || strings.Contains(f.Msg, "yaml:") {
			t.Errorf("%q: not a message for people", f.Msg)
		}
	}
}

// FuzzWords: splitting never panics, and words that were quoted come back.
func FuzzWords(f *testing.F) {
	f.Add(`a "b c" 'd'\ e`)
	f.Add("\\")
	f.Fuzz(func(t *testing.T, s string) {
		words, err := splitWords(s)
		if err != nil || hasNUL(s) {
			return
		}
		var quoted []string
		for _, w := range words {
			w = strings.ReplaceAll(w, literalMark, "")
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'"'"'`)+"'")
		}
		again, err := splitWords(strings.Join(quoted, " "))
		if err != nil || len(again) != len(words) {
			t.Fatalf("%q: %q, then %q, %v", s, words, again, err)
		}
		for i, w := range again {
			if w != strings.ReplaceAll(words[i], literalMark, "") {
				t.Errorf("%q: %q, then %q", s, words[i], w)
			}
		}
	})
}

// FuzzEnvFile: reading a line never panics, and a name is one.
func FuzzEnvFile(f *testing.F) {
	f.Add("export A='x y'")
	f.Add("=")
	f.Fuzz(func(t *testing.T, line string) {
		v, why := envLine(line)
		if why == "" && v.Name != "" && (strings.ContainsAny(v.Name, "=\x00 ") || hasNUL(v.Value)) || why != "" && v.Name != "" {
			t.Errorf("%q: %q, %s", line, v, why)
		}
	})
}
