package guard

import (
	"net/http"
	"time"
)

// Unhurried is for an answer that takes its time. The request has been read: the deadline
// for that would end it, and its answer has until patience has passed to be written.
func Unhurried(w http.ResponseWriter, patience time.Duration) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // fails only where there are no deadlines
	_ = c.SetWriteDeadline(time.Now().Add(patience))
}
