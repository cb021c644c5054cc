package probe

import (
	"strconv"
	"strings"
	"time"
)

// MaxNotice is the longest message of sd_notify that is read, in bytes.
const MaxNotice = 4096

// Notice is what a program says of itself (sd_notify(3)). Fields that it does
// not name are zero.
type Notice struct {
	Ready     bool // READY=1: started, or done with reloading
	Reloading bool // RELOADING=1
	Stopping  bool // STOPPING=1
	Alive     bool // WATCHDOG=1: the watchdog's time begins anew
	Sick      bool // WATCHDOG=trigger: as if the watchdog's time were over

	Status    string // STATUS=…, any bytes but a newline
	HasStatus bool   // Status is meant, also when it is empty

	Watchdog time.Duration // WATCHDOG_USEC=…: its new time; 0 for none
	Extend   time.Duration // EXTEND_TIMEOUT_USEC=…: how long the present step needs; 0 for none
}

// ParseNotice takes a message apart: lines of KEY=VALUE, of which the last one
// of a key counts. What it does not know it passes over, as sd_notify wants it,
// among it MAINPID, FDSTORE and BARRIER.
func ParseNotice(message []byte) (n Notice) {
	text, _, _ := strings.Cut(string(message), "\x00")
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "READY":
			n.Ready = value == "1"
		case "RELOADING":
			n.Reloading = value == "1"
		case "STOPPING":
			n.Stopping = value == "1"
		case "WATCHDOG":
			n.Alive, n.Sick = value == "1", value == "trigger"
		case "STATUS":
			n.Status, n.HasStatus = value, true
		case "WATCHDOG_USEC":
			n.Watchdog = microseconds(value)
		case "EXTEND_TIMEOUT_USEC":
			n.Extend = microseconds(value)
		}
	}
	return n
}

// microseconds is 0 for what is no number, and at most 100 years.
func microseconds(value string) time.Duration {
	const longest = 100 * 365 * 24 * time.Hour
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, uint64(longest/time.Microsecond))) * time.Microsecond
}
