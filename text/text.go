// Package text is about words as people read them: control bytes made visible,
// and the word that was probably meant.
package text

import (
	"strings"
	"unicode/utf8"
)

// Visible makes every control byte of s visible, so that nothing a program or
// a client wrote can drive the reader's terminal: \n, \t, \r, \xNN for C0, DEL
// and broken UTF-8, \u{NN} for C1 and the other invisible formatting characters.
func Visible(s string) string {
	if isPlain(s) {
		return s
	}
	return string(AppendVisible(nil, s, false))
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// AppendVisible is Visible into a buffer; tabs is whether a tab stays as it is.
func AppendVisible(out []byte, s string, tabs bool) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f || c == '\t' && tabs {
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		out = appendRune(out, r, s[i:i+n])
		i += n
	}
	return out
}

const hex = "0123456789abcdef"

func appendRune(out []byte, r rune, raw string) []byte {
	switch {
	case r == '\n':
		return append(out, `\n`...)
	case r == '\t':
		return append(out, `\t`...)
	case r == '\r':
		return append(out, `\r`...)
	case r < ' ' || r == 0x7f || r == utf8.RuneError && len(raw) == 1:
		return append(out, '\\', 'x', hex[raw[0]>>4], hex[raw[0]&15])
	case r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029:
		return append(append(append(out, `\u{`...), strings.TrimLeft(string([]byte{hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15]}), "0")...), '}')
	}
	return append(out, raw...)
}

// Nearest gives the word of list that was most likely meant by word: the first
// that begins with it, else one with at most a third of its letters off (one
// transposition counts once), "" when none is.
func Nearest(word string, list []string) string {
	best, min := "", len(word)/3+1
	if len(word) > 64 {
		return ""
	}
	for _, w := range list {
		if len(word) > 1 && strings.HasPrefix(w, word) {
			return w
		}
	}
	for _, w := range list {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d <= min && (d < min || best == "") {
			best, min = w, d
		}
	}
	return best
}

// distance is that of Damerau and Levenshtein (optimal string alignment).
func distance(a, b string) int {
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
