// Package vt knows the control sequences of terminals (ECMA-48, and those of
// xterm) as far as somebody in between has to: which of them make a terminal
// answer, which input is such an answer and no key, and which settings a program
// has left behind. It draws nothing and opens nothing.
package vt

// kind is what sort of sequence a parser is in, by the byte after ESC.
type kind byte

const (
	ground kind = 0   // none: text and single control bytes
	escape kind = 1   // ESC and what is not one of the others
	csi    kind = '[' // parameters, intermediates, final byte
	osc    kind = ']' // text up to BEL or ST
	ss3    kind = 'O' // one byte more: keys of the keypad
	dcs    kind = 'P' // text up to ST, as are the rest
	sos    kind = 'X'
	pm     kind = '^'
	apc    kind = '_'
)

// isText tells whether a sequence goes on up to ST, whatever it holds.
func (k kind) isText() bool {
	return k == osc || k == dcs || k == sos || k == pm || k == apc
}

// maxBody is how much of a sequence is kept; none of those that matter is longer.
const maxBody = 256

const (
	bel = 0x07
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

// parser takes a stream apart, byte by byte, whichever way reads have cut it.
type parser struct {
	kind  kind
	ended bool   // an ESC came within text up to ST
	begun int    // how many sequences have
	body  []byte // of the sequence so far, without ESC and the byte after it
}

// step takes one byte. done tells that it ends a sequence, whose kind and body
// stay readable until the next step; in the ground state a byte stands for itself.
func (p *parser) step(c byte) (k kind, done bool) {
	switch {
	case c == can || c == sub:
		return p.end(ground), false
	case p.ended:
		p.ended = false
		if k := p.kind; c == '\\' {
			return p.end(k), true
		}
		p.begin()
		return p.introduce(c)
	case p.kind == escape && len(p.body) == 0:
		return p.introduce(c)
	case c == esc && p.kind.isText():
		p.ended = true
	case c == esc:
		p.begin()
	case p.kind == ground:
	default:
		return p.inside(c)
	}
	return p.kind, false
}

func (p *parser) begin() { p.kind, p.body, p.begun = escape, p.body[:0], p.begun+1 }

func (p *parser) end(k kind) kind {
	p.kind, p.ended = ground, false
	return k
}

// introduce is the byte after ESC.
func (p *parser) introduce(c byte) (kind, bool) {
	p.body = p.body[:0]
	switch k := kind(c); k {
	case csi, osc, dcs, sos, pm, apc, ss3:
		p.kind = k
		return k, false
	}
	if c == esc {
		p.begin()
		return escape, false
	}
	p.kind = escape
	p.body = append(p.body, c)
	if c >= 0x20 && c <= 0x2f { // an intermediate: more follows
		return escape, false
	}
	return p.end(escape), true
}

// inside is any further byte of a sequence.
func (p *parser) inside(c byte) (kind, bool) {
	k := p.kind
	if k == osc && c == bel {
		return p.end(k), true
	}
	if len(p.body) < maxBody {
		p.body = append(p.body, c)
	}
	switch k {
	case csi:
		if c >= 0x40 && c < del {
			return p.end(k), true
		}
	case escape:
		if c >= 0x30 && c < del {
			return p.end(k), true
		}
	case ss3:
		return p.end(k), true
	}
	return k, false
}

// final splits the body of a control sequence into its private mark (one of
// <=>?, or 0), its parameters, and the intermediates with the final byte.
func final(body []byte) (mark byte, params, end []byte) {
	if len(body) > 0 && body[0] >= '<' && body[0] <= '?' {
		mark, body = body[0], body[1:]
	}
	n := 0
	for n < len(body) && body[n] >= '0' && body[n] <= ';' {
		n++
	}
	return mark, body[:n], body[n:]
}

// numbers are parameters, a missing one is 0; at most 16 of them.
func numbers(params []byte) []int {
	out := make([]int, 1, 16)
	for _, c := range params {
		n := &out[len(out)-1]
		switch {
		case c >= '0' && c <= '9' && *n < 1<<20:
			*n = *n*10 + int(c-'0')
		case c == ';' && len(out) < cap(out):
			out = append(out, 0)
		}
	}
	return out
}
