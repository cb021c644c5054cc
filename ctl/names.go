package ctl

import (
	"bytes"

	"taskmaster/control"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// Names asks the daemon at socket for the names of its programs, and of the
// instances that are called otherwise. A daemon that is not there, or that takes
// longer than a second, has none.
func Names(socket string) (programs, instances []string) {
	fd, err := sys.Dial(socket)
	if err != nil {
		return nil, nil
	}
	defer sys.Close(fd)
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &unix.Timeval{Sec: 1}) != nil {
			return nil, nil
		}
	}
	l := link{}
	if writeAll(fd, []byte(`{"command":"status"}`+"\n")) != nil {
		return nil, nil
	}
	var rest []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil || n == 0 {
			return l.programs, l.instances
		}
		rest = append(rest, buf[:n]...)
		for {
			line, after, ok := bytes.Cut(rest, []byte("\n"))
			if !ok {
				break
			}
			rest = after
			r, err := control.DecodeReply(line)
			if err != nil || r.Done {
				return l.programs, l.instances
			}
			l.learn(r)
		}
	}
}
