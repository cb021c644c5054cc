package spawn

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// order is what the stage has to do. On its way it is a list of words, each
// ended by a NUL byte, which none of them can hold: numbers in decimal, lists
// after their length, what is optional as a list of none or one.
type order struct {
	file   string
	dir    string
	argv   []string
	env    []string
	limits []Rlimit
	nice   *int
	oom    *int
	cred   *Cred
}

func encodeOrder(c *Command, file string) []byte {
	var w words
	w.text(file)
	w.text(c.Dir)
	w.list(c.Argv)
	w.list(c.Env)
	w.number(int64(len(c.Limits)))
	for _, l := range c.Limits {
		w.number(int64(l.Resource))
		w.number(int64(l.Value))
	}
	w.optional(c.Nice)
	w.optional(c.OOMScoreAdj)
	if c.Cred == nil {
		w.number(0)
		return w
	}
	w.number(1)
	w.number(int64(c.Cred.UID))
	w.number(int64(c.Cred.GID))
	w.number(int64(len(c.Cred.Groups)))
	for _, g := range c.Cred.Groups {
		w.number(int64(g))
	}
	return w
}

// decodeOrder is the inverse of encodeOrder; false for anything else.
func decodeOrder(text []byte) (o *order, ok bool) {
	r := reader{rest: text}
	o = &order{file: r.text(), dir: r.text(), argv: r.list(), env: r.list()}
	for range r.count() {
		o.limits = append(o.limits, Rlimit{int(r.number()), uint64(r.number())})
	}
	o.nice, o.oom = r.optional(), r.optional()
	if r.count() == 1 {
		o.cred = &Cred{UID: uint32(r.number()), GID: uint32(r.number())}
		for range r.count() {
			o.cred.Groups = append(o.cred.Groups, uint32(r.number()))
		}
	}
	return o, !r.bad && len(r.rest) == 0
}

// A report is the error number, the step and its thing.
func encodeReport(e *Error) []byte {
	errno, ok := e.Err.(unix.Errno)
	if !ok {
		errno = unix.EINVAL
	}
	var w words
	w.number(int64(errno))
	w.text(e.Step)
	w.text(e.Thing)
	w.text(e.Hint)
	return w
}

// decodeReport gives nil for the empty report of a stage that succeeded.
func decodeReport(text []byte) *Error {
	if len(text) == 0 {
		return nil
	}
	r := reader{rest: text}
	e := &Error{Err: unix.Errno(r.number()), Step: r.text(), Thing: r.text(), Hint: r.text()}
	if r.bad {
		return &Error{Step: "read", Thing: "the report of the stage", Err: unix.EIO}
	}
	return e
}

// words is text in the form of an order.
type words []byte

func (w *words) text(s string) { *w = append(append(*w, s...), 0) }

func (w *words) number(n int64) { *w = append(strconv.AppendInt(*w, n, 10), 0) }

func (w *words) list(l []string) {
	w.number(int64(len(l)))
	for _, s := range l {
		w.text(s)
	}
}

func (w *words) optional(n *int) {
	if n == nil {
		w.number(0)
		return
	}
	w.number(1)
	w.number(int64(*n))
}

// reader takes words off rest. After the first that is not what was asked for
// it is bad and gives zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) text() string {
	word, rest, ok := bytes.Cut(r.rest, []byte{0})
	if !ok || r.bad {
		r.bad, r.rest = true, nil
		return ""
	}
	r.rest = rest
	return string(word)
}

func (r *reader) number() int64 {
	n, err := strconv.ParseInt(r.text(), 10, 64)
	if err != nil {
		r.bad = true
		return 0
	}
	return n
}

// count is the length of a list: each of its entries takes a byte at least.
func (r *reader) count() int {
	n := r.number()
	if n < 0 || n > int64(len(r.rest)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) list() []string {
	out := make([]string, r.count())
	for i := range out {
		out[i] = r.text()
	}
	return out
}

func (r *reader) optional() *int {
	if r.count() != 1 {
		return nil
	}
	n := int(r.number())
	return &n
}
