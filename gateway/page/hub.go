package page

import (
	"context"
	"net/http"
	"sync"
	"time"

	"taskmaster/control"
	"taskmaster/gateway/guard"
	"taskmaster/gateway/link"
)

const (
	// least is the least time between two states that are sent out.
	least = 200 * time.Millisecond
	// again is how long after the daemon has gone it is looked for.
	again = time.Second
)

// state is what the page shows.
type state struct {
	Up        bool      `json:"up"`
	Control   bool      `json:"control"`
	Why       string    `json:"why"`
	Processes []process `json:"processes"`
}

type process struct {
	Name     string  `json:"name"`
	State    string  `json:"state"`
	PID      int     `json:"pid"`
	Uptime   float64 `json:"uptime"`
	Restarts int     `json:"restarts"`
	Reason   string  `json:"reason"`
	Next     float64 `json:"next"`
}

// hub follows the daemon for all who look, and only while somebody does.
type hub struct {
	link        *link.Client
	mu          sync.Mutex
	subscribers map[chan state]struct{}
	last        *state
	stop        context.CancelFunc
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	s, end, ok := openStream(w)
	if end != nil {
		defer end()
	}
	if !ok {
		return
	}
	rights := guard.RightsOf(r)
	states := h.subscribe()
	defer h.unsubscribe(states)
	quiet := time.NewTicker(beat)
	defer quiet.Stop()
	for ok {
		select {
		case st := <-states:
			st.Control, st.Why = rights.Control, rights.Why
			ok = s.send(st)
		case <-quiet.C:
			ok = s.beat()
		case <-r.Context().Done():
			return
		}
	}
}

// subscribe gives a channel that always holds the newest state only.
func (h *hub) subscribe() chan state {
	ch := make(chan state, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[ch] = struct{}{}
	if h.last != nil {
		ch <- *h.last
	}
	if h.stop == nil {
		var ctx context.Context
		ctx, h.stop = context.WithCancel(context.Background())
		go h.run(ctx)
	}
	return ch
}

func (h *hub) unsubscribe(ch chan state) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.subscribers, ch); len(h.subscribers) == 0 {
		h.stop()
		h.stop, h.last = nil, nil
	}
}

func (h *hub) publish(ctx context.Context, st state) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return // nobody looks any more, or another run has begun
	}
	h.last = &st
	for ch := range h.subscribers {
		select {
		case <-ch: // the one before was not seen
		default:
		}
		ch <- st
	}
}

// run follows one daemon after the other.
func (h *hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		if h.follow(ctx) != nil {
			h.publish(ctx, state{Processes: []process{}})
		}
		pause(ctx, again)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// follow publishes the state at first and after each change, until the daemon goes away.
func (h *hub) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := h.link.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Send("events", "-f", "-n0", "--json"); err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	gone := make(chan error, 1)
	go func() { gone <- watch(conn, changed) }()
	for {
		if err := h.refresh(ctx); err != nil {
			return err
		}
		pause(ctx, least)
		select {
		case <-changed:
		case err := <-gone:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// watch tells of events; many in a row are one.
func watch(conn *link.Conn, changed chan<- struct{}) error {
	for {
		if _, err := conn.Next(); err != nil {
			return err
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

func (h *hub) refresh(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	results, err := h.link.Do(limited, link.Command{"status"})
	if err != nil {
		return err
	}
	h.publish(ctx, state{Up: true, Processes: shown(results[0].Rows)})
	return nil
}

func shown(rows []control.Row) []process {
	out := make([]process, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = process{r.Name, r.State, r.PID, r.Uptime, r.Restarts, r.Reason, r.Next}
	}
	return out
}
