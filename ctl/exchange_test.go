package ctl

import (
	"encoding/json"
	"strconv"
	"testing"

	"taskmaster/control"
	"taskmaster/shell"
)

func BenchmarkStatusOfThousand(b *testing.B) {
	rows := make([]control.Row, 1000)
	for i := range rows {
		rows[i] = control.Row{Name: "app:" + strconv.Itoa(i), Program: "app", Instance: i, State: "RUNNING", PID: 1000 + i, Uptime: 12.345, Since: "2026-01-02T03:04:05.678+01:00", Reason: "because"}
	}
	line := control.AppendReply(nil, &control.Reply{ID: json.RawMessage("1"), Rows: rows, Done: true})
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		x := &exchange{call: &control.Call{Command: control.Find("status")}}
		x.printer = shell.Printer{Call: x.call}
		if _, done := x.line(line); !done {
			b.Fatal(string(x.errs))
		}
	}
}
