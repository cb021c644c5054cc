package shell

import (
	"errors"
	"strings"
)

// Words that cannot be split.
var (
	errQuote     = errors.New("a quote is not closed")
	errBackslash = errors.New("nothing follows the backslash")
)

// Split splits a line into words as a POSIX shell does, without any expansion:
// blanks part words, '…' keeps everything, "…" keeps all but \" \\ \$ \`, a backslash
// keeps the next byte, # at the beginning of a word begins a comment.
func Split(line string) ([]string, error) {
	s := splitter{line: line}
	for s.skipBlanks() {
		if err := s.word(); err != nil {
			return nil, err
		}
	}
	return s.words, nil
}

type splitter struct {
	line  string
	i     int
	words []string
	start int    // where the word that is being read begins in line
	part  []byte // of that word, so far
	open  byte   // the quote that it ended in
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// skipBlanks goes to the next word and tells whether there is one.
func (s *splitter) skipBlanks() bool {
	for s.i < len(s.line) && isBlank(s.line[s.i]) {
		s.i++
	}
	return s.i < len(s.line) && s.line[s.i] != '#'
}

func (s *splitter) word() error {
	s.start, s.part = s.i, s.part[:0]
	for s.i < len(s.line) && !isBlank(s.line[s.i]) {
		c := s.line[s.i]
		s.i++
		switch c {
		case '\\':
			if s.i == len(s.line) {
				return errBackslash
			}
			s.part = append(s.part, s.line[s.i])
			s.i++
		case '\'', '"':
			if err := s.quoted(c); err != nil {
				return err
			}
		default:
			s.part = append(s.part, c)
		}
	}
	s.words = append(s.words, string(s.part))
	return nil
}

func (s *splitter) quoted(quote byte) error {
	for s.i < len(s.line) {
		c := s.line[s.i]
		s.i++
		switch {
		case c == quote:
			return nil
		case c == '\\' && quote == '"' && s.i < len(s.line) && escapable(s.line[s.i]):
			c = s.line[s.i]
			s.i++
		}
		s.part = append(s.part, c)
	}
	s.open = quote
	return errQuote
}

func escapable(c byte) bool { return c == '"' || c == '\\' || c == '$' || c == '`' }

// Quote writes a word so that Split gives it back.
func Quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
