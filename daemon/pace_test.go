package daemon

import (
	"testing"
	"time"

	"taskmaster/epoll"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// What is known of a program by the last read decides when the next one is.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		since time.Duration
		was   bool // paused
		want  string
	}{
		{"a line now and then", 100, time.Second, false, "waits"},
		{"lines in a row", 100, time.Millisecond, false, "crumbs"},
		{"lines that go on", 100, crumbPause, true, "crumbs"},
		{"a flood among many", firstBuffer, 10 * time.Millisecond, false, "floods"},
		{"a flood that has the machine for itself", firstBuffer, 10 * time.Microsecond, false, "waits"},
		{"one that was too quick for a pause", firstBuffer, floodPause, true, "waits"},
		{"one that was not", floodSize, 4 * floodPause, true, "floods"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, p := pacedPipe(t)
			p.pace.last = d.now.Add(-c.since)
			if c.was {
				p.pause(&d.crumbs, 0)
				d.crumbs, p.pace.listed = pauses{}, false
			}
			p.keepPace(c.n, maxBuffer)
			if got := paceOf(d); got != c.want {
				t.Errorf("it %s, want %s", got, c.want)
			}
		})
	}
}

// A flood that stops is looked for a little longer, and then waited for.
func TestFloodEnds(t *testing.T) {
	d, p := pacedPipe(t)
	p.pace.last = d.now.Add(-time.Second)
	p.keepPace(floodSize, maxBuffer)
	for turns := 0; len(d.floods.pipes) > 0; turns++ {
		if d.now = d.floods.first(); turns > int(floodOver/floodPause) {
			t.Fatalf("it is still looked for after %d turns", turns)
		}
		d.floods.read(d.now)
	}
	if got := paceOf(d); got != "waits" || !p.pace.resume.IsZero() {
		t.Errorf("it %s, resume %v", got, p.pace.resume)
	}
	if err := d.loop.Modify(p.fd, unix.EPOLLIN); err != nil {
		t.Errorf("it is not waited for: %v", err)
	}
}

// Of pipes that bring much not all are read before the loop looks at everything else.
func TestFloodsAreReadInParts(t *testing.T) {
	d, first := pacedPipe(t)
	_, second := pacedPipe(t)
	second.d = d
	for _, p := range []*pipe{first, second} {
		p.pace.size = maxBuffer
		d.floods.pipes = append(d.floods.pipes, p)
		p.pace.listed, p.pace.resume = true, d.now
		p.sink = counted{new(int)}
	}
	fill(t, first)
	d.floods.read(d.now)
	if n := *first.sink.(counted).n; n < pauseBytes || len(d.floods.pipes) == 0 || d.floods.pipes[0] != second || !d.floods.due(d.now) {
		t.Errorf("%d bytes of the first, %d pipes wait", n, len(d.floods.pipes))
	}
}

// counted is a sink that counts.
type counted struct{ n *int }

func (c counted) Write(p []byte, _ time.Time) { *c.n += len(p) }
func (c counted) End(time.Time)               {}

// pacedPipe is a pipe that the loop waits for.
func pacedPipe(t *testing.T) (*Daemon, *pipe) {
	t.Helper()
	loop, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(r); sys.Close(w); loop.Close() })
	d := &Daemon{loop: loop, now: time.Now(), crowd: 1}
	p := &pipe{d: d, s: &stream{}, fd: r, sink: nowhere{}, pace: pace{size: firstBuffer}}
	if err := loop.Add(r, unix.EPOLLIN, epoll.Output, p); err != nil {
		t.Fatal(err)
	}
	return d, p
}

func paceOf(d *Daemon) string {
	switch {
	case len(d.crumbs.pipes) > 0:
		return "crumbs"
	case len(d.floods.pipes) > 0:
		return "floods"
	}
	return "waits"
}

// fill writes into the other end as much as is read at a time, at most.
func fill(t *testing.T, p *pipe) {
	t.Helper()
	w, err := unix.Open("/proc/self/fd/"+itoa(p.fd), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(w)
	if got := sys.SetPipeSize(p.fd, maxBuffer); got < maxBuffer {
		t.Fatalf("a pipe holds %d bytes here, %d are needed", got, maxBuffer)
	}
	if n, err := unix.Write(w, make([]byte, maxBuffer)); n != maxBuffer {
		t.Fatal(n, err)
	}
}
