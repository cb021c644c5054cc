package state

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	A int
	B string
}

type whole struct {
	Bool  bool
	Int   int8
	Uint  uint64
	Float float64
	Text  string
	Bytes []byte
	List  []inner
	Empty []string
	Nil   []string
	Three [3]uint8
	Map   map[string]inner
	Nums  map[int]bool
	Ptr   *inner
	None  *inner
	At    time.Time
	Never time.Time
	Since time.Time `state:"wall"`
}

func example(now time.Time) whole {
	return whole{
		Bool: true, Int: -5, Uint: math.MaxUint64, Float: 0.1, Text: "no \xff UTF-8\x00", Bytes: []byte{0, 255},
		List: []inner{{1, "a"}, {2, ""}}, Empty: []string{}, Three: [3]uint8{1, 2, 3},
		Map: map[string]inner{"x": {3, "y"}, "": {}}, Nums: map[int]bool{-1: true, 7: false}, Ptr: &inner{4, "p"},
		At: now.Add(5 * time.Second), Since: now.Add(-time.Hour),
	}
}

func TestRoundTrip(t *testing.T) {
	now := time.Now()
	in := example(now)
	b, err := Encode(&in, now)
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Minute) // another process's clock
	var out whole
	if err := Decode(b, &out, later); err != nil {
		t.Fatal(err)
	}
	if d := out.At.Sub(later); d != 5*time.Second {
		t.Errorf("a deadline 5 s away is %v away", d)
	}
	if !out.Since.Equal(in.Since) || !out.Never.IsZero() {
		t.Errorf("since %v, never %v", out.Since, out.Never)
	}
	out.At, out.Since = in.At, in.Since
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %#v\nwant %#v", out, in)
	}
	again, err := Encode(&in, now)
	if err != nil || string(again) != string(b) {
		t.Errorf("not the same bytes twice (%v)", err)
	}
}

type newer struct {
	A   int
	B   string
	New bool
}

type older struct{ A int }

type withDefault struct {
	A int
	B string
}

func (w *withDefault) Defaults() { w.B = "default" }

func TestStrict(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		from, to any
		want     string
	}{
		"a newer field":     {&newer{}, &inner{}, "the field inner.New is not known here"},
		"another shape":     {&inner{}, &struct{ A, B string }{}, ".A is int, and string here"},
		"not exported":      {&struct{ a int }{1}, &struct{}{}, "not exported and not zero"},
		"a function":        {&struct{ F func() }{}, &struct{}{}, "cannot be carried"},
		"does not fit":      {&struct{ A int }{300}, &struct{ A int8 }{}, "300 does not fit"},
		"not into a value":  {&inner{}, inner{}, "pointer"},
		"list became plain": {&struct{ A []inner }{}, &struct{ A inner }{}, "is []struct, and struct here"},
	} {
		b, err := Encode(c.from, now)
		if err == nil {
			err = Decode(b, c.to, now)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAnOlderStateGetsDefaults(t *testing.T) {
	b, err := Encode(&[]older{{1}, {2}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out []withDefault
	if err := Decode(b, &out, time.Now()); err != nil {
		t.Fatal(err)
	}
	if want := []withDefault{{1, "default"}, {2, "default"}}; !reflect.DeepEqual(out, want) {
		t.Errorf("%+v, want %+v", out, want)
	}
}

// Whatever is cut off or broken is an error, and never a crash.
func TestBrokenIsAnError(t *testing.T) {
	now := time.Now()
	in := example(now)
	b, err := Encode(&in, now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		var out whole
		if Decode(b[:n], &out, now) == nil {
			t.Errorf("%d bytes of %d are taken", n, len(b))
		}
	}
	var out whole
	if Decode(append(b, 0), &out, now) == nil {
		t.Error("a byte too many is taken")
	}
}

func FuzzDecode(f *testing.F) {
	now := time.Now()
	in := example(now)
	b, err := Encode(&in, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(_ *testing.T, data []byte) {
		var out whole
		_ = Decode(data, &out, now) // an error, or none; no crash
	})
}
