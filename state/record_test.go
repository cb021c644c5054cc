package state

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestRecords(t *testing.T) {
	head := Header{Version: RecordVersion, Boot: "b", PID: 1, Start: 2, Base: "/x"}
	var b []byte
	b = AppendHeader(b, &head)
	for _, r := range []Record{
		{Op: Intent, Program: "web", Name: "web:0"},
		{Op: Launch, Program: "web", Name: "web:0", PID: 10, Start: 100, Hash: "h", Signal: 15},
		{Op: Launch, Program: "db", Name: "db", PID: 11, Start: 101},
		{Op: Launch, Program: "web", Num: 1, Name: "web:1", PID: 12, Start: 102},
		{Op: End, Program: "db"},
		{Op: Leave, Program: "web", Num: 1, Name: "web:1", PID: 12, Start: 102},
		{Op: Launch, Program: "db", Name: "db", PID: 13, Start: 103},
	} {
		b = AppendRecord(b, &r)
	}
	want := []Record{
		{Op: Launch, Program: "web", Name: "web:0", PID: 10, Start: 100, Hash: "h", Signal: 15},
		{Op: Launch, Program: "db", Name: "db", PID: 13, Start: 103},
		{Op: Leave, Program: "web", Num: 1, Name: "web:1", PID: 12, Start: 102},
	}
	h, live, skipped := ReadRecords(b)
	if h != head || !reflect.DeepEqual(live, want) || skipped != 0 {
		t.Errorf("%+v %+v %d", h, live, skipped)
	}
	torn := append(append([]byte{}, b...), `{"op":"end","program":"web"`...)
	if _, live, skipped = ReadRecords(torn); !reflect.DeepEqual(live, want) || skipped != 1 {
		t.Errorf("torn: %+v %d", live, skipped)
	}
	garbage := append(append([]byte{}, b...), "garbage\n{}\n\x00\n"...)
	if _, live, skipped = ReadRecords(garbage); !reflect.DeepEqual(live, want) || skipped != 3 {
		t.Errorf("garbage: %+v %d", live, skipped)
	}
	for _, text := range []string{"", "\n", `{"taskmaster":99}` + "\n" + `{"op":"launch","program":"web"}` + "\n", "nonsense"} {
		if h, live, _ := ReadRecords([]byte(text)); h != (Header{}) || live != nil {
			t.Errorf("%q: %+v %+v", text, h, live)
		}
	}
}

func FuzzReadRecords(f *testing.F) {
	f.Add([]byte(`{"taskmaster":1,"boot":"b"}` + "\n" + `{"op":"launch","program":"web","num":0}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, live, _ := ReadRecords(text)
		for _, r := range live {
			if r.Program == "" || r.Op == End {
				t.Errorf("%+v", r)
			}
		}
	})
}

// What is written by hand is what package json would write, for every field there is.
func TestLinesAreThoseOfJSON(t *testing.T) {
	for _, text := range []string{"", "web", `a"b\\c`, "<&>", "é\x01\u2028\xff"} {
		for n := range reflect.TypeFor[Record]().NumField() {
			r := Record{Op: Launch, Program: "web"}
			fill(reflect.ValueOf(&r).Elem().Field(n), text)
			same(t, AppendRecord(nil, &r), &r)
		}
		for n := range reflect.TypeFor[Header]().NumField() {
			h := Header{Version: RecordVersion}
			fill(reflect.ValueOf(&h).Elem().Field(n), text)
			same(t, AppendHeader(nil, &h), &h)
		}
	}
}

// fill gives a field a value that is not its zero.
func fill(f reflect.Value, text string) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Int, reflect.Int64:
		f.SetInt(1 << 30)
	default:
		f.SetUint(200)
	}
}

func same(t *testing.T, line []byte, v any) {
	t.Helper()
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(line) != string(want)+"\n" {
		t.Errorf("%s, want %s", line, want)
	}
}
