package server

import (
	"net/http"
	"time"

	"taskmaster/gateway/guard"
	"taskmaster/gateway/supervisor"
)

// What supervisorctl tail -f and maintail -f ask for: what was there at the end, and then
// what comes, for as long as the client reads.
const (
	lastLines = "20"
	maxTails  = 64 // at once
	tailWrite = 30 * time.Second
)

var tails = make(chan struct{}, maxTails)

func (s *Server) logtail(w http.ResponseWriter, r *http.Request) {
	stream := r.PathValue("stream")
	if stream == "" {
		stream = "stdout"
	}
	name, err := s.Service.Target(r.Context(), r.PathValue("name"))
	switch {
	case supervisor.IsFault(err) || stream != "stdout" && stream != "stderr":
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		s.follow(w, r, "tail", "-f", "--raw", "-n", lastLines, "--", name, stream)
	}
}

func (s *Server) mainLogtail(w http.ResponseWriter, r *http.Request) {
	s.follow(w, r, "log", "-f", "-n", lastLines)
}

func (s *Server) follow(w http.ResponseWriter, r *http.Request, command string, words ...string) {
	select {
	case tails <- struct{}{}:
		defer func() { <-tails }()
	default:
		http.Error(w, "too many are looking", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	guard.Unhurried(w, tailWrite)
	control := http.NewResponseController(w)
	write := func(text string) error {
		if err := control.SetWriteDeadline(time.Now().Add(tailWrite)); err != nil {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	if write("") != nil { // the head, before anything is printed
		return
	}
	err := s.Link.Follow(r.Context(), write, command, words...)
	if err != nil && r.Context().Err() == nil {
		_ = write("[" + err.Error() + "]\n") // who went away needs no reason
	}
}
