// Package page is the status page: one document, live by server-sent events.
package page

import (
	"crypto/sha256"
	_ "embed" // page.html
	"encoding/base64"
	"log"
	"net/http"
	"strings"

	"taskmaster/gateway/link"
)

//go:embed page.html
var document string

// policy lets the page's own script and style in by their hashes, and nothing else.
var policy = "default-src 'none'; script-src " + hash("script") + "; style-src " + hash("style") +
	"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// hash is that of what stands in the document's one element of this name.
func hash(element string) string {
	_, after, _ := strings.Cut(document, "<"+element+">")
	inside, _, _ := strings.Cut(after, "</"+element+">")
	sum := sha256.Sum256([]byte(inside))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Register serves the page and what it asks for. What is done through it is logged.
func Register(mux *http.ServeMux, l *link.Client, logger *log.Logger) {
	h := &hub{link: l, subscribers: map[chan state]struct{}{}}
	mux.HandleFunc("GET /{$}", serve)
	mux.HandleFunc("GET /api/state", h.serve)
	mux.HandleFunc("GET /api/output", func(w http.ResponseWriter, r *http.Request) { output(l, w, r) })
	mux.HandleFunc("POST /api/order", func(w http.ResponseWriter, r *http.Request) { order(l, logger, w, r) })
}

func serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(document)) // who went away needs no page
}
