package sys

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Manager is the service manager that started this process and wants to hear
// of its state (sd_notify(3)).
type Manager struct {
	fd int
	to *unix.SockaddrUnix
}

// OpenManager makes ready to send to the socket that NOTIFY_SOCKET names: a
// path, or with @ an abstract name. Nobody need be there yet.
func OpenManager(name string) (*Manager, error) {
	if name == "" || name[0] != '/' && name[0] != '@' {
		return nil, errors.New("NOTIFY_SOCKET is neither a path nor an abstract name: " + strconv.Quote(name))
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &Manager{fd, &unix.SockaddrUnix{Name: name}}, nil
}

// Tell sends NAME=value lines, and never waits: what the manager has no room for is lost.
func (m *Manager) Tell(lines string) error {
	err := retry(func() error { return unix.Sendto(m.fd, []byte(lines), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, m.to) })
	return os.NewSyscallError("sendto", err)
}

// Close closes the socket.
func (m *Manager) Close() { Close(m.fd) }
