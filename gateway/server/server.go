// Package server puts together what the gateway serves over HTTP.
package server

import (
	"context"
	"log"
	"net"
	"net/http"
	"time"

	"taskmaster/gateway/guard"
	"taskmaster/gateway/link"
	"taskmaster/gateway/metrics"
	"taskmaster/gateway/page"
	"taskmaster/gateway/supervisor"
)

const (
	headerTime = 10 * time.Second // for a request's head
	bodyTime   = 30 * time.Second // for all of it
	idleTime   = 2 * time.Minute  // between two requests of a connection
	plainTime  = time.Minute      // for an answer that does not wait for programs
	maxHeader  = 32 << 10         // bytes
)

// Server serves one daemon.
type Server struct {
	Link    *link.Client
	Service *supervisor.Service
	Rules   *guard.Rules
	Log     *log.Logger
}

// Handler is everything, without the rules.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/RPC2", s.rpc)
	mux.HandleFunc("/RPC2/{rest...}", s.rpc)
	mux.HandleFunc("GET /logtail/{name}", s.logtail)
	mux.HandleFunc("GET /logtail/{name}/{stream}", s.logtail)
	mux.HandleFunc("GET /mainlogtail", s.mainLogtail)
	mux.Handle("GET /metrics", metrics.Handler(s.Link))
	page.Register(mux, s.Link, s.Log)
	return mux
}

// Serve serves one place until ctx ends.
func (s *Server) Serve(ctx context.Context, p *guard.Place) error {
	h := &http.Server{
		Handler: s.Rules.Wrap(p, s.Handler()), ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: plainTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: s.Log,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if h.Shutdown(soon) != nil {
			_ = h.Close() // whatever is still open is cut
		}
	})
	defer stop()
	if err := h.Serve(p); err != http.ErrServerClosed {
		return err
	}
	return nil
}
