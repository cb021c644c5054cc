package shell

// maxLine is the longest line that can be edited, in characters; more is not taken.
const maxLine = 32 << 10

// action is what a key asks of the one who holds the editor.
type action uint8

const (
	actNone action = iota
	actSubmit
	actEOF
	actInterrupt
	actComplete
	actClear
)

// editor is the line being typed. It is pure: keys in, the line and an action out.
type editor struct {
	line    []rune
	pos     int    // where the cursor is, an index of line
	yank    []rune // what was killed last
	killing bool   // the last key killed: the next kill adds to yank
	history *history
	recall  recall
	search  search
}

// bindings are the keys that change the line or move in it and ask nothing of others.
var bindings = [numKeys]func(*editor){
	keyBackspace:    (*editor).backspace,
	keyDelete:       (*editor).delete,
	keyDeleteOrEOF:  (*editor).delete,
	keyLeft:         func(e *editor) { e.pos = e.before(e.pos) },
	keyRight:        (*editor).right,
	keyUp:           func(e *editor) { e.older() },
	keyDown:         func(e *editor) { e.newer() },
	keyHome:         func(e *editor) { e.pos = 0 },
	keyEnd:          func(e *editor) { e.pos = len(e.line) },
	keyWordLeft:     func(e *editor) { e.pos = e.wordStart(e.pos, isWord) },
	keyWordRight:    (*editor).wordRight,
	keyKillWord:     func(e *editor) { e.kill(e.pos, e.wordEnd(e.pos)) },
	keyKillWordBack: func(e *editor) { e.kill(e.wordStart(e.pos, isWord), e.pos) },
	keyKillBlank:    func(e *editor) { e.kill(e.wordStart(e.pos, notBlank), e.pos) },
	keyKillEnd:      func(e *editor) { e.kill(e.pos, len(e.line)) },
	keyKillStart:    func(e *editor) { e.kill(0, e.pos) },
	keyYank:         func(e *editor) { e.insert(e.yank) },
	keyTranspose:    (*editor).transpose,
	keySearch:       (*editor).startSearch,
}

// key does what k means and tells what the holder of the editor has to do.
func (e *editor) key(k key) action {
	if e.search.on {
		if done, act := e.searchKey(k); done {
			return act
		}
	}
	if k.code != keyUp && k.code != keyDown {
		e.recall.on = false
	}
	wasKilling := e.killing
	e.killing = false
	switch k.code {
	case keyText:
		e.insert([]rune(k.text))
	case keyEnter:
		return actSubmit
	case keyTab:
		return actComplete
	case keyClear:
		return actClear
	case keyInterrupt:
		return actInterrupt
	case keyDeleteOrEOF:
		if len(e.line) == 0 {
			return actEOF
		}
		e.delete()
	default:
		if do := bindings[k.code]; do != nil {
			e.killing = wasKilling && kills(k.code)
			do(e)
			e.killing = kills(k.code)
		}
	}
	return actNone
}

func kills(c keyCode) bool { return c >= keyKillWord && c <= keyKillStart }

// take gives the line and begins an empty one.
func (e *editor) take() string {
	line := string(e.line)
	e.set(nil)
	e.recall.on, e.search.on, e.killing = false, false, false
	return line
}

func (e *editor) set(line []rune) {
	e.line = append(e.line[:0], line...)
	e.pos = len(e.line)
}

func (e *editor) insert(text []rune) {
	if room := maxLine - len(e.line); len(text) > room {
		text = text[:room]
	}
	e.replace(e.pos, e.pos, text)
	e.pos += len(text)
}

// replace puts text in the place of line[from:to]; the cursor stays where it is.
func (e *editor) replace(from, to int, text []rune) {
	tail := e.line[to:]
	grown := len(e.line) - (to - from) + len(text)
	if grown <= cap(e.line) {
		e.line = e.line[:grown]
		copy(e.line[from+len(text):], tail)
		copy(e.line[from:], text)
		return
	}
	line := make([]rune, grown, 2*grown)
	copy(line, e.line[:from])
	copy(line[from:], text)
	copy(line[from+len(text):], tail)
	e.line = line
}

func (e *editor) backspace() {
	from := e.before(e.pos)
	e.replace(from, e.pos, nil)
	e.pos = from
}

func (e *editor) delete() { e.replace(e.pos, e.after(e.pos), nil) }

// kill takes line[from:to] out and keeps it for Ctrl-Y; kills in a row add up.
func (e *editor) kill(from, to int) {
	if from == to {
		return
	}
	cut := append([]rune(nil), e.line[from:to]...)
	switch {
	case !e.killing:
		e.yank = cut
	case from < e.pos:
		e.yank = append(cut, e.yank...)
	default:
		e.yank = append(e.yank, cut...)
	}
	e.replace(from, to, nil)
	e.pos = from
}

// transpose swaps the characters on both sides of the cursor, at the end of the line the last two.
func (e *editor) transpose() {
	mid := e.pos
	if mid == len(e.line) {
		mid = e.before(mid)
	}
	from, to := e.before(mid), e.after(mid)
	if from == mid || mid == to {
		return
	}
	swapped := append(append([]rune(nil), e.line[mid:to]...), e.line[from:mid]...)
	copy(e.line[from:], swapped)
	e.pos = to
}

// right moves, and at the end of the line takes the hint.
func (e *editor) right() {
	if hint := e.hint(); hint != nil {
		e.insert(hint)
		return
	}
	e.pos = e.after(e.pos)
}

// wordRight moves, and at the end of the line takes the hint's first word.
func (e *editor) wordRight() {
	if hint := e.hint(); hint != nil {
		e.replace(e.pos, e.pos, hint)
		end := e.wordEnd(e.pos)
		e.line = e.line[:end]
	}
	e.pos = e.wordEnd(e.pos)
}
