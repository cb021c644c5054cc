// Package shell is where people meet the supervisor: it edits a line, splits
// it into words, hands the command to whoever can do it, and shows the reply.
// The daemon's own shell and the one of "ctl" are the same Session over two
// different hosts.
//
// The package opens nothing but the history file and reads no clock. Bytes come in by
// Input, what is to be shown goes out by Host.Write, and a command is a
// control.Request whose replies are given back by Reply. Its parts:
//
//	decoder   bytes to keys, whichever way reads cut them
//	editor    keys to a line: moving, killing, history, search
//	frame     the line as cells; screen and teletype draw the difference of two frames
//	passage   keys and output of a program's terminal, while attached
//	Session   the prompt, one command at a time, and what is typed meanwhile
//
// Invariants: at most one command is waited for; what is typed while it runs is
// kept and read in order afterwards, except that Ctrl-C drops it; nothing that
// came from a program, a file or the daemon reaches the terminal with a control byte in it (tail
// --raw and attach alone excepted); after quit nothing more is run.
package shell

import (
	"encoding/json"
	"time"

	"taskmaster/control"
)

// Prompt is shown before the line on a terminal.
const Prompt = "taskmaster> "

// Host is what the shell stands on: the daemon itself, or a connection to it.
// A method may call back into the Session (Submit may Reply at once).
type Host interface {
	// Submit hands a command over; its replies come later through Session.Reply.
	Submit(r control.Request)
	// Cancel says that nobody waits for the request with this id any more.
	Cancel(id json.RawMessage)
	// Write shows p on the terminal or standard output. It never blocks and keeps no hold of p.
	Write(p []byte)
	// WriteErr is Write to standard error; it is used in script mode only.
	WriteErr(p []byte)
	// Names gives the programs and instances known now, for completion.
	Names() (programs, instances []string)
	// Quit says that the shell ends: the host closes it and lets go of its input.
	Quit()
	// Raw takes the terminal out of its line mode, or puts it back as it was.
	Raw(on bool)
	// Through has the terminal show bytes exactly as they are, for those that a
	// program wrote for a terminal of its own, or no longer. It is called while Raw.
	Through(on bool)
	// Now is the time as of this turn of the host's loop.
	Now() time.Time
}

// Options are what a Session is made for.
type Options struct {
	Terminal    bool   // input and output are a terminal; else script mode
	Dumb        bool   // the terminal knows no escape sequences
	Color       bool   // colour may be used
	Rows, Cols  int    // size of the terminal, 0 is unknown (24 and 80)
	Own         bool   // the daemon's own shell: quit is shutdown
	HistoryPath string // where lines are kept, "" is nowhere
	Once        string // a line that is run instead of showing a prompt; the shell ends with it
}
