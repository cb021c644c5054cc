// Package ctl is the other end of the control socket: one command and its
// replies, or the interactive shell attached to a daemon that runs elsewhere.
//
// A single command blocks on the socket and on its output, nothing else is set
// up for it unless it may take long: "ctl status" is over in a few milliseconds.
// The attached shell has a loop of its own, smaller than the daemon's. Both are
// processes of their own, so they may wait and read the clock.
//
// Exit codes: that of the command's last reply; 1 when there is no daemon or it
// goes away; 2 for what cannot be understood, said without asking the daemon;
// 130 after Ctrl-C, 141 when nobody reads the output.
package ctl

import (
	"errors"
	"os"
	"slices"

	"taskmaster/control"
	"taskmaster/shell"
	"taskmaster/sys"
	"taskmaster/text"

	"golang.org/x/sys/unix"
)

const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 128 + int(unix.SIGINT)
	exitPipe        = 128 + int(unix.SIGPIPE)
)

// Run carries one command out: args are its name and words. Results go to
// standard output, errors to standard error. asJSON is as if --json followed
// the command, when it has that option. It gives the exit code.
func Run(socket string, asJSON bool, args []string) int {
	words := args[1:]
	if asJSON && hasOption(args[0], "--json") && !slices.Contains(words, "--json") {
		words = append([]string{"--json"}, words...)
	}
	call, err := control.Parse(args[0], words)
	if err == nil && call.Hidden {
		err = control.UsageError(control.Help(args[0]))
	}
	switch {
	case err != nil:
		return complain(exitUsage, err.Error())
	case call.Local:
		return local(call)
	case (call.Watch || call.Name == "attach") && sys.IsTerminal(0) && sys.IsTerminal(1):
		return interactive(socket, commandLine(args[0], words))
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return call.Watch && w == "-w" && call.Name == "status" })
	fd, err := sys.Dial(socket)
	if err != nil {
		return complain(exitFailure, unreachable(socket, err))
	}
	defer sys.Close(fd)
	if call.Name == "attach" {
		return newTypist(fd, call).run(words)
	}
	return newExchange(fd, call).run(words)
}

func hasOption(command, option string) bool {
	cmd := control.Find(command)
	return cmd != nil && slices.ContainsFunc(cmd.Options, func(o control.Option) bool { return o.Name == option })
}

// local does what needs no daemon.
func local(call *control.Call) int {
	switch {
	case call.Name != "help":
		return complain(exitUsage, call.Name+" is for the interactive shell")
	case len(call.Targets) == 1 && control.Find(call.Targets[0]) == nil:
		return complain(exitUsage, control.Help(call.Targets[0]))
	}
	name := ""
	if len(call.Targets) == 1 {
		name = call.Targets[0]
	}
	if err := writeAll(1, []byte(control.Help(name)+"\n")); err != nil {
		return outputFailed(err)
	}
	return 0
}

// unreachable says in one line why there is no connection.
func unreachable(socket string, err error) string {
	var errno unix.Errno
	why := err.Error()
	if errors.As(err, &errno) {
		why = errno.Error()
	}
	if errno == unix.ECONNREFUSED || errno == unix.ENOENT {
		why += " (is it running?)"
	}
	return "cannot reach the daemon at " + socket + ": " + why
}

// complain says what went wrong on standard error and gives code.
func complain(code int, what string) int {
	_ = writeAll(2, append([]byte(text.Visible(what)), '\n')) // there is nowhere left to say it
	return code
}

// writeAll writes all of p to fd, and waits when fd is nonblocking.
func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		switch err {
		case nil:
			p = p[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			waitWritable(fd)
		default:
			return err
		}
	}
	return nil
}

func waitWritable(fd int) {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1) // the next write says what is wrong
}

// outputFailed gives the exit code for output that cannot be written: quietly
// when its reader is gone.
func outputFailed(err error) int {
	if err == unix.EPIPE {
		return exitPipe
	}
	return complain(exitFailure, "write the output: "+err.Error())
}

// colored tells whether the environment allows colour on a terminal.
func colored() bool { return shell.FromEnvironment(os.Getenv).Color }

// commandLine is a command as it would be typed, quoted for shell.Split.
func commandLine(name string, words []string) string {
	line := name
	for _, w := range words {
		line += " " + shell.Quote(w)
	}
	return line
}
