package shell

import (
	"strings"

	"taskmaster/control"
	"taskmaster/text"
)

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

func noticeColor(line string) string {
	_, after, _ := strings.Cut(line, "-> ")
	state, _, _ := strings.Cut(after, " ")
	switch state {
	case "FATAL", "UNKNOWN", "BACKOFF":
		return stateColor(state)
	}
	return "\x1b[2m"
}
