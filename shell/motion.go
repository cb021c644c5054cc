package shell

import "unicode"

// before is where the character before pos begins, marks on it and what a joiner glues to it included.
func (e *editor) before(pos int) int {
	if pos == 0 {
		return 0
	}
	for pos--; pos > 0 && e.glued(pos); pos-- {
	}
	return pos
}

// after is where the character at pos ends.
func (e *editor) after(pos int) int {
	if pos == len(e.line) {
		return pos
	}
	for pos++; pos < len(e.line) && e.glued(pos); pos++ {
	}
	return pos
}

// glued tells whether line[i] belongs to the character before it.
func (e *editor) glued(i int) bool {
	return isMark(e.line[i]) || e.line[i-1] == zeroWidthJoiner
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || isMark(r)
}

func notBlank(r rune) bool { return r != ' ' }

// wordStart is the beginning of the word before pos.
func (e *editor) wordStart(pos int, in func(rune) bool) int {
	for pos > 0 && !in(e.line[pos-1]) {
		pos--
	}
	for pos > 0 && in(e.line[pos-1]) {
		pos--
	}
	return pos
}

// wordEnd is the end of the word after pos.
func (e *editor) wordEnd(pos int) int {
	for pos < len(e.line) && !isWord(e.line[pos]) {
		pos++
	}
	for pos < len(e.line) && isWord(e.line[pos]) {
		pos++
	}
	return pos
}
