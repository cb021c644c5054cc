package control

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
)

func manyRows(n int) []Row {
	rows := make([]Row, n)
	code, sig := 1, "KILL"
	for i := range rows {
		rows[i] = Row{Name: "app:" + strconv.Itoa(i), Program: "app", Instance: i, State: "RUNNING", PID: 1000 + i, Uptime: 12.345, Since: "2026-01-02T03:04:05.678+01:00"}
		if i%7 == 0 {
			rows[i].State, rows[i].PID, rows[i].ExitCode, rows[i].Reason, rows[i].Next = "BACKOFF", 0, &code, "exited too quickly (exit code 1)", 1.5
		}
		if i%11 == 0 {
			rows[i].Signal, rows[i].Reason, rows[i].Detail = &sig, "killed by KILL \"quoted\" \\ tab\t\x01\x7f\u0085\u202eü漢", "a\nb"
		}
	}
	return rows
}

// encoding/json is the oracle in both directions.
func TestReplyIsWhatEncodingJSONSays(t *testing.T) {
	for name, r := range map[string]Reply{
		"text":   {ID: json.RawMessage("1"), Text: "a \"b\" \\ \x00\x1b\u2028 漢 </a>"},
		"error":  {ID: json.RawMessage(`"x-7"`), Error: "ERROR (no such program: x)"},
		"rows":   {ID: json.RawMessage("7"), Rows: manyRows(100)},
		"data":   {ID: json.RawMessage("7"), Data: []byte("\x00\xff\x1b\n")},
		"tty":    {ID: json.RawMessage("7"), TTY: true, Text: "started"},
		"ack":    {ID: json.RawMessage("7"), Ack: true},
		"done":   {ID: json.RawMessage("7"), Done: true, Exit: new(3)},
		"nobody": {ID: json.RawMessage("null"), Text: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			ours := AppendReply(nil, &r)
			var theirs Reply
			if err := json.Unmarshal(ours, &theirs); err != nil || !reflect.DeepEqual(theirs, r) {
				t.Errorf("encoding/json reads %+v (%v) from %s", theirs, err, ours)
			}
			line, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range [][]byte{line, ours} {
				if got, err := DecodeReply(line); err != nil || !reflect.DeepEqual(got, r) {
					t.Errorf("DecodeReply gives %+v (%v) of %s", got, err, line)
				}
			}
		})
	}
}

// A status that is written row by row is the same line.
func TestStatusIsAReply(t *testing.T) {
	for _, n := range []int{1, 2, 100} {
		rows, id := manyRows(n), json.RawMessage(`"x"`)
		got, want := AppendStatus(nil, id, n, func(i int) Row { return rows[i] }), AppendReply(nil, &Reply{ID: id, Rows: rows})
		if string(got) != string(want) {
			t.Errorf("%d rows: %s, want %s", n, got, want)
		}
	}
}

func TestReplyOfOthers(t *testing.T) {
	for line, want := range map[string]Reply{
		` { "done" : true , "exit":0, "id": 1 } `:                                   {ID: json.RawMessage("1"), Done: true, Exit: new(0)},
		`{"id":{"a":[1,"}"]},"new":[{"x":"]"}],"text":"\u00e9\/"}`:                  {ID: json.RawMessage(`{"a":[1,"}"]}`), Text: "é/"},
		`{"id":1,"rows":[],"exit":null}`:                                            {ID: json.RawMessage("1"), Rows: []Row{}},
		`{"id":1,"rows":null}`:                                                      {ID: json.RawMessage("1")},
		`{"id":1,"rows":[{"name":"a","signal":null,"later":{"x":1},"uptime":1e3}]}`: {ID: json.RawMessage("1"), Rows: []Row{{Name: "a", Uptime: 1000}}},
	} {
		if got, err := DecodeReply([]byte(line)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{
		"", "{", "[]", "null", `{"id"}`, `{"id":1,}`, `{"id":1} x`, `{"text":7}`, `{"text":"a}`, `{"text":"\q"}`, `{"exit":"x"}`, `{"rows":{}}`,
		`{"rows":[1]}`, `{"rows":[{"pid":"x"}]}`, `{"data":"***"}`, `{"id":1 "text":"a"}`, `{"text":"\`, `{"id":}`,
	} {
		if got, err := DecodeReply([]byte(line)); err == nil {
			t.Errorf("%s was taken for %+v", line, got)
		}
	}
}

func TestVisibleJSON(t *testing.T) {
	in := "{\"a\":\"x\u009b31m\u202e漢\x7f\"}"
	got := string(AppendVisibleJSON(nil, in))
	var a, b any
	if err := json.Unmarshal([]byte(in), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &b); err != nil || !reflect.DeepEqual(a, b) || got != `{"a":"x\u009b31m\u202e漢\u007f"}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMessages(t *testing.T) {
	for line, want := range map[string]Request{
		`{"id":1,"command":"attach","args":["web"],"size":[24,80]}`: {ID: json.RawMessage("1"), Command: "attach", Args: []string{"web"}, Size: [2]int{24, 80}},
		`{"id":1,"command":"input","data":"AP8bCg=="}`:              {ID: json.RawMessage("1"), Command: Input, Data: []byte("\x00\xff\x1b\n")},
		`{"id":1,"command":"resize","size":[1,2]}`:                  {ID: json.RawMessage("1"), Command: Resize, Size: [2]int{1, 2}},
		`{"id":1,"command":"detach"}`:                               {ID: json.RawMessage("1"), Command: Detach},
	} {
		var got Request
		if err := json.Unmarshal([]byte(line), &got); err != nil || !reflect.DeepEqual(got, want) || got.IsMessage() == (got.Command == "attach") {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
		if out, err := json.Marshal(want); err != nil || string(out) != line {
			t.Errorf("%s, %v, want %s", out, err, line)
		}
	}
}

func FuzzDecodeReply(f *testing.F) {
	f.Add([]byte(`{"id":1,"rows":[{"name":"a","pid":3,"signal":"KILL"}],"text":"\u00e9","data":"AAA=","done":true,"exit":3}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := DecodeReply(line)
		if err != nil || !json.Valid(line) {
			return
		}
		again, err := DecodeReply(AppendReply(nil, &r))
		if err != nil || again.Error != string([]rune(r.Error)) || len(again.Rows) != len(r.Rows) || again.Done != r.Done {
			t.Fatalf("%+v became %+v (%v)", r, again, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	r := Reply{ID: json.RawMessage("1"), Rows: manyRows(1000)}
	var out []byte
	for b.Loop() {
		out = AppendReply(out[:0], &r)
	}
	b.SetBytes(int64(len(out)))
}

func BenchmarkDecode(b *testing.B) {
	line := AppendReply(nil, &Reply{ID: json.RawMessage("1"), Rows: manyRows(1000)})
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := DecodeReply(line); err != nil {
			b.Fatal(err)
		}
	}
}
