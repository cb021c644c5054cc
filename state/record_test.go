package state

import (
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
