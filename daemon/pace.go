package daemon

import (
	"time"

	"taskmaster/epoll"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// How often a pipe is read. A wake-up for each write costs more than the write,
// for the program as well: as long as anybody waits for a pipe, its writer has
// to look who does (poll_usage in the kernel's fs/pipe.c). A pipe of which it is
// known that more will come is therefore left alone for a while, and meanwhile
// not waited for.
const (
	// Crumbs are reads that are small and follow each other within crumbGap.
	crumbGap   = 2 * time.Millisecond
	crumbPause = 4 * time.Millisecond

	// A flood fills floodSize between two reads. It is looked for until
	// floodOver after the last of it.
	floodSize  = 32 << 10
	floodPause = time.Millisecond
	floodOver  = 20 * time.Millisecond

	// pauseBytes is what is read at most, about, of those whose pause is over before
	// the loop looks at everything else.
	pauseBytes = 1 << 20
)

// pace is how quickly a pipe has been filled, and when it is read again.
type pace struct {
	size   int  // what the kernel holds, as far as it is known
	fixed  bool // it holds no more
	last   time.Time
	flood  bool
	resume time.Time // zero unless paused
	listed bool      // in one of Daemon's pauses
}

// fills tells that n bytes came so quickly, after the time since, that the pipe
// would be a third full before a flood's pause ends. Writers are not steady: of
// one that brings so much, more would at times fill it in a pause, and stand still.
func (p *pace) fills(n int, since time.Duration) bool {
	return since < floodPause*time.Duration(3*n)/time.Duration(p.size)
}

// pauses are the pipes that are left alone for the same time: who begins first
// ends first.
type pauses struct{ pipes []*pipe }

// keepPace gives a pipe that runs full more room, and decides when it is read
// again, n bytes having been read where there was place for room.
func (p *pipe) keepPace(n, room int) {
	if n >= room/2 && room == p.pace.size {
		p.grow()
	}
	since := p.d.now.Sub(p.pace.last)
	p.pace.last, p.pace.flood = p.d.now, n >= floodSize
	switch {
	case p.pace.flood && p.pace.fills(n, since):
		p.wake()
	case p.pace.flood:
		p.pause(&p.d.floods, floodPause)
	case since < crumbGap || !p.pace.resume.IsZero():
		p.pause(&p.d.crumbs, crumbPause)
	}
}

func (p *pipe) grow() {
	if p.pace.size >= maxBuffer || p.pace.fixed || p.keys != nil {
		return
	}
	size := sys.SetPipeSize(p.fd, min(p.pace.size*4, maxBuffer))
	p.pace.fixed = size <= p.pace.size
	p.pace.size = max(size, p.pace.size)
}

// rest is for a pipe that was found empty: it is waited for, unless it belongs
// to a flood, whose writer may just not have had its turn.
func (p *pipe) rest() {
	if p.pace.resume.IsZero() {
		return
	}
	if p.pace.flood && p.d.now.Sub(p.pace.last) < floodOver {
		p.pause(&p.d.floods, floodPause)
		return
	}
	p.pace.flood = false
	p.wake()
}

// pause puts the pipe at the end of a list and stops to wait for it; one that
// is read out of its turn keeps its place.
func (p *pipe) pause(in *pauses, length time.Duration) {
	if p.pace.resume.IsZero() {
		if p.listen(0) != nil {
			return
		}
	}
	p.pace.resume = p.d.now.Add(length)
	if !p.pace.listed {
		p.pace.listed = true
		in.pipes = append(in.pipes, p)
	}
}

// wake ends a pause. What the kernel refuses to wait for is read after another one.
func (p *pipe) wake() {
	if p.pace.resume.IsZero() {
		return
	}
	if err := p.listen(unix.EPOLLIN); err != nil {
		p.d.fault("epoll", err)
		p.pause(&p.d.crumbs, crumbPause)
		return
	}
	p.pace.resume = time.Time{}
}

// listen tells the loop what to wait for. A terminal is also waited for because
// of what was typed, and stays registered.
func (p *pipe) listen(events uint32) error {
	switch {
	case p.keys != nil:
		if len(p.keys.queue) > 0 {
			events |= unix.EPOLLOUT
		}
		return p.d.loop.Modify(p.fd, events)
	case events == 0:
		p.d.loop.Remove(p.fd)
		return nil
	}
	return p.d.loop.Add(p.fd, events, epoll.Output, p)
}

// first is when the first pause ends, zero for none.
func (ps *pauses) first() time.Time {
	if len(ps.pipes) == 0 {
		return time.Time{}
	}
	return ps.pipes[0].pace.resume
}

// due tells whether the first pause is over.
func (ps *pauses) due(now time.Time) bool {
	return len(ps.pipes) > 0 && !ps.pipes[0].pace.resume.After(now)
}

// read reads the pipes whose pause is over; keepPace puts those back that go on.
// When they bring much the rest is left to the next turn, so that nobody else
// waits for all of them.
func (ps *pauses) read(now time.Time) {
	for got := 0; got < pauseBytes && ps.due(now); {
		p := ps.pipes[0]
		ps.pipes = ps.pipes[1:]
		p.pace.listed = false
		if !p.pace.resume.IsZero() && p.fd >= 0 {
			got += max(p.read(), 0)
		}
	}
	if len(ps.pipes) == 0 {
		ps.pipes = nil
	}
}
