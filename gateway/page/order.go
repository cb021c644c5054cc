package page

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"taskmaster/gateway/guard"
	"taskmaster/gateway/link"
)

// orderTime is how long an order may take: a program may need its stoptime and its starttime.
const orderTime = 10 * time.Minute

type orderAnswer struct {
	Lines  []string `json:"lines"`
	Errors []string `json:"errors"`
}

// order starts, stops or restarts one process for the page.
func order(l *link.Client, logger *log.Logger, w http.ResponseWriter, r *http.Request) {
	rights := guard.RightsOf(r)
	switch {
	case r.Header.Get(guard.Header) == "":
		http.Error(w, "the header "+guard.Header+" is missing", http.StatusForbidden)
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		http.Error(w, "send JSON", http.StatusUnsupportedMediaType)
		return
	case !rights.Control:
		http.Error(w, rights.Why, http.StatusForbidden)
		return
	}
	var o struct{ Verb, Name string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&o); err != nil {
		http.Error(w, "this is no order", http.StatusBadRequest)
		return
	}
	if !slices.Contains([]string{"start", "stop", "restart"}, o.Verb) || o.Name == "" {
		http.Error(w, "start, stop or restart, and a name", http.StatusBadRequest)
		return
	}
	logger.Print(guard.Note(r, fmt.Sprintf("%s %.500q", o.Verb, o.Name)))
	guard.Unhurried(w, orderTime)
	results, err := l.Do(r.Context(), link.Command{o.Verb, "--", o.Name})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer := orderAnswer{append([]string{}, results[0].Lines...), append([]string{}, results[0].Errors...)}
	_ = json.NewEncoder(w).Encode(answer) // who went away needs no answer
}
