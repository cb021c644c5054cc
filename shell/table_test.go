package shell

import (
	"encoding/json"
	"strings"
	"testing"

	"taskmaster/control"
)

var someRows = []control.Row{
	{Name: "web:0", State: "RUNNING", PID: 4711, Uptime: 3723.9, Restarts: 2},
	{Name: "a-program-with-a-name-that-goes-on-and-on", State: "BACKOFF", Reason: "exited too quickly (exit code 1)", Next: 2.25},
	{Name: "漢字", State: "STOPPING", PID: 12, Uptime: 2*86400 + 3661, Next: 12.3},
	{Name: "off", State: "STOPPED", Detail: "command: sleep\nevil: \x1b[2J"},
}

func TestTable(t *testing.T) {
	got := string(appendTable(nil, someRows, look{}))
	want := `NAME                                       STATE     PID   UPTIME      RESTARTS  DESCRIPTION
web:0                                      RUNNING   4711  1:02:03     2
a-program-with-a-name-that-goes-on-and-on  BACKOFF   -     -           0         next try in 2.2 s: exited too quickly (exit code 1)
漢字                                       STOPPING  12    2d 1:01:01  0         SIGKILL in 12 s
off                                        STOPPED   -     -           0
    command: sleep
    evil: \x1b[2J
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTableFits(t *testing.T) {
	for width := 20; width < 200; width++ {
		for line := range strings.Lines(string(appendTable(nil, someRows, look{width: width}))) {
			if n := columnsOf(strings.TrimSuffix(line, "\n")); n > max(width, 24) {
				t.Fatalf("%d columns on a terminal of %d: %q", n, width, line)
			}
		}
	}
	narrow := string(appendTable(nil, someRows, look{width: 40}))
	for _, want := range []string{"web:0", "RUNNING", "BACKOFF", "    next try in 2.2 s: exited too quick…\n", "a-program-with…-goes-on-and-on"} {
		if !strings.Contains(narrow, want) {
			t.Errorf("%q is missing in\n%s", want, narrow)
		}
	}
}

func TestTableColours(t *testing.T) {
	got := string(appendTable(nil, someRows, look{color: true}))
	for _, want := range []string{"\x1b[1mNAME\x1b[m ", "\x1b[32mRUNNING\x1b[m ", "\x1b[33mBACKOFF\x1b[m ", "\x1b[2mSTOPPED\x1b[m "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}

func TestUptime(t *testing.T) {
	for s, want := range map[float64]string{0: "0:00:00", 59.99: "0:00:59", 3600: "1:00:00", 86399: "23:59:59", 86400: "1d 0:00:00", 400*86400 + 1: "400d 0:00:01"} {
		if got := formatUptime(s); got != want {
			t.Errorf("%v: %s, want %s", s, got, want)
		}
	}
}

func TestPrinter(t *testing.T) {
	for _, c := range []struct {
		name, out, errs string
		json            bool
		replies         []control.Reply
	}{
		{name: "tail", out: "a\n\nb\tc\\x1b\n\x1b", replies: []control.Reply{{Text: "a"}, {}, {Text: "b\tc\x1b"}, {Data: []byte("\x1b")}, {Done: true}}},
		{
			name: "status", out: "NAME  STATE  PID  UPTIME  RESTARTS  DESCRIPTION\na     X      -    -       0\nb     Y      -    -       0\n", errs: "no c\n",
			replies: []control.Reply{{Rows: []control.Row{{Name: "a", State: "X"}}}, {Error: "no c"}, {Rows: []control.Row{{Name: "b", State: "Y"}}}, {Done: true}},
		},
		{name: "status", json: true, out: "[]\n", replies: []control.Reply{{Done: true}}},
		{name: "status", replies: []control.Reply{{Done: true}}},
	} {
		p := Printer{Call: &control.Call{Command: control.Find(c.name), JSON: c.json}}
		var out, errs []byte
		for _, r := range c.replies {
			out, errs = p.Append(out, errs, &r)
		}
		if string(out) != c.out || string(errs) != c.errs {
			t.Errorf("%s: %q %q, want %q %q", c.name, out, errs, c.out, c.errs)
		}
	}
}

func TestStatusAsJSON(t *testing.T) {
	p := Printer{Call: &control.Call{Command: control.Find("status"), JSON: true}}
	out, _ := p.Append(nil, nil, &control.Reply{Rows: someRows, Done: true})
	var rows []map[string]any
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) != len(someRows) {
		t.Fatal(err, len(rows))
	}
	for _, field := range strings.Fields("name program instance state pid uptime restarts exitcode signal reason since") {
		if _, ok := rows[0][field]; !ok {
			t.Errorf("%s is missing", field)
		}
	}
}
