// Package state is the form in which a running daemon hands everything over to
// the binary that takes its place: values to bytes and back. It knows neither
// what the values mean nor where the bytes go.
//
// The form describes itself: every struct says the names and the shapes of its
// fields once. Decode is strict about what it does not know: a field that the
// receiving program has not, or has in another shape, is an error that names
// it, never a loss. What an older program did not have keeps the value that
// the method Defaults of its type gives it, or zero.
//
// Times are written as their distance to one moment, so that deadlines on the
// monotonic clock survive: the clock of the receiving process is another, and
// the wall clock may have been set meanwhile. Only a field with the tag
// `state:"wall"` is the moment of the wall clock that it was.
package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"
)

// Version of the form and of what the values mean. It is raised when a daemon
// could misunderstand what another one wrote without noticing: a field that
// means something else under the same name and shape.
const Version = 1

// magic is what every encoded state begins with.
const magic = "taskmaster state 1\n"

var timeType = reflect.TypeFor[time.Time]()

// Defaulter is what has other defaults than zero for fields that are not there.
type Defaulter interface{ Defaults() }

// Encode writes v, a value or a pointer to one; its times are relative to now.
// The error names what cannot be carried: an interface, a function, a channel,
// or an unexported field that is not zero.
func Encode(v any, now time.Time) (b []byte, err error) {
	defer caught(&err)
	e := encoder{buf: []byte(magic), now: now, types: map[reflect.Type]int{}}
	e.value(reflect.Indirect(reflect.ValueOf(v)), "")
	return e.buf, nil
}

// problem is a fault on its way out of the recursion.
type problem struct{ text string }

func fail(format string, args ...any) { panic(problem{fmt.Sprintf(format, args...)}) }

func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case problem:
		*err = fmt.Errorf("state: %s", p.text)
	default:
		panic(p)
	}
}

type encoder struct {
	buf   []byte
	now   time.Time
	types map[reflect.Type]int
}

func (e *encoder) uint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) int(n int64)   { e.buf = binary.AppendVarint(e.buf, n) }

func (e *encoder) bytes(b []byte) {
	e.uint(uint64(len(b)))
	e.buf = append(e.buf, b...)
}

func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// value writes v; where is its place, for errors.
func (e *encoder) value(v reflect.Value, where string) {
	switch v.Kind() {
	case reflect.Bool:
		e.uint(uint64(flag(v.Bool())))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.int(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.uint(v.Uint())
	case reflect.Float64:
		e.uint(math.Float64bits(v.Float()))
	case reflect.String:
		e.text(v.String())
	case reflect.Pointer:
		e.uint(uint64(flag(!v.IsNil())))
		if !v.IsNil() {
			e.value(v.Elem(), where)
		}
	case reflect.Slice:
		e.slice(v, where)
	case reflect.Array:
		for i := range v.Len() {
			e.value(v.Index(i), where)
		}
	case reflect.Map:
		e.mapping(v, where)
	case reflect.Struct:
		e.record(v, where)
	default:
		fail("%s: a %s cannot be carried", where, v.Type())
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// slice writes the length plus one, 0 for nil: an empty one stays an empty one.
func (e *encoder) slice(v reflect.Value, where string) {
	if v.IsNil() {
		e.uint(0)
		return
	}
	e.uint(uint64(v.Len()) + 1)
	if v.Type().Elem().Kind() == reflect.Uint8 {
		e.bytes(v.Bytes())
		return
	}
	for i := range v.Len() {
		e.value(v.Index(i), where)
	}
}

// mapping writes a map in the order of its keys, so that equal states are equal bytes.
func (e *encoder) mapping(v reflect.Value, where string) {
	if v.IsNil() {
		e.uint(0)
		return
	}
	e.uint(uint64(v.Len()) + 1)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.Kind() == reflect.String {
			return compare(a.String(), b.String())
		}
		return compare(a.Int(), b.Int())
	})
	for _, k := range keys {
		e.value(k, where)
		e.value(v.MapIndex(k), where)
	}
}

func compare[T string | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// record writes the number of the struct's type, at the first time with its fields.
func (e *encoder) record(v reflect.Value, where string) {
	t := v.Type()
	if t == timeType {
		fail("%s: a time outside a struct", where)
	}
	id, known := e.types[t]
	if !known {
		id = len(e.types)
		e.types[t] = id
	}
	e.uint(uint64(id))
	if !known {
		e.definition(t)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		at := t.Name() + "." + f.Name
		switch {
		case !f.IsExported():
			if !v.Field(i).IsZero() {
				fail("%s: it is not exported and not zero", at)
			}
		case f.Type == timeType:
			e.time(v.Field(i).Interface().(time.Time))
		default:
			e.value(v.Field(i), at)
		}
	}
}

func (e *encoder) definition(t reflect.Type) {
	fields := exported(t)
	e.uint(uint64(len(fields)))
	for _, i := range fields {
		f := t.Field(i)
		e.text(f.Name)
		e.text(shape(f.Type))
	}
}

// exported are the indexes of the fields that are written.
func exported(t reflect.Type) (out []int) {
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			out = append(out, i)
		}
	}
	return out
}

// time writes whether there is one, its distance to now, and the wall clock's word.
func (e *encoder) time(t time.Time) {
	e.uint(uint64(flag(!t.IsZero())))
	if !t.IsZero() {
		e.int(int64(t.Sub(e.now)))
		e.int(t.UnixNano())
	}
}

// shape is what a value of this type looks like in the encoded form, in words.
func shape(t reflect.Type) string {
	switch k := t.Kind(); {
	case t == timeType:
		return "time"
	case k >= reflect.Int && k <= reflect.Int64:
		return "int"
	case k >= reflect.Uint && k <= reflect.Uint64:
		return "uint"
	case k == reflect.Struct:
		return "struct"
	case k == reflect.Pointer:
		return "*" + shape(t.Elem())
	case k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "bytes"
	case k == reflect.Slice:
		return "[]" + shape(t.Elem())
	case k == reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), shape(t.Elem()))
	case k == reflect.Map:
		return "map[" + shape(t.Key()) + "]" + shape(t.Elem())
	default:
		return k.String()
	}
}
