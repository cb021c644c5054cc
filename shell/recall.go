package shell

import (
	"strings"
	"unicode/utf8"
)

// recall is the walk through the history by Up and Down: only lines that begin
// as the line did, up to the cursor, when the walk began.
type recall struct {
	on     bool
	at     int // index in the history of what is shown; its length is the line that was being typed
	prefix string
	saved  []rune
}

func (e *editor) beginRecall() {
	if e.recall.on {
		return
	}
	e.recall = recall{
		on: true, at: len(e.history.lines),
		prefix: string(e.line[:e.pos]), saved: append([]rune(nil), e.line...),
	}
}

func (e *editor) older() {
	e.beginRecall()
	now := string(e.line)
	for i := e.recall.at - 1; i >= 0; i-- {
		if l := e.history.lines[i]; l != now && strings.HasPrefix(l, e.recall.prefix) {
			e.recall.at = i
			e.set([]rune(l))
			return
		}
	}
}

func (e *editor) newer() {
	if !e.recall.on {
		return
	}
	now := string(e.line)
	for i := e.recall.at + 1; i < len(e.history.lines); i++ {
		if l := e.history.lines[i]; l != now && strings.HasPrefix(l, e.recall.prefix) {
			e.recall.at = i
			e.set([]rune(l))
			return
		}
	}
	e.set(e.recall.saved)
	e.recall.on = false
}

// hint is the rest of the newest line of the history that begins with the whole
// line, nil when there is none or the cursor is not at the end.
func (e *editor) hint() []rune {
	if len(e.line) == 0 || e.pos != len(e.line) || e.search.on || e.recall.on {
		return nil
	}
	line := string(e.line)
	for i := len(e.history.lines) - 1; i >= 0; i-- {
		if l := e.history.lines[i]; len(l) > len(line) && strings.HasPrefix(l, line) {
			return []rune(l[len(line):])
		}
	}
	return nil
}

// search is the incremental search of Ctrl-R: the newest line that holds what
// was typed, an older one with each further Ctrl-R.
type search struct {
	on     bool
	failed bool
	query  string
	at     int // index in the history of the match; its length when there is none yet
	saved  []rune
	pos    int
}

func (e *editor) startSearch() {
	e.search = search{on: true, at: len(e.history.lines), saved: append([]rune(nil), e.line...), pos: e.pos}
}

// searchKey is a key in the middle of a search; done is false when it ended the
// search and is still to be done to the line that was found.
func (e *editor) searchKey(k key) (done bool, act action) {
	s := &e.search
	switch k.code {
	case keyText:
		s.query += k.text
		e.find(min(s.at, len(e.history.lines)-1), -1, "")
	case keySearch:
		e.find(s.at-1, -1, string(e.line))
	case keySearchNewer:
		e.find(s.at+1, 1, string(e.line))
	case keyBackspace:
		_, n := utf8.DecodeLastRuneInString(s.query)
		s.query = s.query[:len(s.query)-n]
		e.find(len(e.history.lines)-1, -1, "")
	case keyAbort, keyInterrupt:
		e.set(s.saved)
		e.pos = s.pos
		s.on = false
	default:
		s.on = false
		return false, actNone
	}
	return true, actNone
}

// find shows the first line from index i on, in steps, that holds the query and is not skip.
func (e *editor) find(i, step int, skip string) {
	s := &e.search
	if len(s.query) > 4*maxLine {
		s.query = s.query[:0]
	}
	for ; i >= 0 && i < len(e.history.lines) && s.query != ""; i += step {
		l := e.history.lines[i]
		if at := strings.Index(l, s.query); at >= 0 && l != skip {
			s.at, s.failed = i, false
			e.set([]rune(l))
			e.pos = utf8.RuneCountInString(l[:at])
			return
		}
	}
	s.failed = s.query != ""
}

// prompt is what stands before the line: in a search what is looked for.
func (e *editor) prompt() string {
	switch {
	case !e.search.on:
		return Prompt
	case e.search.failed:
		return "(failed reverse-i-search)`" + e.search.query + "': "
	}
	return "(reverse-i-search)`" + e.search.query + "': "
}
