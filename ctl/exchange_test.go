package ctl

import (
	"encoding/json"
	"strconv"
	"testing"

	"taskmaster/control"
	"taskmaster/shell"
)

// TestShutdownLastsUntilTheDaemonHasGone: a daemon that is started next finds no socket.
func TestShutdownLastsUntilTheDaemonHasGone(t *testing.T) {
	failed := 1
	ended := control.AppendReply(nil, &control.Reply{ID: requestID, Done: true})
	refused := control.AppendReply(nil, &control.Reply{ID: requestID, Done: true, Exit: &failed})
	for _, c := range []struct {
		command string
		reply   []byte
		done    bool
	}{{"shutdown", ended, false}, {"shutdown", refused, true}, {"stop", ended, true}} {
		call := &control.Call{Command: control.Find(c.command)}
		x := &exchange{call: call, printer: shell.Printer{Call: call}}
		if _, done := x.line(c.reply); done != c.done {
			t.Errorf("%s is over after %q: %v, want %v", c.command, c.reply, done, c.done)
		}
	}
}

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
