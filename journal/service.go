package journal

import (
	"errors"
	"strconv"
	"time"

	"taskmaster/text"

	"golang.org/x/sys/unix"
)

// Form is how a log service wants its messages.
type Form uint8

// The forms.
const (
	// Syslog is a line as syslog(3) sends it to /dev/log, in the way of RFC 3164.
	Syslog Form = iota
	// Native is journald's own: one KEY=VALUE a line.
	Native
)

const (
	// serviceRetry is the least time between two attempts at a service that is not there.
	serviceRetry = time.Second

	// maxMessage bounds a line for syslog, in bytes: more than that is cut off by
	// some that receive it.
	maxMessage = 8 << 10

	identifier = "taskmaster"
	facility   = 3 // daemon
)

// Service is a log service of this machine, which takes a message for each
// event. Messages that it does not take are lost, counted, and the count is told
// when it takes one again; the daemon never waits for it.
type Service struct {
	Form Form
	PID  int // of the daemon
	Send func(p []byte) error

	// Fault and Healed tell of the beginning and the end of a trouble, the latter
	// with the number of lines that were lost. They may log.
	Fault  func(err error)
	Healed func(lost int)

	trouble error
	lost    int
	retryAt time.Time
	buf     []byte
}

// Lost is how many messages were not taken in the present trouble.
func (s *Service) Lost() int { return s.lost }

// Missed is for a service that had lost messages before this one was made.
func (s *Service) Missed(lost int) {
	if lost > 0 {
		s.lost, s.trouble = lost, errMissed
	}
}

var errMissed = errors.New("messages were lost before")

// write sends one event, unless the service is known not to be there.
func (s *Service) write(now time.Time, level Level, json bool, event string, fields []Field) {
	if s.trouble != nil && now.Before(s.retryAt) {
		s.lost++
		return
	}
	buf := s.buf[:0]
	s.buf = nil // Fault and Healed may come back here
	if s.Form == Native {
		buf = appendNative(buf, level, event, fields)
	} else {
		buf = appendSyslog(buf, now, s.PID, level, json, event, fields)
	}
	err := s.Send(buf)
	s.buf = buf
	s.judge(now, err)
}

// judge takes in what became of a message.
func (s *Service) judge(now time.Time, err error) {
	switch {
	case err == nil && s.trouble == nil:
	case err == nil:
		lost := s.lost
		s.trouble, s.lost = nil, 0
		s.Healed(lost)
	default:
		s.lost++
		if !errors.Is(err, unix.EAGAIN) { // whoever is slow may be asked at any time
			s.retryAt = now.Add(serviceRetry)
		}
		known := s.trouble != nil
		if s.trouble = err; !known {
			s.Fault(err)
		}
	}
}

// priorities are the levels as syslog(3) numbers them.
var priorities = [...]int64{Debug: 7, Info: 6, Warn: 4, Error: 3}

// appendSyslog is <PRIORITY>TIME taskmaster[PID]: event key=value …; the time is
// local, as receivers on the same machine expect.
func appendSyslog(buf []byte, now time.Time, pid int, level Level, json bool, event string, fields []Field) []byte {
	buf = append(buf, '<')
	buf = strconv.AppendInt(buf, facility<<3|priorities[level], 10)
	buf = append(buf, '>')
	buf = now.AppendFormat(buf, time.Stamp)
	buf = append(buf, ' ')
	buf = append(buf, identifier...)
	buf = append(buf, '[')
	buf = strconv.AppendInt(buf, int64(pid), 10)
	buf = append(buf, "]: "...)
	if json {
		buf = AppendJSON(buf, now, level, event, fields)
		return buf[:len(buf)-1]
	}
	buf = text.AppendVisible(buf, event, false)
	buf = AppendFields(buf, fields)
	if len(buf) > maxMessage {
		buf = append(buf[:maxMessage-len("...")], "..."...)
	}
	return buf
}

// appendNative is the message and its fields, each a line of its own
// (systemd.journal-fields(7)). No value holds a line end: they are made visible.
func appendNative(buf []byte, level Level, event string, fields []Field) []byte {
	buf = append(buf, "MESSAGE="...)
	buf = text.AppendVisible(buf, event, false)
	buf = AppendFields(buf, fields)
	buf = append(buf, "\nPRIORITY="...)
	buf = strconv.AppendInt(buf, priorities[level], 10)
	buf = append(buf, "\nSYSLOG_FACILITY="...)
	buf = strconv.AppendInt(buf, facility, 10)
	buf = append(buf, "\nSYSLOG_IDENTIFIER="+identifier+"\nTASKMASTER_EVENT="...)
	buf = text.AppendVisible(buf, event, false)
	for i := range fields {
		buf = append(buf, "\nTASKMASTER_"...)
		buf = appendKey(buf, fields[i].Key)
		buf = append(buf, '=')
		buf = fields[i].appendPlain(buf)
	}
	return append(buf, '\n')
}

// appendKey is a key as journald has them: capital letters, digits and _.
func appendKey(buf []byte, key string) []byte {
	for _, c := range []byte(key) {
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		default:
			c = '_'
		}
		buf = append(buf, c)
	}
	return buf
}

// appendPlain is the value without quotes.
func (f *Field) appendPlain(buf []byte) []byte {
	if f.kind != isString {
		return f.appendText(buf)
	}
	v, cut := bounded(f.Value)
	buf = text.AppendVisible(buf, v, false)
	if cut {
		buf = append(buf, "..."...)
	}
	return buf
}
