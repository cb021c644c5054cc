package guard

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxConns is how many connections a listener has at once; more wait.
const maxConns = 256

// Place is one address to listen at.
type Place struct {
	net.Listener
	Unix  bool
	Hosts []string // names that a request may give as its host; none on a socket
}

// Listen opens an address: unix:PATH, a path, or HOST:PORT. Addresses that others than this
// machine can reach are refused unless open is set.
func Listen(address string, mode os.FileMode, open bool) (*Place, error) {
	if path, ok := socketPath(address); ok {
		l, err := listenUnix(path, mode)
		if err != nil {
			return nil, err
		}
		return &Place{Listener: limit(l), Unix: true}, nil
	}
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp.IP == nil || !tcp.IP.IsLoopback() {
		if !open {
			return nil, fmt.Errorf("%s can be reached from elsewhere: that needs --auth", address)
		}
	}
	l, err := net.ListenTCP("tcp", tcp)
	if err != nil {
		return nil, err
	}
	return &Place{Listener: limit(l), Hosts: hosts(address, l.Addr())}, nil
}

// socketPath tells whether address is that of a Unix socket.
func socketPath(address string) (string, bool) {
	for _, scheme := range []string{"unix://", "unix:"} {
		if path, ok := strings.CutPrefix(address, scheme); ok {
			return path, true
		}
	}
	return address, strings.Contains(address, "/")
}

// hosts are the names under which an address may be asked for without more being said.
func hosts(address string, bound net.Addr) []string {
	out := []string{"localhost", "127.0.0.1", "::1"}
	for _, a := range []string{address, bound.String()} {
		if host, _, err := net.SplitHostPort(a); err == nil && host != "" && !net.ParseIP(host).IsUnspecified() {
			out = append(out, strings.ToLower(host))
		}
	}
	return out
}

// listenUnix replaces a socket on which nobody answers, and never has a wider mode than asked for.
func listenUnix(path string, mode os.FileMode) (net.Listener, error) {
	if st, err := os.Lstat(path); err == nil {
		if st.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s is there, and is no socket", path)
		}
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			_ = conn.Close()
			return nil, fmt.Errorf("%s: somebody answers there already", path)
		} else if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	before := syscall.Umask(0o777 &^ int(mode))
	l, err := net.Listen("unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, mode)
}

// limited lets a bounded number of connections be open.
type limited struct {
	net.Listener
	free chan struct{}
}

func limit(l net.Listener) net.Listener {
	return &limited{l, make(chan struct{}, maxConns)}
}

func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: conn, give: sync.OnceFunc(func() { <-l.free })}, nil
}

type counted struct {
	net.Conn
	give func()
}

func (c *counted) Close() error {
	c.give()
	return c.Conn.Close()
}
