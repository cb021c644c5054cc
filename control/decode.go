package control

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
)

var errReply = errors.New("not a reply")

// DecodeReply reads one line from the daemon, with or without its newline. It
// understands any JSON object with the fields of Reply, skips others, and is ten times as
// fast as encoding/json. Nothing of line is kept.
func DecodeReply(line []byte) (Reply, error) {
	var r Reply
	s := scanner{b: line}
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			r.ID = slices.Clone(s.value())
		case "text":
			r.Text = s.text("")
		case "error":
			r.Error = s.text("")
		case "rows":
			r.Rows = s.rows()
		case "data":
			r.Data = s.data()
		case "tty":
			r.TTY = string(s.value()) == "true"
		case "ack":
			r.Ack = string(s.value()) == "true"
		case "done":
			r.Done = string(s.value()) == "true"
		case "exit":
			r.Exit = s.integerOrNull()
		default:
			s.value()
		}
	})
	s.blanks()
	if s.bad || s.i < len(s.b) {
		return Reply{}, errReply
	}
	return r, nil
}

// scanner walks over JSON text. What it does not expect sets bad, after which
// nothing more is read.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

func (s *scanner) blanks() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r') {
		s.i++
	}
}

// next takes the byte c, blanks before it aside.
func (s *scanner) next(c byte) bool {
	s.blanks()
	if s.bad || s.i >= len(s.b) || s.b[s.i] != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) need(c byte) {
	if !s.next(c) {
		s.bad = true
	}
}

// object calls field at each value, which field must read.
func (s *scanner) object(field func(key []byte)) {
	s.need('{')
	if s.next('}') {
		return
	}
	for !s.bad {
		key, _ := s.quoted() // none of ours has an escape
		s.need(':')
		if s.bad {
			return
		}
		field(key)
		if s.next('}') {
			return
		}
		s.need(',')
	}
}

// rows reads an array of rows, or null.
func (s *scanner) rows() []Row {
	if !s.next('[') {
		s.bad = s.bad || string(s.value()) != "null"
		return nil
	}
	const leastRow = 150 // bytes; to make room once
	rows := make([]Row, 0, 1+(len(s.b)-s.i)/leastRow)
	if s.next(']') {
		return rows
	}
	for !s.bad {
		rows = append(rows, Row{})
		n := len(rows) - 1
		s.row(&rows[n], &rows[max(n-1, 0)])
		if s.next(']') {
			return rows
		}
		s.need(',')
	}
	return nil
}

// row reads one; words that are the same as in the row before share its memory.
func (s *scanner) row(r, before *Row) {
	s.object(func(key []byte) {
		switch string(key) {
		case "name":
			r.Name = s.text("")
		case "program":
			r.Program = s.text(before.Program)
		case "instance":
			r.Instance = s.integer()
		case "state":
			r.State = s.text(before.State)
		case "pid":
			r.PID = s.integer()
		case "uptime":
			r.Uptime = s.number()
		case "restarts":
			r.Restarts = s.integer()
		case "exitcode":
			r.ExitCode = s.integerOrNull()
		case "signal":
			r.Signal = s.textOrNull()
		case "reason":
			r.Reason = s.text(before.Reason)
		case "since":
			r.Since = s.text(before.Since)
		case "next":
			r.Next = s.number()
		case "note":
			r.Note = s.text(before.Note)
		case "detail":
			r.Detail = s.text(before.Detail)
		default:
			s.value()
		}
	})
}

// quoted gives what is between two quotes, and whether a backslash is among it.
func (s *scanner) quoted() (body []byte, escaped bool) {
	s.need('"')
	if s.bad {
		return nil, false
	}
	for end := s.i; ; end++ {
		n := bytes.IndexByte(s.b[end:], '"')
		if n < 0 {
			s.bad = true
			return nil, false
		}
		end += n
		if body = s.b[s.i:end]; !oddBackslashes(body) {
			s.i = end + 1
			return body, bytes.IndexByte(body, '\\') >= 0
		}
	}
}

// oddBackslashes tells whether a quote that follows b is escaped.
func oddBackslashes(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// text reads a string. When it is the same as known, that is given.
func (s *scanner) text(known string) string {
	body, escaped := s.quoted()
	if escaped {
		var out string
		if json.Unmarshal(s.b[s.i-len(body)-2:s.i], &out) != nil {
			s.bad = true
		}
		return out
	}
	if string(body) == known {
		return known
	}
	return string(body)
}

func (s *scanner) textOrNull() *string {
	s.blanks()
	if s.i < len(s.b) && s.b[s.i] == '"' {
		t := s.text("")
		return &t
	}
	s.bad = s.bad || string(s.value()) != "null"
	return nil
}

func (s *scanner) data() []byte {
	body, _ := s.quoted()
	out, err := base64.StdEncoding.AppendDecode(nil, body)
	s.bad = s.bad || err != nil
	return out
}

func (s *scanner) number() float64 {
	f, err := strconv.ParseFloat(string(s.value()), 64)
	s.bad = s.bad || err != nil
	return f
}

func (s *scanner) integer() int {
	n, err := strconv.Atoi(string(s.value()))
	s.bad = s.bad || err != nil
	return n
}

func (s *scanner) integerOrNull() *int {
	word := s.value()
	if string(word) == "null" {
		return nil
	}
	n, err := strconv.Atoi(string(word))
	s.bad = s.bad || err != nil
	return &n
}

// value gives the text of the next value, whatever it is.
func (s *scanner) value() []byte {
	s.blanks()
	start := s.i
	switch {
	case s.bad || s.i >= len(s.b):
	case s.b[s.i] == '"':
		s.quoted()
	case s.b[s.i] == '{' || s.b[s.i] == '[':
		s.nested()
	default:
		for s.i < len(s.b) && !endsWord(s.b[s.i]) {
			s.i++
		}
	}
	s.bad = s.bad || s.i == start
	return s.b[start:s.i]
}

func endsWord(c byte) bool {
	switch c {
	case ',', ':', ']', '}', '[', '{', '"', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// nested skips an object or array; it need not be a valid one.
func (s *scanner) nested() {
	for depth := 0; !s.bad && s.i < len(s.b); {
		switch s.b[s.i] {
		case '"':
			s.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return
		}
	}
	s.bad = true
}
