package state

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"time"
)

// Decode reads what Encode wrote into the value that to points to. now is the
// moment, on this process's clock, that Encode was given.
func Decode(data []byte, to any, now time.Time) (err error) {
	defer caught(&err)
	rest, ok := strings.CutPrefix(string(data[:min(len(data), len(magic))]), magic)
	if !ok || rest != "" {
		fail("it does not begin with %q", strings.TrimSpace(magic))
	}
	d := decoder{rest: data[len(magic):], now: now, plans: map[plan][]int{}}
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		fail("it can only be read into a pointer, not a %s", v.Type())
	}
	d.value(v.Elem(), "")
	if len(d.rest) > 0 {
		fail("%d bytes follow its end", len(d.rest))
	}
	return nil
}

type decoder struct {
	rest  []byte
	now   time.Time
	types [][]field
	plans map[plan][]int
}

// field is one field as the writer has it.
type field struct{ name, shape string }

// plan is the way of one written type into one of ours: the index of each field.
type plan struct {
	id int
	to reflect.Type
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		fail("it ends too early")
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		fail("it ends too early")
	}
	d.rest = d.rest[size:]
	return n
}

// count is a number of things of a byte each at least.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.rest)) {
		fail("it ends too early")
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) value(v reflect.Value, where string) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.uint() != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := d.int()
		if v.OverflowInt(n) {
			fail("%s: %d does not fit", where, n)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := d.uint()
		if v.OverflowUint(n) {
			fail("%s: %d does not fit", where, n)
		}
		v.SetUint(n)
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(d.uint()))
	case reflect.String:
		v.SetString(string(d.bytes()))
	case reflect.Pointer:
		if v.SetZero(); d.uint() != 0 {
			v.Set(reflect.New(v.Type().Elem()))
			d.value(v.Elem(), where)
		}
	case reflect.Slice:
		d.slice(v, where)
	case reflect.Array:
		for i := range v.Len() {
			d.value(v.Index(i), where)
		}
	case reflect.Map:
		d.mapping(v, where)
	case reflect.Struct:
		d.record(v)
	default:
		fail("%s: a %s cannot be carried", where, v.Type())
	}
}

func (d *decoder) slice(v reflect.Value, where string) {
	n := d.uint()
	if n == 0 {
		v.SetZero()
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(append([]byte{}, d.bytes()...))
		return
	}
	if n--; n > uint64(len(d.rest)) {
		fail("%s: it ends too early", where)
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		d.value(v.Index(i), where)
	}
}

func (d *decoder) mapping(v reflect.Value, where string) {
	n := d.uint()
	if n == 0 {
		v.SetZero()
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n - 1 {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.value(key, where)
		d.value(value, where)
		v.SetMapIndex(key, value)
	}
}

// record reads a struct over its defaults.
func (d *decoder) record(v reflect.Value) {
	if def, ok := v.Addr().Interface().(Defaulter); ok {
		def.Defaults()
	}
	id := d.uint()
	switch {
	case id == uint64(len(d.types)):
		d.types = append(d.types, d.definition())
	case id > uint64(len(d.types)):
		fail("%s: it is broken", v.Type().Name())
	}
	for _, i := range d.planFor(int(id), v.Type()) {
		f := v.Type().Field(i)
		if f.Type == timeType {
			v.Field(i).Set(reflect.ValueOf(d.time(f.Tag.Get("state") == "wall")))
			continue
		}
		d.value(v.Field(i), v.Type().Name()+"."+f.Name)
	}
}

func (d *decoder) definition() []field {
	fields := make([]field, d.count())
	for i := range fields {
		fields[i] = field{string(d.bytes()), string(d.bytes())}
	}
	return fields
}

// planFor finds each written field in our type, or says which is not there.
func (d *decoder) planFor(id int, t reflect.Type) []int {
	key := plan{id, t}
	if p, ok := d.plans[key]; ok {
		return p
	}
	var out []int
	for _, w := range d.types[id] {
		f, ok := t.FieldByName(w.name)
		switch {
		case !ok || !f.IsExported() || len(f.Index) != 1:
			fail("the field %s.%s is not known here", t.Name(), w.name)
		case shape(f.Type) != w.shape:
			fail("the field %s.%s is %s, and %s here", t.Name(), w.name, w.shape, shape(f.Type))
		}
		out = append(out, f.Index[0])
	}
	d.plans[key] = out
	return out
}

func (d *decoder) time(wall bool) time.Time {
	if d.uint() == 0 {
		return time.Time{}
	}
	distance, nanos := d.int(), d.int()
	if wall {
		return time.Unix(0, nanos)
	}
	return d.now.Add(time.Duration(distance))
}
