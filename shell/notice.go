package shell

import (
	"strings"
	"time"

	"taskmaster/control"
	"taskmaster/text"
)

// maxNews is how many changes are shown within a second. When all of a large
// configuration starts, nobody could read them, nor type.
const maxNews = 8

// news are the state changes that are shown above the prompt.
type news struct {
	off      bool // notify off
	since    time.Time
	shown    int // since then
	withheld int // since then
}

// deadline is when to say how many were withheld.
func (n *news) deadline() time.Time {
	if n.withheld == 0 {
		return time.Time{}
	}
	return n.since.Add(refresh)
}

// Notice shows a line of events above the prompt while nothing is waited for.
// With "notify off" it is dropped; of a flood only what went wrong is shown, and
// how much more there was.
func (s *Session) Notice(line string) {
	if !s.o.Terminal || s.news.off || s.task != nil || s.ended || s.closed {
		return
	}
	if now := s.host.Now(); now.Sub(s.news.since) >= refresh {
		s.tellWithheld()
		s.news.since, s.news.shown = now, 0
	}
	if s.news.shown++; s.news.shown > maxNews && !isAlarm(line) {
		s.news.withheld++
		return
	}
	s.above(s.notice(line))
	s.pump()
}

func (s *Session) tellWithheld() {
	if s.news.withheld > 0 {
		s.above(nil)
		s.putDim("… and " + itoa(s.news.withheld) + " more changes")
		s.put([]byte("\n"))
		s.news.withheld = 0
	}
}

// notice is how a state change is shown above the prompt: with the time of day
// for the whole stamp that events writes, in the colour of what went wrong, or dim.
func (s *Session) notice(line string) []byte {
	if stamp, rest, ok := strings.Cut(line, " "); ok && isStamp(stamp) {
		line = stamp[len("2006-01-02T"):len("2006-01-02T15:04:05")] + " " + rest
	}
	line = text.Visible(line)
	if s.o.Color {
		line = noticeColor(line) + line + "\x1b[m"
	}
	return []byte(line + "\n")
}

func isStamp(s string) bool {
	return len(s) > len("2006-01-02T15:04:05") && len(s) <= len(control.Stamp) && s[4] == '-' && s[10] == 'T' && s[13] == ':'
}

// newState is the state that a line of events ends in.
func newState(line string) string {
	_, after, _ := strings.Cut(line, "-> ")
	state, _, _ := strings.Cut(after, " ")
	return state
}

// isAlarm tells whether the state is one that somebody should know of.
func isAlarm(line string) bool {
	state := newState(line)
	return state == "FATAL" || state == "UNKNOWN" || state == "BACKOFF"
}

func noticeColor(line string) string {
	if isAlarm(line) {
		return stateColor(newState(line))
	}
	return "\x1b[2m"
}
