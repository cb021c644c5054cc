package daemon

import (
	"taskmaster/epoll"
	"taskmaster/logfile"

	"golang.org/x/sys/unix"
)

// console is our own standard output or error as programs (stdout: inherit)
// and the log (log: stderr) use it, with the loop's help when it is slow.
type console struct {
	*logfile.Console
	d       *Daemon
	watched bool
}

func (d *Daemon) newConsole(fd int) *console {
	return &console{Console: logfile.NewConsole(fd), d: d}
}

// Ready is the loop's word that there is room again.
func (c *console) Ready(uint32) {
	c.Flush()
	c.settle()
}

// settle asks the loop for room while something is pending.
func (c *console) settle() {
	pending := c.Pending()
	switch {
	case pending == c.watched:
	case pending:
		c.watched = c.d.loop.Add(c.FD(), unix.EPOLLOUT, epoll.Client, c) == nil
	default:
		c.d.loop.Remove(c.FD())
		c.watched = false
	}
}
