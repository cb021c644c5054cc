package daemon

import (
	"bytes"
	"regexp"
)

// matchMax is how much of a line is matched, in bytes.
const matchMax = 64 << 10

// matcher looks for a line that matches, in both outputs of a launch.
type matcher struct {
	pattern *regexp.Regexp
	found   func()
	over    bool
}

func newMatcher(pattern string, found func()) (*matcher, error) {
	re, err := regexp.Compile(pattern)
	return &matcher{pattern: re, found: found}, err
}

// lines is one output as a matcher sees it.
type lines struct {
	m       *matcher
	partial []byte // of a line that has not ended
	skip    bool   // the rest of a line that is too long
}

// feed looks at more output; false when there is nothing more to look for.
func (l *lines) feed(b []byte) bool {
	for !l.m.over && len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		piece := b
		if n >= 0 {
			piece = b[:n]
		}
		l.add(piece)
		if n < 0 {
			break
		}
		l.end()
		b = b[n+1:]
	}
	return !l.m.over
}

// add takes a part of a line; as soon as there is enough of it, it is matched.
func (l *lines) add(piece []byte) {
	if l.skip {
		return
	}
	l.partial = append(l.partial, piece[:min(len(piece), matchMax-len(l.partial))]...)
	if len(l.partial) == matchMax {
		l.match()
		l.skip = true
	}
}

// end is the end of a line.
func (l *lines) end() {
	if !l.skip {
		l.match()
	}
	l.skip = false
}

func (l *lines) match() {
	line := bytes.TrimSuffix(l.partial, []byte{'\r'})
	if !l.m.over && l.m.pattern.Match(line) {
		l.m.over = true
		l.m.found()
	}
	l.partial = l.partial[:0]
}
