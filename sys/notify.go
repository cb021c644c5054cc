package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NotifySocket is a datagram socket that a program tells its state to
// (sd_notify(3)). Its name is abstract and given by the kernel: nobody can take
// it first, nothing is left of it in a directory, and a program of another user
// or below another root reaches it as well, though not one in a network
// namespace of its own. As everybody else in ours reaches it, who a message is
// from must be looked at.
type NotifySocket struct {
	// FD is the descriptor: nonblocking, close-on-exec.
	FD   int
	name string
}

// Notification is a message and who sent it. Pid is 0 for a process that this
// pid namespace does not see.
type Notification struct {
	Text []byte // part of the buffer that it was received into
	Cut  bool   // the buffer was too small
	Pid  int
	Uid  uint32
}

// NewNotifySocket makes a socket with a name that nobody else has.
func NewNotifySocket() (*NotifySocket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	name, err := nameSocket(fd)
	if err != nil {
		Close(fd)
		return nil, err
	}
	return &NotifySocket{fd, name}, nil
}

// nameSocket lets the kernel choose an abstract name (unix(7), autobind).
// Credentials are asked for before that: what is sent earlier has none.
func nameSocket(fd int) (string, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return "", fmt.Errorf("setsockopt(SO_PASSCRED): %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{}); err != nil {
		return "", fmt.Errorf("bind: %w", err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		return "", fmt.Errorf("getsockname: %w", err)
	}
	return addr.(*unix.SockaddrUnix).Name, nil
}

// Name is the value for NOTIFY_SOCKET; a @ stands for the NUL of its beginning.
func (s *NotifySocket) Name() string { return s.name }

// Receive takes the next message into buf; the error is unix.EAGAIN when there
// is none.
//
// Descriptors that come with it are never taken in: there is room for the
// credentials only, and what has none the kernel closes (cmsg(3), MSG_CTRUNC).
// That is also the answer to BARRIER=1: systemd-notify waits until the other end
// of its pipe is closed. Thus, whoever has to look at a sender that may be gone
// a moment later does so before the next Receive.
func (s *NotifySocket) Receive(buf []byte) (Notification, error) {
	var room [64]byte
	oob := room[:unix.CmsgSpace(unix.SizeofUcred)]
	var n, oobn, flags int
	err := retry(func() (err error) {
		n, oobn, flags, _, err = unix.Recvmsg(s.FD, buf, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return Notification{}, err
	}
	out := Notification{Text: buf[:n], Cut: flags&unix.MSG_TRUNC != 0}
	out.Pid, out.Uid = sender(oob[:oobn])
	return out, nil
}

// sender takes the credentials out of a control message; pid 0 when there are none.
func sender(oob []byte) (pid int, uid uint32) {
	const nobody = 65534
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return 0, nobody
	}
	cred, err := unix.ParseUnixCredentials(&messages[0])
	if err != nil {
		return 0, nobody
	}
	return int(cred.Pid), cred.Uid
}

// Close closes the socket, after its owner has taken it out of the loop.
func (s *NotifySocket) Close() { Close(s.FD) }
