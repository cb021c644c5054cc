package importer

import (
	"errors"
	"strings"
)

// word is one word of a command: what it means, and how it was written.
type word struct{ text, raw string }

var (
	errQuote  = errors.New("a quotation mark that is never closed")
	errEscape = errors.New("a \\ at the end, with nothing to quote")
)

// splitCommand splits a command as Python's shlex.split does: as a shell, but a
// backslash within double quotes quotes only " and \, and \ at the end of a
// line is no continuation.
func splitCommand(s string) (words []word, err error) {
	var b strings.Builder
	start, in := -1, rune(0) // where the word begins; the quote that is open
	escaped := false
	for i, r := range s + "\n" {
		if start < 0 {
			if isBlank(r) {
				continue
			}
			start = i
		}
		switch {
		case i == len(s) && escaped:
			return nil, errEscape
		case i == len(s) && in != 0:
			return nil, errQuote
		case escaped:
			if in == '"' && r != '"' && r != '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\' && in != '\'':
			escaped = true
		case r == in:
			in = 0
		case in == 0 && (r == '\'' || r == '"'):
			in = r
		case in == 0 && isBlank(r):
			words = append(words, word{b.String(), s[start:i]})
			start = -1
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return words, nil
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// pair is one variable of environment=.
type pair struct{ name, value string }

// splitEnvironment reads KEY="value",KEY2=value as supervisord does: by Python's
// shlex in its old mode, with / . + - ( ) and : as letters, and whatever stands
// between two pairs taken for a comma.
func splitEnvironment(s string) ([]pair, error) {
	tokens, err := lex(s)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for i := 0; i < len(tokens); i += 4 {
		if i+3 > len(tokens) || tokens[i+1] != "=" {
			return nil, errors.New("not a list of KEY=\"value\", separated by commas: a value with other than letters, digits and _/.+-(): needs quotes")
		}
		pairs = set(pairs, pair{tokens[i], strings.Trim(tokens[i+2], `'"`)})
	}
	return pairs, nil
}

// set adds p, or replaces what has its name.
func set(pairs []pair, p pair) []pair {
	for i := range pairs {
		if pairs[i].name == p.name {
			pairs[i] = p
			return pairs
		}
	}
	return append(pairs, p)
}

// lex is shlex.shlex(s) without posix.
func lex(s string) (tokens []string, err error) {
	runes := []rune(s)
	for i := 0; i < len(runes); {
		switch r := runes[i]; {
		case isBlank(r):
			i++
		case r == '#':
			i = endOfLine(runes, i)
		case r == '\'' || r == '"':
			end := i + 1
			for end < len(runes) && runes[end] != r {
				end++
			}
			if end == len(runes) {
				return nil, errQuote
			}
			tokens = append(tokens, string(runes[i:end+1]))
			i = end + 1
		case isLetter(r):
			var token []rune
			token, i = letters(runes, i)
			tokens = append(tokens, string(token))
		default:
			tokens = append(tokens, string(r))
			i++
		}
	}
	return tokens, nil
}

// letters is the token of letters that begins at i, and where it ends. A
// comment does not end it.
func letters(runes []rune, i int) (token []rune, end int) {
	for i < len(runes) {
		switch r := runes[i]; {
		case r == '#':
			i = endOfLine(runes, i)
		case isLetter(r) || r == '\'' || r == '"':
			token = append(token, r)
			i++
		default:
			return token, i
		}
	}
	return token, i
}

func endOfLine(runes []rune, i int) int {
	for i < len(runes) && runes[i] != '\n' {
		i++
	}
	return min(i+1, len(runes))
}

func isLetter(r rune) bool {
	_, isRef := asRef(r)
	return isRef || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_/.+-():", r)
}
