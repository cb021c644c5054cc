package shell

import (
	"unicode/utf8"
)

// keyCode is what a key press means.
type keyCode uint8

const (
	keyText keyCode = iota // text to put in, in key.text
	keyEnter
	keyTab
	keyBackspace
	keyDelete
	keyDeleteOrEOF // Ctrl-D
	keyLeft
	keyRight
	keyUp
	keyDown
	keyHome
	keyEnd
	keyWordLeft
	keyWordRight
	keyKillWord     // Alt-D
	keyKillWordBack // Alt-Backspace
	keyKillBlank    // Ctrl-W: back to white space
	keyKillEnd
	keyKillStart
	keyYank
	keyTranspose
	keyClear
	keyInterrupt
	keySearch
	keySearchNewer
	keyAbort
	numKeys
)

// key is one key press, or a run of text.
type key struct {
	code keyCode
	text string
}

type decodeState uint8

const (
	ground   decodeState = iota
	escape               // after ESC
	csi                  // after ESC [
	ss3                  // after ESC O
	console              // after ESC [ [, a function key of the Linux console
	maxParam = 32        // bytes; no key has as many
)

// decoder turns bytes into keys. A sequence or a character may be cut by a read
// anywhere. A lone ESC needs no timer: whatever follows is the key with Alt.
type decoder struct {
	state  decodeState
	params []byte
	part   []byte // the beginning of a character
	text   []byte // printable characters not given out yet
	paste  bool   // between the marks of a bracketed paste
	cr     bool   // the last pasted byte was CR: an LF belongs to it
	keys   []key
}

// feed decodes p and gives the keys that are complete. The slice is valid until the next call.
func (d *decoder) feed(p []byte) []key {
	d.keys = d.keys[:0]
	for _, c := range p {
		d.byte(c)
	}
	d.endText()
	return d.keys
}

func (d *decoder) emit(code keyCode) {
	if code == keyText { // an unknown key
		return
	}
	d.endText()
	d.keys = append(d.keys, key{code: code})
}

func (d *decoder) endText() {
	if len(d.text) > 0 {
		d.keys = append(d.keys, key{text: string(d.text)})
		d.text = d.text[:0]
	}
}

func (d *decoder) byte(c byte) {
	if c == 0x1b {
		d.state, d.part, d.params = escape, d.part[:0], d.params[:0]
		return
	}
	if c < 0x20 && d.state != ground && !(d.state == escape && c == 0x08) {
		d.state = ground // a control byte ends any sequence and means itself
	}
	switch d.state {
	case ground:
		d.plain(c)
	case escape:
		d.escaped(c)
	case csi:
		d.csi(c)
	case ss3:
		d.state = ground
		d.emit(letterKey(c, false))
	case console:
		d.state = ground
	}
}

func (d *decoder) plain(c byte) {
	cr := d.cr
	d.cr = false
	switch {
	case c >= utf8.RuneSelf:
		d.character(c)
		return
	case c >= 0x20 && c != 0x7f:
		d.text = append(d.text, c)
	case d.paste:
		d.pasted(c, cr)
	default:
		d.emit(controlKey(c))
	}
	d.part = d.part[:0]
}

// pasted is a control byte in a paste: the end of a line runs it, a tab is a
// blank (it must not complete), anything else is dropped.
func (d *decoder) pasted(c byte, afterCR bool) {
	switch {
	case c == '\r':
		d.cr = true
		d.emit(keyEnter)
	case c == '\n' && !afterCR:
		d.emit(keyEnter)
	case c == '\t':
		d.text = append(d.text, ' ')
	}
}

// character collects the bytes of one UTF-8 character; broken ones are dropped.
func (d *decoder) character(c byte) {
	if utf8.RuneStart(c) {
		d.part = d.part[:0]
	}
	d.part = append(d.part, c)
	if !utf8.FullRune(d.part) {
		return
	}
	if r, n := utf8.DecodeRune(d.part); r >= 0xa0 && n == len(d.part) && !(r == utf8.RuneError && n == 1) {
		d.text = append(d.text, d.part...)
	}
	d.part = d.part[:0]
}

func (d *decoder) escaped(c byte) {
	d.state = ground
	switch {
	case c == '[':
		d.state = csi
	case c == 'O':
		d.state = ss3
	case d.paste:
		d.plain(c)
	case c >= utf8.RuneSelf:
	default:
		d.emit(altKey(c))
	}
}

func (d *decoder) csi(c byte) {
	switch {
	case c == '[' && len(d.params) == 0:
		d.state = console
	case c >= 0x40 && c <= 0x7e:
		d.state = ground
		d.sequence(c)
	case c < 0x40 && len(d.params) < maxParam:
		d.params = append(d.params, c)
	}
}

// sequence is a complete ESC [ params final. Within a paste only its end counts.
func (d *decoder) sequence(final byte) {
	number, modifier := parameters(d.params)
	switch {
	case final == '~' && number == 201:
		d.paste, d.cr = false, false
	case d.paste:
	case final == '~' && number == 200:
		d.endText()
		d.paste = true
	case final == '~':
		d.emit(numberKey(number))
	default:
		d.emit(letterKey(final, modifier > 2))
	}
}

// parameters reads "number;modifier"; a modifier above 2 holds Alt or Ctrl.
func parameters(p []byte) (number, modifier int) {
	field := &number
	for _, c := range p {
		switch {
		case c == ';':
			field = &modifier
		case c >= '0' && c <= '9' && *field < 10000:
			*field = *field*10 + int(c-'0')
		}
	}
	return number, modifier
}

func letterKey(c byte, byWord bool) keyCode {
	switch c {
	case 'A':
		return keyUp
	case 'B':
		return keyDown
	case 'C':
		if byWord {
			return keyWordRight
		}
		return keyRight
	case 'D':
		if byWord {
			return keyWordLeft
		}
		return keyLeft
	case 'H':
		return keyHome
	case 'F':
		return keyEnd
	}
	return keyText
}

func numberKey(n int) keyCode {
	switch n {
	case 1, 7:
		return keyHome
	case 4, 8:
		return keyEnd
	case 3:
		return keyDelete
	}
	return keyText
}

func altKey(c byte) keyCode {
	switch c {
	case 'b', 'B':
		return keyWordLeft
	case 'f', 'F':
		return keyWordRight
	case 'd', 'D':
		return keyKillWord
	case 0x08, 0x7f:
		return keyKillWordBack
	}
	return keyText
}

// controlKey is the key of a byte below the blank, or of DEL.
func controlKey(c byte) keyCode {
	if c == 0x7f {
		return keyBackspace
	}
	return controlKeys[c]
}

var controlKeys = [0x20]keyCode{
	'A' - '@': keyHome,
	'B' - '@': keyLeft,
	'C' - '@': keyInterrupt,
	'D' - '@': keyDeleteOrEOF,
	'E' - '@': keyEnd,
	'F' - '@': keyRight,
	'G' - '@': keyAbort,
	'H' - '@': keyBackspace,
	'I' - '@': keyTab,
	'J' - '@': keyEnter,
	'K' - '@': keyKillEnd,
	'L' - '@': keyClear,
	'M' - '@': keyEnter,
	'N' - '@': keyDown,
	'P' - '@': keyUp,
	'R' - '@': keySearch,
	'S' - '@': keySearchNewer,
	'T' - '@': keyTranspose,
	'U' - '@': keyKillStart,
	'W' - '@': keyKillBlank,
	'Y' - '@': keyYank,
}
