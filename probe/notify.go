package probe

import "strings"

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
		}
	}
	return n
}
