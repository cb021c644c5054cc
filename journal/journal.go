// Package journal is the daemon's own log: one line an event, as text or JSON,
// in a file, on stderr, at a log service or nowhere, and the last of them in memory for the
// command log. No line can be forged by what somebody else chose (a name, an
// argument, an error text): control bytes and broken UTF-8 are made visible,
// values are quoted and bounded. Writing a line allocates nothing.
package journal

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"taskmaster/control"
	"taskmaster/logfile"
	"taskmaster/text"
)

const (
	// keptBytes and keptLines bound what Tail remembers.
	keptBytes = 64 << 10
	keptLines = 1000
)

// Level is how much an event matters.
type Level uint8

// The levels, in rising order.
const (
	Debug Level = iota
	Info
	Warn
	Error
)

var levelNames = [...]string{"debug", "info", "warn", "error"}

// String is the level as written in the configuration.
func (l Level) String() string { return levelNames[l] }

// ParseLevel gives the level of this name, in any case; an error names what it is not.
func ParseLevel(name string) (Level, error) {
	for l, n := range levelNames {
		if strings.EqualFold(n, name) {
			return Level(l), nil
		}
	}
	return Info, errors.New("no such log level: " + text.Visible(name))
}

// Sink is where lines go, one whole line a call. It must not block and must not
// keep p: a *logfile.Stream or a *logfile.Console.
type Sink interface {
	Write(p []byte, now time.Time)
}

// Journal is the daemon's log.
type Journal struct {
	// OnLine, when set, is called with each line, without its line end, before
	// the sink gets it: for those who follow the log. It must not keep line.
	OnLine func(line []byte)

	sink    Sink
	service *Service
	level   Level
	json    bool
	kept    *logfile.Ring
	buf     []byte // of the line being written
	stamp   []byte // of the last line, written
	stampAt time.Time
}

// New gives a journal that writes what matters at least as much as level to w;
// with w nil the lines are only kept in memory.
func New(w Sink, level Level, json bool) *Journal {
	return &Journal{sink: w, level: level, json: json, kept: logfile.NewRing(keptBytes)}
}

// SetSink makes w the place of all later lines; nil is none.
func (j *Journal) SetSink(w Sink) { j.sink = w }

// SetService makes s the log service that gets all later lines too; nil is none.
func (j *Journal) SetService(s *Service) { j.service = s }

// SetLevel changes the least level that is written.
func (j *Journal) SetLevel(level Level) { j.level = level }

// SetFormat changes the form of all later lines.
func (j *Journal) SetFormat(json bool) { j.json = json }

// Enabled tells whether an event of this level is written: for fields that
// cost something to make.
func (j *Journal) Enabled(level Level) bool { return level >= j.level }

// Log writes one event. It may be called from within OnLine or the sink, as
// when the log's own file is in trouble: the inner line gets a buffer of its own.
func (j *Journal) Log(now time.Time, level Level, event string, fields ...Field) {
	if level < j.level {
		return
	}
	buf := j.buf[:0]
	j.buf = nil
	if j.json {
		buf = AppendJSON(buf, now, level, event, fields)
	} else {
		buf = appendText(buf, j.stamped(now), level, event, fields)
	}
	j.kept.Write(buf)
	if j.OnLine != nil {
		j.OnLine(buf[:len(buf)-1])
	}
	if j.sink != nil {
		j.sink.Write(buf, now)
	}
	if j.service != nil {
		j.service.write(now, level, j.json, event, fields)
	}
	j.buf = buf
}

// Tail gives the last n lines, oldest first, of the last 1,000 or 64 KiB.
func (j *Journal) Tail(n int) []string {
	b := j.kept.Bytes()
	if j.kept.Total() > int64(len(b)) { // the first line is cut
		b = b[bytes.IndexByte(b, '\n')+1:]
	}
	b = logfile.LastLines(b, min(n, keptLines), false)
	if len(b) == 0 {
		return nil
	}
	return strings.Split(string(b[:len(b)-1]), "\n")
}

// stamped is now as it is written. All lines of a turn have the same.
func (j *Journal) stamped(now time.Time) []byte {
	if !now.Equal(j.stampAt) || j.stamp == nil {
		j.stamp, j.stampAt = now.AppendFormat(j.stamp[:0], control.Stamp), now
	}
	return j.stamp
}

// appendText is the form for people: time, level, event, key=value …
func appendText(buf, stamp []byte, level Level, event string, fields []Field) []byte {
	buf = append(append(buf, stamp...), ' ')
	buf = append(buf, [...]string{"DEBUG ", "INFO  ", "WARN  ", "ERROR "}[level]...)
	buf = text.AppendVisible(buf, event, false)
	return append(AppendFields(buf, fields), '\n')
}

// AppendFields is key=value …, each after a space.
func AppendFields(buf []byte, fields []Field) []byte {
	for i := range fields {
		buf = append(buf, ' ')
		buf = text.AppendVisible(buf, fields[i].Key, false)
		buf = append(buf, '=')
		buf = fields[i].appendText(buf)
	}
	return buf
}

// AppendJSON is the form for machines: one object in a line.
func AppendJSON(buf []byte, now time.Time, level Level, event string, fields []Field) []byte {
	buf = append(buf, `{"time":"`...)
	buf = now.AppendFormat(buf, control.Stamp)
	buf = append(append(append(buf, `","level":"`...), level.String()...), `","event":`...)
	buf = appendString(buf, event)
	for i := range fields {
		buf = append(buf, ',')
		buf = appendString(buf, fields[i].Key)
		buf = append(buf, ':')
		buf = fields[i].appendJSON(buf)
	}
	return append(buf, "}\n"...)
}
