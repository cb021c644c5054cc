package guard

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Rules are what a request must meet before anybody looks at it.
type Rules struct {
	Control  *Accounts // may do everything; nil when there are none
	Readers  *Accounts // may look; nil when there are none
	Sockets  bool      // passwords are asked for on Unix sockets, too
	ReadOnly bool
	Hosts    []string // further names of this server
}

// Header is the header that a request of the page's own script has: no other site can
// make a browser send it without asking first, and that is refused.
const Header = "X-Taskmaster"

// Rights are what the sender of a request may do.
type Rights struct {
	Name    string // of the account, "" without one
	Control bool
	Why     string // why not
}

type rightsKey struct{}

// wrongTime is what a wrong password costs who tries it.
const wrongTime = 500 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// RightsOf gives the rights that Wrap has found.
func RightsOf(r *http.Request) Rights {
	rights, _ := r.Context().Value(rightsKey{}).(Rights)
	return rights
}

// Wrap is next for one place, behind the rules.
func (g *Rules) Wrap(p *Place, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		common(w.Header())
		if !p.Unix && !g.knownHost(p, r.Host) {
			http.Error(w, "this is not the host you asked for", http.StatusMisdirectedRequest)
			return
		}
		if foreign(r) {
			http.Error(w, "requests from other sites are not taken", http.StatusForbidden)
			return
		}
		rights, ok := g.rights(p, r)
		if !ok {
			if _, _, given := r.BasicAuth(); given {
				pause(r.Context(), wrongTime)
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="taskmaster", charset="UTF-8"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), rightsKey{}, rights)))
	})
}

func common(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

// rights tells what the sender may do; false is that he has to say who he is.
func (g *Rules) rights(p *Place, r *http.Request) (Rights, bool) {
	asked := (g.Control != nil || g.Readers != nil) && (!p.Unix || g.Sockets)
	switch name, password, given := r.BasicAuth(); {
	case !asked && !p.Unix:
		return Rights{Why: "the gateway is read-only here: there is no authentication"}, true
	case !asked:
	case !given:
		return Rights{}, false
	case g.Control.Admits(name, password):
	case g.Readers.Admits(name, password):
		return Rights{Name: name, Why: name + " may only look"}, true
	default:
		return Rights{}, false
	}
	name := ""
	if asked {
		name, _, _ = r.BasicAuth()
	}
	if g.ReadOnly {
		return Rights{Name: name, Why: "the gateway is read-only"}, true
	}
	return Rights{Name: name, Control: true}, true
}

// knownHost keeps out pages whose own name was made to point here (DNS rebinding).
func (g *Rules) knownHost(p *Place, host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return slices.Contains(p.Hosts, host) || slices.Contains(g.Hosts, host)
}

// foreign tells whether a browser sends this for another site: to be seen as a page it may
// come from anywhere, everything else from our own page only.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" && site != "none" {
		return r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}
