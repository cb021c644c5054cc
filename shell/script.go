package shell

import "bytes"

// maxScriptLine is the longest line of a script, in bytes; a longer one is an error and skipped.
const maxScriptLine = 1 << 20

// script is input that is read line by line.
type script struct {
	buf  []byte
	from int  // in buf, of what has not been given out
	skip bool // the line that is being read is too long
	eof  bool // nothing more comes
}

type lineState uint8

const (
	lineNone lineState = iota
	lineRead
	lineTooLong
)

func (s *script) add(p []byte) {
	if s.from == len(s.buf) {
		s.buf, s.from = s.buf[:0], 0
	}
	s.buf = append(s.buf, p...)
}

// next gives the next whole line; at the end of the input also one without a newline.
func (s *script) next() (string, lineState) {
	rest := s.buf[s.from:]
	n := bytes.IndexByte(rest, '\n')
	switch {
	case n >= 0:
		s.from += n + 1
	case s.eof && len(rest) > 0:
		n = len(rest)
		s.from += n
	case len(rest) > maxScriptLine || s.skip:
		s.buf, s.from, s.skip = s.buf[:0], 0, true
		return "", lineNone
	default:
		return "", lineNone
	}
	line := rest[:n]
	if s.skip || len(line) > maxScriptLine {
		s.skip = false
		return "", lineTooLong
	}
	return string(line), lineRead
}
