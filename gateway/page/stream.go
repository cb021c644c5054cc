package page

import (
	"encoding/json"
	"net/http"
	"time"

	"taskmaster/gateway/guard"
)

const (
	// writeTime is how long a browser may take to accept one event.
	writeTime = 15 * time.Second
	// beat is how often something is sent over a quiet stream, so that a dead one is noticed.
	beat = 25 * time.Second
	// maxStreams is how many streams are open at once.
	maxStreams = 100
)

var streams = make(chan struct{}, maxStreams)

// stream is one response of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// openStream begins one; false when there are too many. The caller calls end afterwards.
func openStream(w http.ResponseWriter) (s *stream, end func(), ok bool) {
	select {
	case streams <- struct{}{}:
	default:
		http.Error(w, "too many are looking", http.StatusServiceUnavailable)
		return nil, nil, false
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	guard.Unhurried(w, writeTime)
	s = &stream{w, http.NewResponseController(w)}
	return s, func() { <-streams }, s.write([]byte(": hello\n\n"))
}

// send gives false when the browser has gone.
func (s *stream) send(v any) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return false
	}
	return s.write(append(append([]byte("data: "), b...), "\n\n"...))
}

func (s *stream) beat() bool { return s.write([]byte(": still here\n\n")) }

func (s *stream) write(b []byte) bool {
	if s.control.SetWriteDeadline(time.Now().Add(writeTime)) != nil {
		return false
	}
	if _, err := s.w.Write(b); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
