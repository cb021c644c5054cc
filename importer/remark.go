package importer

import (
	"strconv"

	"taskmaster/text"
)

// Remark is something that has to be said about a place of the original: an
// option without equivalent, or one that is wrong. Line counts from 1; Option may be "".
type Remark struct {
	File   string
	Line   int
	Option string
	Text   string
}

// String is FILE:LINE: option: text.
func (r Remark) String() string {
	s := r.File + ":" + strconv.Itoa(r.Line) + ": "
	if r.Option != "" {
		s += text.Visible(r.Option) + ": "
	}
	return s + text.Visible(r.Text)
}

// quoted is a value as it is shown, cut when it is long.
func quoted(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}
