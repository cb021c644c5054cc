package config

import (
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// kind is what a field accepts. It decides the words of a message, the JSON
// Schema and the column of the reference; the field's read function parses.
type kind uint8

const (
	kindBool kind = iota
	kindInt
	kindDuration
	kindSize
	kindOctal
	kindSignal
	kindWord  // one of spec.words
	kindText  // any text
	kindPath  // a path
	kindPaths // a path or a list of them
	kindCodes
	kindCommand
	kindOutput
	kindEnv
	kindLimits
	kindAccount // a name or number of a user or group
	kindRestart
	kindCountLimit // a number or unlimited
	kindSizeLimit  // likewise, of bytes
	kindMemoryMax  // a size or max
	kindCPUMax     // cores, percent, or the kernel's quota and period, or max
	kindPidsMax    // a number or max
	kindSchedule   // five fields of cron, @name, or none
	kindEvents     // a word of EventKinds, or a list of them
	kindGlobs      // a pattern or a list of them
	kindHooks
	kindPrograms
	kindSection
	kindReady
	kindHealth
	kindDepends
	kindAddress // HOST:PORT
	kindURL
	kindRegexp
	kindWatch // true, false, or paths, true among them
)

// spec is all that is said of one field besides how it is stored.
type spec struct {
	name     string
	kind     kind
	min, max int64    // bounds of kindInt; min of kindDuration, in nanoseconds; max of kindOctal
	words    []string // of kindWord and kindPath: words with a meaning of their own
	def      string   // the default as it would be written; in <> when it is no value
	example  string   // a value as it would be written, other than the default
	doc      string   // one or two sentences
	also     string   // what other supervisors call it, space separated
	process  bool     // a change of it needs another process
}

// field is a spec and where its value is kept in a T.
type field[T any] struct {
	spec
	read func(a at, n *yaml.Node, t *T)
	same func(a, b *T) bool

	// steers tells of a field that makes another process whether this difference
	// does not; nil is never.
	steers func(a, b *T) bool
}

// lookup finds a field by its name, nil when there is none.
func lookup[T any](fields []field[T], name string) *field[T] {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// specs is what is said of fields of any kind.
func specs[T any](fields []field[T]) []*spec {
	out := make([]*spec, len(fields))
	for i := range fields {
		out[i] = &fields[i].spec
	}
	return out
}

// want is what a field accepts, in words that follow "must be".
func (s *spec) want() string {
	switch s.kind {
	case kindBool:
		return "true or false"
	case kindInt:
		return "a whole number from " + strconv.FormatInt(s.min, 10) + " to " + strconv.FormatInt(s.max, 10)
	case kindDuration:
		return "a duration such as 5, 0.5, 500ms, 5s, 2m or 1h" + s.least()
	case kindSize:
		return "a size such as 4096, 512KiB, 10MB or 10MiB"
	case kindOctal:
		return "an octal number such as " + s.example + ", at most 0" + strconv.FormatInt(s.max, 8)
	case kindSignal:
		return "a signal such as TERM, SIGTERM or 15"
	case kindCodes:
		return "an exit code from 0 to 255 or a list of them"
	case kindCommand:
		return "a command (text) or a list of words"
	case kindCountLimit:
		return "a whole number or unlimited"
	case kindSizeLimit:
		return "a whole number, a size such as 64MiB, or unlimited"
	}
	return s.wantMax()
}

// wantMax is want for the limits of cgroups and for schedules.
func (s *spec) wantMax() string {
	switch s.kind {
	case kindMemoryMax:
		return "a size such as 64MiB (at least 4096), or max"
	case kindCPUMax:
		return "a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max"
	case kindPidsMax:
		return "a whole number from 1 to 4194304, or max"
	case kindSchedule:
		return "five fields as in a crontab, @hourly, @daily, @weekly, @monthly, @yearly, @every and a duration, or none"
	}
	return s.wantText()
}

// wantText is want for the kinds that are written as words.
func (s *spec) wantText() string {
	switch s.kind {
	case kindWord:
		return orList(s.words)
	case kindText:
		return "text"
	case kindPath:
		return orList(append([]string{"a path"}, s.words...))
	case kindPaths:
		return "a path or a list of paths"
	case kindAccount:
		return "a name or a number"
	case kindRestart:
		return "always, never, unexpected, true or false"
	case kindEvents:
		return "an event or a list of them"
	case kindGlobs:
		return "a name or pattern, or a list of them"
	case kindHooks:
		return "a list of hooks"
	case kindReady:
		return "notify or a mapping with one of fd, log, tcp, http or exec"
	case kindHealth:
		return "a mapping with one of tcp, http or exec"
	case kindDepends:
		return "the name of a program, a list of them, or a mapping of names to " + orList(conditions)
	case kindAddress:
		return "HOST:PORT"
	case kindURL:
		return "a URL such as " + s.example
	case kindWatch:
		return "true, false, a path or a list of paths"
	case kindRegexp:
		return "a regular expression"
	case kindOutput:
		return orList(append(append([]string{"a path"}, s.words...), "a mapping with path"))
	}
	return "a mapping"
}

func (s *spec) least() string {
	if s.min == 0 {
		return ""
	}
	return ", at least " + time.Duration(s.min).String()
}

// orList is "a, b or c".
func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
