package config

import (
	"errors"
	"strings"
)

// splitWords splits a command into words as the POSIX shell does (XCU 2.2,
// quoting) and does nothing else of a shell's: no expansion, no comment, no
// operator; a newline separates words. A quoted dollar sign (\$) is literal,
// also before a brace.
func splitWords(s string) ([]string, error) {
	var words []string
	for i := 0; ; {
		for i < len(s) && isBlank(s[i]) {
			i++
		}
		if i == len(s) {
			return words, nil
		}
		word, n, err := oneWord(s[i:])
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		i += n
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// oneWord is the word that s begins with, unquoted, and how much of s it is.
func oneWord(s string) (string, int, error) {
	if n := strings.IndexAny(s, " \t\r\n'\"\\"); n < 0 {
		return s, len(s), nil
	} else if isBlank(s[n]) {
		return s[:n], n, nil
	}
	var b strings.Builder
	i := 0
	for i < len(s) && !isBlank(s[i]) {
		n, err := piece(&b, s[i:])
		if err != nil {
			return "", 0, err
		}
		i += n
	}
	return b.String(), i, nil
}

var (
	errSingle    = errors.New("a ' that is never closed")
	errDouble    = errors.New("a \" that is never closed")
	errBackslash = errors.New("a \\ at the end, with nothing to quote")
)

// piece adds what s begins with to b: a quoted part, or one character.
func piece(b *strings.Builder, s string) (int, error) {
	switch s[0] {
	case '\'':
		end := strings.IndexByte(s[1:], '\'')
		if end < 0 {
			return 0, errSingle
		}
		b.WriteString(s[1 : 1+end])
		return end + 2, nil
	case '"':
		return doubleQuoted(b, s)
	case '\\':
		if len(s) == 1 {
			return 0, errBackslash
		}
		escaped(b, s[1])
		return 2, nil
	}
	b.WriteByte(s[0])
	return 1, nil
}

// doubleQuoted adds the part within double quotes, where a backslash quotes
// only $ ` " \ and newline.
func doubleQuoted(b *strings.Builder, s string) (int, error) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1, nil
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0:
			i++
			escaped(b, s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return 0, errDouble
}

// escaped adds a character after a backslash: a newline goes, a dollar sign
// begins no variable.
func escaped(b *strings.Builder, c byte) {
	switch c {
	case '\n':
	case '$':
		b.WriteString(literalMark + "$")
	default:
		b.WriteByte(c)
	}
}
