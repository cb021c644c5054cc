package page

import (
	"errors"
	"net/http"
	"time"

	"taskmaster/gateway/link"
)

// firstLines is how much of the output is shown at first.
const firstLines = "200"

// output follows one output of one process, as pieces of text.
func output(l *link.Client, w http.ResponseWriter, r *http.Request) {
	s, end, ok := openStream(w)
	if end != nil {
		defer end()
	}
	if !ok {
		return
	}
	pieces, failed := pump(l, r)
	quiet := time.NewTicker(beat)
	defer quiet.Stop()
	for ok {
		select {
		case text := <-pieces:
			ok = s.send(text)
		case <-quiet.C:
			ok = s.beat()
		case err := <-failed:
			if errors.Is(err, link.ErrAway) {
				return // the browser will ask again
			}
			if err != nil {
				s.send("[" + err.Error() + "]\n")
			}
			failed = nil
		case <-r.Context().Done():
			return
		}
	}
}

// pump hands over what comes, until the request ends; failed says how it has ended before.
func pump(l *link.Client, r *http.Request) (pieces chan string, failed chan error) {
	pieces, failed = make(chan string), make(chan error, 1)
	name, from := r.FormValue("name"), r.FormValue("stream")
	if from != "stderr" {
		from = "stdout"
	}
	give := func(text string) error {
		select {
		case pieces <- text:
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	go func() {
		failed <- l.Follow(r.Context(), give, "tail", "-f", "--raw", "-n", firstLines, "--", name, from)
	}()
	return pieces, failed
}
