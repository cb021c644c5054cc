package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"taskmaster/gateway/guard"
	"taskmaster/gateway/supervisor"
	"taskmaster/gateway/xmlrpc"
)

const (
	maxCall  = 1 << 20          // bytes of one call
	maxCalls = 64               // at once; more wait
	callTime = 30 * time.Minute // for a call that waits for programs
)

var calls = make(chan struct{}, maxCalls)

// rpc answers one XML-RPC call.
func (s *Server) rpc(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "XML-RPC is asked by POST", http.StatusMethodNotAllowed)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/xml" && kind != "application/xml" {
		http.Error(w, "XML-RPC is text/xml", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		refuseBody(w, err)
		return
	}
	call, err := xmlrpc.ParseCall(body)
	if err != nil {
		http.Error(w, "not an XML-RPC call: "+err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case calls <- struct{}{}:
		defer func() { <-calls }()
	case <-r.Context().Done():
		return
	}
	guard.Unhurried(w, callTime)
	s.answer(w, r, call)
}

func refuseBody(w http.ResponseWriter, err error) {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		http.Error(w, fmt.Sprintf("a call of over %d bytes", maxCall), http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, call *xmlrpc.Call) {
	rights := guard.RightsOf(r)
	who := supervisor.Caller{Control: rights.Control, Refusal: rights.Why}
	who.Note = func(method string, params []any) { s.Log.Print(guard.Note(r, fmt.Sprintf("%s%.500q", method, params))) }
	v, err := s.Service.Call(r.Context(), who, call.Method, call.Params)
	var fault *xmlrpc.Fault
	if err != nil && !errors.As(err, &fault) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	document := xmlrpc.Response(v, fault)
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(document)))
	_, _ = w.Write(document) // who went away needs no answer
}
