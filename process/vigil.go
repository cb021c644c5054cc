package process

import (
	"strconv"
	"time"
)

// vigil is what is known of an instance whose readiness or health is watched,
// or that was stopped without anybody's command. Few have one.
type vigil struct {
	ready   bool   // it was found to be ready, or need not be
	asking  bool   // a DoCheck is on its way
	blame   blame  // why it is being stopped, when nobody asked
	strikes int    // failed checks of health in a row
	why     string // of blame
	last    string // what the last failed check said
	gap     time.Duration
	next    time.Time // of the next check
	limit   time.Time // readytime is over
	bite    time.Time // of the watchdog
}

// blame is what an instance is stopped for by our own judgement.
type blame uint8

const (
	innocent blame = iota
	unready        // its start has failed: not ready in time
	unwell         // it is to be restarted
)

// Checks of readiness come quickly at first, and then less so.
const (
	firstGap = 100 * time.Millisecond
	lastGap  = time.Second
)

// newVigil is that of a launch at now, nil when nothing is to be watched.
func (p *Watch) newVigil(now time.Time) *vigil {
	if p.Ready == ReadyAlive && p.Health.Retries == 0 && p.Watchdog == 0 {
		return nil
	}
	return &vigil{ready: p.Ready == ReadyAlive, gap: firstGap, next: now.Add(firstGap), limit: now.Add(p.ReadyTime)}
}

// watchesAs tells whether two policies watch in the same way.
func (p *Policy) watchesAs(q *Policy) bool {
	return *p.Watching() == *q.Watching()
}

// blames tells whether the stop is by our own judgement.
func (v *vigil) blames() bool { return v != nil && v.blame != innocent }

// pardon is a command that came in between: what happens next is its doing.
func (v *vigil) pardon() {
	if v != nil {
		v.blame, v.why = innocent, ""
	}
}

// excuse is why there is another launch, as the reason of its states.
func (v *vigil) excuse() string {
	if v == nil || v.why == "" {
		return ""
	}
	return "restarted: " + v.why
}

// ---- readiness

// progress is the deadline of STARTING, and every other occasion to go on.
func (s *step) progress() {
	v, p := s.vigil, s.group.Policy.Watching()
	lives := s.launched.Add(s.group.Policy.StartTime)
	switch {
	case v == nil:
		s.lived()
	case v.ready && s.now.Before(lives):
		s.deadline = lives
	case v.ready:
		s.lived()
	case !s.now.Before(v.limit):
		s.abort(unready, "readytime", "not ready within "+seconds(p.ReadyTime)+v.saying())
	default:
		s.ask(p.Ready == ReadyAsked)
	}
}

// saying is what the last check said, to follow a reason.
func (v *vigil) saying() string {
	if v.last == "" {
		return ""
	}
	return ": " + v.last
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// ask sends a check out when it is time for one, and sets the next deadline.
func (s *step) ask(want bool) {
	v := s.vigil
	if want && !v.asking && !s.now.Before(v.next) {
		v.asking = true
		s.do(Action{Do: DoCheck})
	}
	s.deadline = time.Time{}
	if want && !v.asking {
		s.deadline = v.next
	}
	if s.state == Starting {
		s.deadline = sooner(s.deadline, v.limit)
	} else if s.group.Policy.Watching().Watchdog > 0 {
		s.deadline = sooner(s.deadline, v.bite)
	}
}

// sooner is the earlier of two deadlines, of which the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (s *step) ready() {
	if s.vigil != nil && !s.vigil.ready {
		s.vigil.ready = true
		s.progress()
	}
}

func (s *step) askedReady() {
	v := s.vigil
	if v == nil || !v.asking {
		return // of another time
	}
	v.asking = false
	if s.ev.OK {
		v.ready = true
	} else {
		v.last, v.next, v.gap = s.ev.Reason, s.now.Add(v.gap), min(2*v.gap, lastGap)
	}
	s.progress()
}

// ---- health

// beginWatch is the beginning of RUNNING.
func (s *step) beginWatch() {
	v, p := s.vigil, s.group.Policy.Watching()
	v.asking, v.strikes, v.last = false, 0, ""
	v.next, v.bite = s.now.Add(p.Health.Interval), s.now.Add(p.Watchdog)
	s.watch()
}

// watch is the deadline of RUNNING, and every other occasion to look.
func (s *step) watch() {
	p := s.group.Policy.Watching()
	switch {
	case s.vigil == nil || s.held:
		s.deadline = time.Time{}
	case p.Watchdog > 0 && !s.now.Before(s.vigil.bite):
		s.abort(unwell, "watchdog", "watchdog: no sign of life within "+seconds(p.Watchdog))
	default:
		s.ask(p.Health.Retries > 0)
	}
}

func (s *step) ping() {
	if s.vigil != nil {
		s.vigil.bite = s.now.Add(s.group.Policy.Watching().Watchdog)
		s.watch()
	}
}

func (s *step) askedHealth() {
	v, p := s.vigil, s.group.Policy.Watching()
	if v == nil || !v.asking {
		return // of another time
	}
	v.asking, v.next = false, s.now.Add(p.Health.Interval)
	switch {
	case s.ev.OK:
		v.strikes, v.last = 0, ""
	case s.ev.Moot:
	case s.now.Sub(s.launched) < p.Health.StartPeriod:
		v.last = s.ev.Reason
	default:
		v.strikes, v.last = v.strikes+1, s.ev.Reason
	}
	if p.Health.Retries > 0 && v.strikes >= p.Health.Retries && !s.held {
		s.abort(unwell, "health", "health: "+checks(v.strikes)+" failed"+v.saying())
		return
	}
	s.watch()
}

func checks(n int) string {
	if n == 1 {
		return "1 check"
	}
	return strconv.Itoa(n) + " checks"
}

// renew is a restart that nobody asked for, decided elsewhere.
func (s *step) renew() {
	if s.want == Up && !s.held {
		s.abort(unwell, s.ev.By, s.ev.Reason)
	}
}

// abort stops an instance by our own judgement; it stays wanted. One that is
// held stops anyway, as somebody asked, but not before those that depend on it.
func (s *step) abort(b blame, by, why string) {
	if s.vigil == nil {
		s.vigil = &vigil{}
	}
	s.vigil.asking = false
	if s.held {
		s.deadline = time.Time{}
		return
	}
	s.vigil.blame, s.vigil.why, s.by = b, why, by
	s.halt()
}

// judged is the end of such a stop: what it was for decides how it goes on.
func (s *step) judged() {
	b, why := s.vigil.blame, s.vigil.why
	s.vigil.blame = innocent
	switch {
	case b == unready:
		s.vigil.why = ""
		s.fail(why)
	case s.now.Sub(s.launched) < quick:
		s.hasty++
		s.backoff(why)
	default:
		s.failed, s.hasty = 0, 0
		s.enter(Stopped, why)
		s.launch(true)
	}
}

// rewatch takes over a changed policy for a process that lives. What it was
// not launched to say, it need not say.
func (s *step) rewatch() {
	v, p := s.vigil, s.group.Policy.Watching()
	if v == nil {
		if v = p.newVigil(s.launched); v == nil {
			return
		}
		v.ready, s.vigil = true, v
	}
	if v.asking { // as it was watched before
		s.do(Action{Do: DoDrop})
	}
	v.asking, v.strikes, v.last = false, 0, ""
	v.ready = v.ready || p.Ready == ReadyAlive
	if s.state == Running {
		v.next, v.bite = s.now.Add(p.Health.Interval), s.now.Add(p.Watchdog)
		s.watch()
		return
	}
	v.limit = s.launched.Add(p.ReadyTime)
	s.progress()
}

// late is news of a process that is not there any more, or that changes nothing.
func (s *step) late() {}

// Doubt tells what is known against i: what it lacks to be ready, or its
// failed checks of health; "" when it is nothing.
func (i *Instance) Doubt() string {
	v := i.vigil
	switch {
	case v == nil:
	case i.state == Starting && !v.ready:
		return "not ready yet" + v.saying()
	case i.state == Running && v.last != "" && i.group.Policy.Watching().Health.Retries > 0:
		return "health: " + strconv.Itoa(v.strikes) + " of " + checks(i.group.Policy.Watching().Health.Retries) + " failed" + v.saying()
	}
	return ""
}
