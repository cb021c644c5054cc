package sys

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// hear makes a socket for datagrams at path.
func hear(t *testing.T, path string) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestDatagrams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := NewDatagrams(path)
	defer s.Close()
	if err := s.Send([]byte("x")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("nobody there: %v", err)
	}
	for _, word := range []string{"one", "two"} { // the second is another listener at the same path
		fd := hear(t, path)
		if err := s.Send([]byte(word)); err != nil {
			t.Errorf("%s: %v", word, err)
		}
		var buf [16]byte
		if n, err := unix.Read(fd, buf[:]); err != nil || string(buf[:n]) != word {
			t.Errorf("read %q, %v", buf[:max(n, 0)], err)
		}
		Close(fd)
		if word == "one" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Send([]byte("x")); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
}

// A receiver that does not read is never waited for.
func TestDatagramsDoNotBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	defer Close(hear(t, path))
	s := NewDatagrams(path)
	defer s.Close()
	var err error
	for range 100000 {
		if err = s.Send(make([]byte, 1000)); err != nil {
			break
		}
	}
	if err != unix.EAGAIN {
		t.Errorf("%v", err)
	}
}
