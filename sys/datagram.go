package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Datagrams sends to a Unix datagram socket that somebody else listens on, as
// syslogd does. It connects when there is something to send, and again when
// that has been restarted. It never waits.
type Datagrams struct {
	path string
	fd   int
}

// NewDatagrams gives one for the socket at path, which need not be there yet.
func NewDatagrams(path string) *Datagrams { return &Datagrams{path, -1} }

// Path is where the socket is.
func (s *Datagrams) Path() string { return s.path }

// Send sends p as one datagram. The error is unix.EAGAIN when the receiver does
// not keep up; after any other the next Send connects anew.
func (s *Datagrams) Send(p []byte) error {
	fresh := s.fd < 0
	err := s.send(p)
	if err != nil && err != unix.EAGAIN && err != unix.EMSGSIZE {
		s.Close()
		if !fresh { // whoever listened is gone; another one may have come
			err = s.send(p)
		}
	}
	return err
}

func (s *Datagrams) send(p []byte) error {
	if s.fd < 0 {
		if err := s.connect(); err != nil {
			return fmt.Errorf("connect %s: %w", s.path, err)
		}
	}
	return retry(func() error {
		return unix.Sendto(s.fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
	})
}

func (s *Datagrams) connect() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	err = withAddress(s.path, func(addr unix.Sockaddr) error { return unix.Connect(fd, addr) })
	if err != nil {
		Close(fd)
		return err
	}
	s.fd = fd
	return nil
}

// Close gives the connection up; Send makes another.
func (s *Datagrams) Close() {
	if s.fd >= 0 {
		Close(s.fd)
		s.fd = -1
	}
}
