package shell

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                       nil,
		" \t\r\v\f ":             nil,
		"a b":                    {"a", "b"},
		" a\t\tb ":               {"a", "b"},
		`'a b' "c d"`:            {"a b", "c d"},
		`a'b'"c"d`:               {"abcd"},
		`'' ""`:                  {"", ""},
		`a\ b \'`:                {"a b", "'"},
		`"\"\\\$\` + "`" + `\a"`: {`"\$` + "`" + `\a`},
		`'\'`:                    {`\`},
		"a # b":                  {"a"},
		"a#b '#' \\#":            {"a#b", "#", "#"},
		"\x00\xff é":             {"\x00\xff", "é"},
	} {
		if got, err := Split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	for _, line := range []string{"'", `"`, `a "b\"`, `a\`, `\`, `x 'y`} {
		if got, err := Split(line); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`a 'b c' "d\"e" f\ g # h`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Split(line)
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = Quote(w)
		}
		again, err := Split(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(words, again) {
			t.Fatalf("%q became %q (%v)", words, again, err)
		}
		completion := complete(line, func() (a, b []string) { return []string{"a", "b"}, []string{"b:0"} })
		for _, w := range completion.words {
			if !strings.HasPrefix(w, completion.word) {
				t.Fatalf("%q offers %q for %q", line, w, completion.word)
			}
		}
	})
}
