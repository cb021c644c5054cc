package probe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Target is what a check asks, parsed ahead by ParseTCP or ParseHTTP. Two with
// the same meaning and spelling are equal.
type Target struct {
	host      string // a name, or an address without brackets
	port      uint16
	authority string // of the URL, as it was written
	path      string // of the URL, with the query; "" for a check by TCP
}

// String is the target as people write it. The query of a URL is left out: it
// may hold what is no business of a log.
func (t Target) String() string {
	if t.path == "" {
		return t.authority
	}
	if path, _, query := strings.Cut(t.path, "?"); query {
		return "http://" + t.authority + path + "?…"
	}
	return "http://" + t.authority + t.path
}

const (
	tcpForm  = "must be HOST:PORT, such as localhost:5432 or [::1]:5432"
	httpForm = "must be a URL such as http://localhost:8080/health"
)

var (
	errHTTPS    = errors.New("https is not supported: name the plain http port, or let exec run a client")
	errUser     = errors.New("a URL with a user is not supported: let exec run a client")
	errFragment = errors.New("holds a #, and what follows is never sent")
)

// ParseTCP takes HOST:PORT. The host is an IPv4 address, an IPv6 address in
// brackets, localhost, or a name that /etc/hosts has at the time of the check.
// Errors are for after the name of a field: "must be HOST:PORT, …".
func ParseTCP(s string) (Target, error) {
	host, port, err := splitHost(s)
	switch {
	case err != nil:
		return Target{}, err
	case host == "" || port == "":
		return Target{}, fmt.Errorf("%s, not %q", tcpForm, s)
	}
	return newTarget(host, port, s, "")
}

// ParseHTTP takes http://HOST[:PORT][/PATH][?QUERY], with the hosts of
// ParseTCP; port 80 when there is none.
func ParseHTTP(s string) (Target, error) {
	rest, ok := cutScheme(s, "http://")
	if _, https := cutScheme(s, "https://"); https {
		return Target{}, errHTTPS
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if strings.Contains(authority, "@") {
		return Target{}, errUser
	}
	path, err := checkPath(path)
	if err != nil {
		return Target{}, err
	}
	host, port, err := splitHost(authority)
	switch {
	case err != nil:
		return Target{}, err
	case !ok || host == "" || strings.HasSuffix(authority, ":"):
		return Target{}, fmt.Errorf("%s, not %q", httpForm, s)
	case port == "":
		port = "80"
	}
	return newTarget(host, port, authority, path)
}

// cutScheme takes the scheme away, which is the same in any case (RFC 3986, 3.1).
func cutScheme(s, scheme string) (rest string, ok bool) {
	if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		return s[len(scheme):], true
	}
	return s, false
}

// checkPath refuses what would break the request apart.
func checkPath(path string) (string, error) {
	for _, c := range path {
		switch {
		case c == '#':
			return "", errFragment
		case c <= ' ' || c >= 0x7f:
			return "", fmt.Errorf("holds %q, which a URL may only hold percent-encoded", c)
		}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path, nil
}

// splitHost takes HOST:PORT apart, and the brackets away; port is "" when
// there is none.
func splitHost(s string) (host, port string, err error) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		host, after, ok := strings.Cut(inside, "]")
		if !ok || after != "" && after[0] != ':' {
			return "", "", fmt.Errorf("an IPv6 address with a port is written [::1]:80, not %q", s)
		}
		if _, v6 := parseAddress(host); !v6 || !strings.Contains(host, ":") {
			return "", "", notIPv6(host)
		}
		return host, strings.TrimPrefix(after, ":"), nil
	}
	if strings.Count(s, ":") > 1 {
		return "", "", fmt.Errorf("an IPv6 address with a port is written [::1]:80, not %q", s)
	}
	host, port, _ = strings.Cut(s, ":")
	return host, port, nil
}

func notIPv6(host string) error {
	if strings.Contains(host, "%") {
		return fmt.Errorf("%q has a zone, which is not supported", host)
	}
	return fmt.Errorf("%q is no IPv6 address", host)
}

func newTarget(host, port, authority, path string) (Target, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Target{}, fmt.Errorf("the port must be a number from 1 to 65535, not %q", port)
	}
	if _, ok := parseAddress(host); !ok && !isName(host) {
		return Target{}, fmt.Errorf("%q is neither an address nor the name of a host", host)
	}
	return Target{host, uint16(n), authority, path}, nil
}

// isName tells whether s can be the name of a host (RFC 1123, 2.1, and the
// underscore that people use). What ends in a number is an address, or a broken one.
func isName(s string) bool {
	const longest = 253
	last := s[strings.LastIndexByte(s, '.')+1:]
	if len(s) > longest || s[0] == '-' || s[0] == '.' || strings.Trim(last, "0123456789") == "" {
		return false
	}
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
