package journal

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"taskmaster/text"
)

// maxValue bounds what is shown of one value, in bytes: a client may send a
// command of a megabyte, and the log is not the place for it.
const maxValue = 2048

// Field is one key=value of an event. The key is a word without spaces.
type Field struct {
	Key, Value string
	number     int64 // of Int and Dur
	kind       kind
}

type kind uint8

const (
	isString kind = iota
	isInt
	isDuration
)

// Str is a field with a text.
func Str(key, value string) Field { return Field{Key: key, Value: value} }

// Int is a field with a number; a number also in JSON.
func Int(key string, n int) Field { return Field{Key: key, number: int64(n), kind: isInt} }

// Dur is a field with a duration, shown in seconds to the millisecond, as 1.5s
// (shorter than one second: 20ms; than a millisecond: 15µs).
func Dur(key string, d time.Duration) Field {
	return Field{Key: key, number: int64(d), kind: isDuration}
}

// Err is the field error; an err of nil is an empty one.
func Err(err error) Field {
	if err == nil {
		return Field{Key: "error"}
	}
	return Field{Key: "error", Value: err.Error()}
}

func (f *Field) appendText(buf []byte) []byte {
	switch f.kind {
	case isInt:
		return strconv.AppendInt(buf, f.number, 10)
	case isDuration:
		return appendDuration(buf, time.Duration(f.number))
	}
	if v, cut := bounded(f.Value); cut {
		return append(appendQuoted(buf, v), "..."...)
	}
	if plain(f.Value) {
		return append(buf, f.Value...)
	}
	return appendQuoted(buf, f.Value)
}

func (f *Field) appendJSON(buf []byte) []byte {
	switch f.kind {
	case isInt:
		return strconv.AppendInt(buf, f.number, 10)
	case isDuration:
		return append(appendDuration(append(buf, '"'), time.Duration(f.number)), '"')
	}
	v, cut := bounded(f.Value)
	buf = appendString(buf, v)
	if cut {
		buf = append(buf[:len(buf)-1], `..."`...)
	}
	return buf
}

// bounded cuts a value that is too long, between two characters.
func bounded(v string) (string, bool) {
	if len(v) <= maxValue {
		return v, false
	}
	n := maxValue
	for n > maxValue-utf8.UTFMax && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n], true
}

// plain tells whether v can stand without quotes.
func plain(v string) bool {
	for i := 0; i < len(v); i++ {
		if c := v[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\' {
			return false
		}
	}
	return v != ""
}

// appendQuoted puts v in quotes. A backslash is doubled, so that \n is always a line end.
func appendQuoted(buf []byte, v string) []byte {
	buf = append(buf, '"')
	from := 0
	for i := 0; i < len(v); i++ {
		if v[i] == '"' || v[i] == '\\' {
			buf = text.AppendVisible(buf, v[from:i], false)
			buf = append(buf, '\\', v[i])
			from = i + 1
		}
	}
	return append(text.AppendVisible(buf, v[from:], false), '"')
}

const hex = "0123456789abcdef"

// appendString writes a JSON string. What text.Visible would make visible is
// escaped; a byte that is no UTF-8 has no form in JSON and becomes the text \xNN.
func appendString(buf []byte, v string) []byte {
	buf = append(buf, '"')
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRuneInString(v[i:])
		switch {
		case r == '"' || r == '\\':
			buf = append(buf, '\\', byte(r))
		case r == utf8.RuneError && n == 1:
			buf = append(buf, '\\', '\\', 'x', hex[v[i]>>4], hex[v[i]&15])
		case hidden(r):
			buf = append(buf, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			buf = append(buf, v[i:i+n]...)
		}
		i += n
	}
	return append(buf, '"')
}

// hidden tells whether r drives a terminal or turns text around, as in text.Visible.
func hidden(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// appendDuration writes d without the allocation of its String.
func appendDuration(buf []byte, d time.Duration) []byte {
	if d < 0 {
		buf, d = append(buf, '-'), -max(d, -math.MaxInt64) // the least one has no opposite
	}
	unit, name := time.Second, "s"
	switch {
	case d < time.Millisecond:
		unit, name = time.Microsecond, "µs"
	case d < time.Second:
		unit, name = time.Millisecond, "ms"
	}
	buf = strconv.AppendInt(buf, int64(d/unit), 10)
	if ms := d % time.Second / time.Millisecond; unit == time.Second && ms != 0 {
		buf = append(buf, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for buf[len(buf)-1] == '0' {
			buf = buf[:len(buf)-1]
		}
	}
	return append(buf, name...)
}
