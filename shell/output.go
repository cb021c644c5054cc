package shell

import (
	"bytes"
	"time"

	"taskmaster/text"
)

// put shows text: on a terminal every LF is a CR LF, since the terminal may be
// in a mode where it is not.
func (s *Session) put(p []byte) {
	if len(p) == 0 {
		return
	}
	s.midLine = p[len(p)-1] != '\n'
	if !s.o.Terminal {
		s.out = append(s.out, p...)
		return
	}
	for {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		s.out = append(s.out, line...)
		if !found {
			return
		}
		s.out = append(s.out, "\r\n"...)
		p = rest
	}
}

// putError is put for what went wrong: on a terminal in red, in a script on standard error.
func (s *Session) putError(p []byte) {
	switch {
	case len(p) == 0:
	case !s.o.Terminal:
		s.errs = append(s.errs, p...)
	case s.o.Color:
		s.put([]byte("\x1b[31m"))
		s.put(p[:len(p)-1])
		s.put([]byte("\x1b[m\n"))
	default:
		s.put(p)
	}
}

// sayError is putError for one line that may hold anything.
func (s *Session) sayError(line string) {
	s.putError(append([]byte(text.Visible(line)), '\n'))
}

// putDim shows a line of our own that is beside the point.
func (s *Session) putDim(line string) {
	if line = cut(line, s.o.Cols-1); s.o.Color {
		line = "\x1b[2m" + line + "\x1b[m"
	}
	s.put([]byte(line))
}

// flush hands over what is to be shown.
func (s *Session) flush() {
	if len(s.out) > 0 {
		s.host.Write(s.out)
		s.out = s.out[:0]
	}
	if len(s.errs) > 0 {
		s.host.WriteErr(s.errs)
		s.errs = s.errs[:0]
	}
}

func (s *Session) flushPage() {
	if len(s.out)+len(s.errs) >= pageSize {
		s.flush()
	}
}

// Deadline is when Tick is to be called, the zero time is never.
func (s *Session) Deadline() time.Time {
	switch {
	case s.closed || !s.o.Terminal:
		return time.Time{}
	case s.task == nil:
		return s.news.deadline()
	}
	return s.task.next
}

// Tick does what is due: a second more on the progress line, status -w anew,
// the sum of the news that were withheld.
func (s *Session) Tick(now time.Time) {
	if at := s.Deadline(); at.IsZero() || now.Before(at) {
		return
	}
	switch t := s.task; {
	case t == nil:
		s.tellWithheld()
		s.pump()
	case t.passage != nil:
		s.detach(t, 0)
		s.pump()
	case t.watches():
		t.next = time.Time{}
		s.send(t)
	default:
		t.next = now.Add(refresh)
		s.showProgress(t.progress(now))
	}
}

func (s *Session) showProgress(line string) {
	s.hideProgress()
	if !s.midLine {
		s.putDim(line)
		s.progress, s.midLine = true, false
		s.flush()
	}
}

func (s *Session) hideProgress() {
	if s.progress {
		s.out = append(s.out, "\r\x1b[K"...)
		s.progress = false
	}
}
