package guard

import (
	"fmt"
	"net/http"
	"time"
)

// Note is a line for the log: who does what, from where.
func Note(r *http.Request, what string) string {
	from := "a Unix socket"
	if r.RemoteAddr != "" && r.RemoteAddr != "@" {
		from = r.RemoteAddr
	}
	return fmt.Sprintf("%q from %s: %s", RightsOf(r).Name, from, what)
}

// Unhurried is for an answer that takes its time. The request has been read: the deadline
// for that would end it, and its answer has until patience has passed to be written.
func Unhurried(w http.ResponseWriter, patience time.Duration) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // fails only where there are no deadlines
	_ = c.SetWriteDeadline(time.Now().Add(patience))
}
