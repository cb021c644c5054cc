package tests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers checks and counts them; while sick it answers 503.
type server struct {
	url, addr string
	sick      atomic.Bool
	asked     atomic.Int64
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), url: "http://" + l.Addr().String() + "/health"}
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		if s.sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	go func() { _ = h.Serve(l) }()
	t.Cleanup(func() { _ = h.Close() })
	return s
}

// silent is the address of a listener that takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func health(how fields, more fields) fields {
	h := fields{"interval": 0.1, "timeout": 5, "retries": 3}
	for _, m := range []fields{how, more} {
		for k, v := range m {
			h[k] = v
		}
	}
	return fields{"health": h}
}

// crowd are programs with checks of every kind, beside some that pour out output
// and some whose checks hang.
func (w *world) crowd(t *testing.T, s *server) programs {
	return programs{
		"http": prog("sleep 1000", fields{"numprocs": 40}, health(fields{"http": s.url}, nil)),
		"tcp":  prog("sleep 1000", fields{"numprocs": 40}, health(fields{"tcp": s.addr}, nil)),
		"exec": prog("sleep 1000", fields{"numprocs": 3}, health(fields{"exec": "true"}, nil)),
		"spam": prog(role("spam", "1000000"), fields{"stdout": "none"}),
		"loud": prog(role("spam", "1000000"), fields{"stdout": fields{"path": w.path("loud"), "maxbytes": "1MiB", "backups": 1}}),
		"hung": prog("sleep 1000", fields{"numprocs": 10, "autorestart": "always"},
			health(fields{"http": "http://" + silent(t) + "/"}, fields{"timeout": 0.2, "retries": 2})),
	}
}

// unwell gives those who do not run, or have been restarted, and should not.
func (d *daemon) unwell() (out []row) {
	for name, r := range d.status() {
		if !strings.HasPrefix(name, "hung") && (r.State != "RUNNING" || r.Restarts > 0) {
			out = append(out, r)
		}
	}
	return out
}

// Hundreds of checks a second, beside programs that pour out output, ones whose
// checks hang and ones that are restarted for theirs: everybody who is well is
// left alone, and no descriptor is left.
func TestManyChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t)
	d := w.start(w.crowd(t, s))
	w.until("all run", func() bool { return len(d.unwell()) == 0 })
	round := func(checks int64, restarts int) {
		t.Helper()
		until := s.asked.Load() + checks
		w.until("checks", func() bool { return s.asked.Load() >= until })
		w.until("restarts of what hangs", func() bool { return d.status("hung:0")["hung:0"].Restarts >= restarts })
	}
	round(500, 1)
	before := len(descriptors(t, d.pid()))
	begin, used := time.Now(), cpu(d.pid())
	round(2000, 4)
	t.Logf("2000 checks by HTTP in %.1f s, %d ms of CPU, %d descriptors", time.Since(begin).Seconds(), 10*(cpu(d.pid())-used), before)
	const under = 40 + 40 + 3*4 + 10*3 // checks that may be under way just now, but were not before
	if after := len(descriptors(t, d.pid())); after > before+under {
		t.Errorf("%d descriptors, were %d", after, before)
	}
	if rows := d.unwell(); len(rows) > 0 {
		t.Errorf("touched: %+v", rows)
	}
	if z := zombies(d.pid()); len(z) > 5 {
		t.Errorf("zombies: %v", z)
	}
	d.end()
}

// Once nobody is checked any more no descriptor is left of all the checks, and
// nothing ticks.
func TestChecksThatWereTakenAway(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t)
	plain := programs{"http": prog("sleep 1000"), "tcp": prog("sleep 1000"), "exec": prog("sleep 1000"), "hung": prog("sleep 1000")}
	d := w.start(plain)
	rows := d.awaitAll("RUNNING")
	before := descriptors(t, d.pid())
	w.config(programs{
		"http": prog("sleep 1000", health(fields{"http": s.url}, nil)),
		"tcp":  prog("sleep 1000", health(fields{"tcp": s.addr}, nil)),
		"exec": prog("sleep 1000", health(fields{"exec": "true"}, nil)),
		"hung": prog("sleep 1000", health(fields{"http": "http://" + silent(t) + "/"}, fields{"timeout": 100})),
	}, nil)
	d.must("reload")
	until := s.asked.Load() + 50
	w.until("50 checks", func() bool { return s.asked.Load() >= until })
	w.config(plain, nil)
	d.must("reload")
	w.until("every check has come to its end", func() bool { return len(descriptors(t, d.pid())) <= len(before) })
	for name, r := range d.status() {
		if r.PID != rows[name].PID {
			t.Errorf("%s was restarted: %+v", name, r)
		}
	}
	asked := s.asked.Load()
	d.rests(2 * time.Second)
	if n := s.asked.Load() - asked; n != 0 {
		t.Errorf("%d checks at rest", n)
	}
	d.end()
}

// What is ill is restarted and says why; the checks of others go on meanwhile.
func TestHealthOverHTTP(t *testing.T) {
	t.Parallel()
	s, other := newServer(t), newServer(t)
	w := newWorld(t)
	d := w.start(programs{
		"a": prog("sleep 1000", health(fields{"http": s.url}, fields{"retries": 2})),
		"b": prog("sleep 1000", health(fields{"http": other.url}, nil)),
	})
	before := d.awaitAll("RUNNING")
	s.sick.Store(true)
	w.until("a is restarted", func() bool { return d.status("a")["a"].PID != before["a"].PID })
	s.sick.Store(false)
	w.until("the reason is in the log", func() bool {
		return len(w.logged("name=a", "health: 2 checks failed", s.url+": HTTP 503")) > 0
	})
	d.await("a", "RUNNING")
	until := other.asked.Load() + 5
	w.until("b is asked on", func() bool { return other.asked.Load() >= until })
	if r := d.status("b")["b"]; r.PID != before["b"].PID {
		t.Errorf("b was restarted: %+v", r)
	}
	d.end()
}

// A check that hangs is over with its time, and the timeout says in which step.
func TestHealthTimeout(t *testing.T) {
	t.Parallel()
	addr := silent(t)
	w := newWorld(t)
	d := w.start(programs{"a": prog("sleep 1000", health(fields{"http": "http://" + addr + "/"}, fields{"timeout": 0.2, "retries": 1}))})
	before := d.await("a", "RUNNING")
	w.until("a is restarted", func() bool { return d.status("a")["a"].PID != before.PID })
	if len(w.logged("name=a", fmt.Sprintf("http://%s/: read the answer: timed out", addr))) == 0 {
		t.Errorf("no word of why:\n%s", w.logTail())
	}
	d.end()
}

// A check that cannot be made for want of descriptors or memory of our own says
// nothing of the program, which is left alone; later checks go on.
func TestCheckThatCannotBeMade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		calls, errno string
		how          fields
	}{
		{"socket", "EMFILE", nil},
		{"socket", "ENOBUFS", nil},
		{"pipe2,pipe", "ENFILE", fields{"exec": "true"}},
		{"clone,clone3,vfork,fork", "EAGAIN", fields{"exec": "true"}},
	} {
		t.Run(c.calls+" "+c.errno, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			w := newWorld(t)
			how := c.how
			if how == nil {
				how = fields{"http": s.url}
			}
			d := w.start(programs{"a": prog("sleep 1000", health(how, fields{"retries": 1}))})
			before := d.await("a", "RUNNING")
			r := d.refuse(c.calls, c.errno, "")
			w.until("three checks could not be made", func() bool { return len(r.calls()) >= 3 })
			r.over()
			if len(w.logged("fault", "check of a")) == 0 {
				t.Errorf("the log does not say so:\n%s", w.logTail())
			}
			s.sick.Store(true)
			if c.how == nil { // the next check that can be made has its say
				w.until("a is restarted", func() bool { return d.status("a")["a"].PID != before.PID })
				if n := len(w.logged("unhealthy", "name=a")); n == 0 || n != len(w.logged("unhealthy", "HTTP 503")) {
					t.Errorf("unhealthy %d times:\n%s", n, w.logTail())
				}
			} else if r := d.status("a")["a"]; r.PID != before.PID {
				t.Errorf("a was restarted: %+v\n%s", r, w.logTail())
			}
			d.end()
		})
	}
}

// Upgrades drop no check, no pipe and no socket that readiness comes over, and
// take nobody's illness for granted.
func TestUpgradeInTheMiddleOfChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t)
	const wait = "while [ ! -e go ]; do sleep 0.02; done; "
	d := w.start(programs{
		"http":   prog("sleep 1000", fields{"numprocs": 20}, health(fields{"http": s.url}, nil)),
		"exec":   prog("sleep 1000", health(fields{"exec": "sleep 0.05"}, nil)),
		"hung":   prog("sleep 1000", health(fields{"http": "http://" + silent(t) + "/"}, fields{"timeout": 1000})),
		"ill":    prog("sleep 1000", health(fields{"exec": sh("test ! -e go")}, fields{"interval": 0.5})),
		"notify": prog(sh(wait+self+" child tell READY=1 & wait"), fields{"ready": "notify"}),
		"fd":     prog(sh(wait+"echo >&5; exec sleep 1000"), fields{"ready": fields{"fd": 5}}),
		"log":    prog(sh("printf 'liste'; "+wait+"echo 'ning on 80'; exec sleep 1000"), fields{"ready": fields{"log": "^listening on [0-9]+$"}}),
		"asked":  prog("sleep 1000", fields{"ready": fields{"exec": sh("test -e go")}}),
	})
	ready := []string{"notify", "fd", "log", "asked"}
	for n := range 20 {
		d.await(fmt.Sprintf("http:%d", n), "RUNNING")
	}
	before := d.status()
	for n := range 6 {
		d.upgrade(n)
	}
	rows := d.status()
	for _, name := range ready {
		if r := rows[name]; r.State != "STARTING" {
			t.Errorf("%+v before it is ready", r)
		}
	}
	w.write("go", "")
	d.upgrade(0)
	for _, name := range ready {
		d.await(name, "RUNNING")
	}
	w.until("ill is restarted", func() bool { return d.status("ill")["ill"].Restarts > 0 })
	until := s.asked.Load() + 100
	w.until("checks", func() bool { return s.asked.Load() >= until })
	for name, r := range d.status() {
		if name != "ill" && r.PID != before[name].PID {
			t.Errorf("%s was restarted: %+v, was %+v", name, r, before[name])
		}
	}
	d.end()
}
