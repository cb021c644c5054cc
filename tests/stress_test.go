package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chaos does to a daemon what users, programs and the kernel do, all at once,
// and holds it against /proc and against the programs' own notes.
type chaos struct {
	*daemon
	rnd   *rand.Rand
	names []string
	done  map[string]int // how often each thing was done
}

// stressTime is STRESS, a few seconds without it.
func stressTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("STRESS")
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStress runs for STRESS (5 seconds without it), with each way of holding
// process trees. STRESS_SEED repeats the choices of an earlier run, though not
// what the scheduler made of them.
func TestStress(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("STRESS_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			t.Logf("STRESS_SEED=%d", seed)
			c := newChaos(t, seed, h.flags)
			c.round(time.Second) // what is allocated once is allocated by now
			before := c.rest()
			for end := time.Now().Add(stressTime(t)); time.Now().Before(end); {
				c.round(2 * time.Second)
				c.rest().compare(t, before)
			}
			c.end()
			t.Logf("done: %v", c.done)
		})
	}
}

func newChaos(t *testing.T, seed uint64, flags []string) *chaos {
	t.Helper()
	w := newWorld(t)
	c := &chaos{rnd: rand.New(rand.NewPCG(seed, seed)), done: map[string]int{}}
	for i := range 8 {
		c.names = append(c.names, fmt.Sprintf("p%d", i))
	}
	c.daemon = w.start(c.programs(w), options{daemon: fields{"log_maxbytes": "1MiB", "log_backups": 1}, flags: flags})
	return c
}

// programs is a configuration of the moment: each program notes its starts
// before it goes its own way.
func (c *chaos) programs(w *world) programs {
	ps := programs{}
	for i, name := range c.names {
		then := [...]string{
			"exec sleep 1000",
			"sleep 0.2; exit 1",
			`trap "" TERM; while :; do sleep 0.1; done`,
			`(setsid sleep 1000 &); sleep 1000 & exec sleep 1000`,
			"yes abcdefghijklmnopqrstuvwxyz | head -c 300000; exec sleep 1000",
			"exit 3",
		}[(i+c.rnd.IntN(2))%6]
		ps[name] = prog(sh("echo $$ >> "+name+".starts; "+then), fields{
			"starttime": 0.05, "stoptime": 0.1 + float64(c.rnd.IntN(3))/10, "startretries": []int{-1, 3}[c.rnd.IntN(2)],
			"autorestart": []string{"always", "unexpected", "never"}[c.rnd.IntN(3)],
			"stdout":      []any{"capture", "none", w.path(name + ".log")}[c.rnd.IntN(3)],
		})
	}
	return ps
}

// round does random things for d and looks after each whether all is still true.
func (c *chaos) round(d time.Duration) {
	c.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		c.act()
		for _, name := range c.names {
			if live := c.live(name); len(live) > 1 {
				c.Fatalf("two of %s at once: %v\n%s", name, live, c.logTail())
			}
		}
		select {
		case <-c.ended:
			c.Fatalf("the daemon ended: %v\n%s", c.err, c.logTail())
		case <-time.After(time.Duration(c.rnd.IntN(20)) * time.Millisecond):
		}
	}
}

// act does one thing.
func (c *chaos) act() {
	c.Helper()
	name := c.names[c.rnd.IntN(len(c.names))]
	what := []string{"start", "start", "stop", "restart", "kill", "kill", "tail", "reload", "hup", "rotate", "status", "signal", "leave"}[c.rnd.IntN(13)]
	c.done[what]++
	switch what {
	case "start", "stop", "restart":
		c.call(what, "--no-wait", name)
	case "kill": // by anybody, any signal
		sig := []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGSTOP, syscall.SIGTERM}[c.rnd.IntN(4)]
		for _, pid := range c.live(name) {
			_ = syscall.Kill(pid, sig)
		}
	case "tail", "rotate":
		c.call(what, name)
	case "signal":
		c.call(what, "CONT", name)
	case "reload":
		c.config(c.programs(c.world), fields{"log_maxbytes": "1MiB", "log_backups": 1})
		c.call(what)
	case "hup":
		c.send(syscall.SIGHUP)
	case "status":
		c.plausible(c.status())
	case "leave": // a client that goes away in the middle
		k := c.more()
		_, _ = fmt.Fprintf(k, "{\"id\":1,\"command\":\"stop\",\"args\":[%q]}\n", name)
		_ = k.Close()
	}
}

// live lists the leaders of a program that have noted their start and not ended.
func (c *chaos) live(name string) (out []int) {
	starts := c.numbers(name + ".starts")
	for _, pid := range starts[max(0, len(starts)-20):] {
		if alive(pid) && environ(pid)[mark] == c.dir && !slices.Contains(out, pid) {
			out = append(out, pid)
		}
	}
	return out
}

// plausible checks what must hold of rows at any moment.
func (c *chaos) plausible(rows map[string]row) {
	c.Helper()
	if len(rows) != len(c.names) {
		c.Fatalf("%d rows, want %d", len(rows), len(c.names))
	}
	for name, r := range rows {
		lives := r.State == "STARTING" || r.State == "RUNNING"
		if r.PID > 0 && !lives && r.State != "STOPPING" || lives && r.PID == 0 {
			c.Fatalf("%s: %+v", name, r)
		}
	}
}

// holdings are what a daemon has of what may leak.
type holdings struct {
	descriptors     map[string]string
	threads, memory int
}

// compare ends the test when there is more of something than before.
func (h holdings) compare(t *testing.T, before holdings) {
	t.Helper()
	if len(h.descriptors) > len(before.descriptors) {
		t.Fatalf("descriptors %v, were %v", h.descriptors, before.descriptors)
	}
	if h.threads > before.threads+4 {
		t.Fatalf("%d threads, were %d", h.threads, before.threads)
	}
	if h.memory > before.memory*3/2+4<<10 && !raceEnabled {
		t.Fatalf("%d KiB resident, were %d", h.memory, before.memory)
	}
}

// rest stops everything and checks that nothing is left, then starts everything
// and checks that status is the kernel's truth. It tells what the daemon had in between.
func (c *chaos) rest() (h holdings) {
	c.Helper()
	c.call("stop", "all")
	c.until("all of it is stopped", func() bool {
		c.call("stop", "all") // a start that was asked for before may still be under way
		return !slices.ContainsFunc(c.states(), func(s string) bool {
			return strings.HasPrefix(s, "ST") && s != "STOPPED" || s == "RUNNING" || s == "BACKOFF"
		})
	})
	if left := c.left(); len(left) != 1 || left[0].pid != c.pid() {
		c.Fatalf("left when all was stopped: %v\n%s", left, c.logTail())
	}
	if z := zombies(c.pid()); len(z) > 0 {
		c.Fatalf("zombies: %v", z)
	}
	h = holdings{descriptors(c, c.pid()), threads(c.pid()), rss(c.pid())}
	c.call("start", "--no-wait", "all")
	c.until("status is the kernel's truth", func() bool { return c.agrees(c.status()) })
	return h
}

func (c *chaos) states() (out []string) {
	for _, r := range c.status() {
		out = append(out, r.State)
	}
	return out
}

// agrees tells that each row with a pid is the one live leader of that name,
// and that a name without a pid has none. Programs come and go, so it may have
// to be asked again.
func (c *chaos) agrees(rows map[string]row) bool {
	for name, r := range rows {
		live := c.live(name)
		if r.PID == 0 && len(live) > 0 || r.PID > 0 && (len(live) != 1 || live[0] != r.PID) {
			return false
		}
	}
	return true
}
