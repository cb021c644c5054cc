package tests

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// more connects another client, which is closed when the test ends.
func (d *daemon) more() *client {
	d.Helper()
	var c *client
	d.until("a connection", func() (ok bool) { // a full backlog is no fault
		var err error
		c, err = dial(d.path("s"))
		return err == nil
	})
	d.Cleanup(func() { _ = c.Close() })
	return c
}

func TestThousandSilentClients(t *testing.T) {
	const clients = 1000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max < 2*clients {
		t.Skip("needs 2,000 descriptors")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")}, options{wrap: wrapped(setting{NoFile: [2]uint64{2 * clients, 2 * clients}})})
	d.await("a", "RUNNING")
	before := len(descriptors(t, d.pid()))
	var all []*client
	for range clients {
		all = append(all, d.more())
	}
	d.must("stop", "a")
	for _, c := range []*client{all[0], all[clients/2], all[clients-1]} {
		if a, err := c.call("version"); err != nil || a.exit != 0 {
			t.Errorf("one of the thousand was not served: %v %s", err, a)
		}
	}
	for _, c := range all {
		_ = c.Close()
	}
	w.until("their descriptors are closed", func() bool { return len(descriptors(t, d.pid())) <= before })
	d.end()
}

func TestGarbageCostsItsOwnConnectionOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000")}, options{daemon: fields{"loglevel": "error"}})
	pid := d.await("a", "RUNNING").PID
	before := descriptors(t, d.pid())
	memory := rss(d.pid())
	var all []*client
	for _, junk := range [][]byte{
		[]byte("\x00\xff\xfe\n"), []byte("hello\n"), []byte("[1,2]\n"), []byte("{\"id\":1}\n"),
		[]byte("{\"id\":1,\"command\":7}\n"), []byte("{\"id\":1,\"command\":\"status\",\"args\":\"x\"}\n"),
		[]byte("{\"id\":1,\"command\":\"stop\",\"args\":[\"a\"]"), // half a line: not a command
		[]byte("{\"id\":{\"deep\":" + string(bytes.Repeat([]byte("["), 1<<19)) + "\n"),
		bytes.Repeat([]byte("x"), 3<<20), bytes.Repeat([]byte("\n"), 1<<16), make([]byte, 1<<20),
	} {
		c := d.more()
		all = append(all, c)
		if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(junk) // it may be hung up on
		if a := d.call("version"); a.exit != 0 {
			t.Errorf("after %.40q: %s", junk, a)
		}
	}
	for _, c := range all {
		_ = c.Close()
	}
	if !within(patience, func() bool { return len(descriptors(t, d.pid())) <= len(before) }) {
		t.Errorf("descriptors %v, were %v", descriptors(t, d.pid()), before)
	}
	if r := d.status("a")["a"]; r.PID != pid || r.State != "RUNNING" {
		t.Errorf("garbage reached the program: %+v", r)
	}
	if grown := rss(d.pid()) - memory; grown > 32<<10 && !raceEnabled {
		t.Errorf("the daemon has grown by %d KiB", grown)
	}
	d.end()
}

func TestClientsThatNeverRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"many": prog("sleep 1000", fields{"numprocs": 60}),
		"spam": prog("yes abcdefghijklmnopqrstuvwxyz", fields{"stdout": fields{"path": w.path("yes.log"), "maxbytes": "1MiB", "backups": 1}}),
	})
	d.awaitAll("RUNNING")
	memory := rss(d.pid())
	for _, request := range []string{
		`{"id":1,"command":"status","args":["--json"]}`, `{"id":1,"command":"tail","args":["-f","spam"]}`,
		`{"id":1,"command":"log","args":["-f"]}`, `{"id":1,"command":"events","args":["-f"]}`,
	} {
		c := d.more()
		if err := c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(bytes.Repeat([]byte(request+"\n"), 2000)) // until it blocks
	}
	for range 20 {
		if a := d.call("restart", "many:7"); a.exit != 0 {
			t.Fatalf("restart: %s", a)
		}
	}
	if grown := rss(d.pid()) - memory; grown > 64<<10 && !raceEnabled {
		t.Errorf("the daemon has grown by %d KiB", grown)
	}
	if a := d.call("stop", "spam"); a.exit != 0 {
		t.Errorf("stop: %s", a)
	}
	d.end()
}
