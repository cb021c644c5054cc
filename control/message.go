// Package control is the language between the daemon and those who drive it:
// one JSON object a line each way, and the one table of commands that feeds
// parsing, help and completion alike. It knows no socket and no terminal.
package control

import (
	"encoding/json"
	"time"
)

// Version of the protocol. A request may name the version it was written for
// in "protocol"; the daemon refuses one that is newer than its own. Version 2 added
// attach and its messages; see Command.Protocol.
const Version = 2

// MaxRequest is the longest request line the daemon reads, in bytes.
const MaxRequest = 1 << 20

// Request is one line from a client.
type Request struct {
	ID       json.RawMessage `json:"id,omitempty"`
	Protocol int             `json:"protocol,omitempty"`
	Command  string          `json:"command"`
	Args     []string        `json:"args,omitempty"`
	Size     [2]int          `json:"size,omitzero"`  // of attach and resize: rows and columns of the terminal
	Data     []byte          `json:"data,omitempty"` // of input, base64 on the wire
	Ack      bool            `json:"ack,omitempty"`  // of input: say when the terminal has taken it all
}

// The messages that follow an attach on its connection. Each carries the id of
// the attach and has no reply of its own: what is to be said comes as replies to the attach.
const (
	Input  = "input"  // Data was typed
	Resize = "resize" // the terminal has Size now
	Detach = "detach" // enough: the attach ends with exit 0
)

// IsMessage tells whether a request is one of these, which never wait and are never answered at length.
func (q *Request) IsMessage() bool {
	return q.Command == Input || q.Command == Resize || q.Command == Detach
}

// Reply is one line to a client. A request has any number of them, the last
// one with Done and Exit.
type Reply struct {
	ID    json.RawMessage `json:"id"`
	Text  string          `json:"text,omitempty"`  // a line of the result
	Error string          `json:"error,omitempty"` // a line of what went wrong
	Rows  []Row           `json:"rows,omitempty"`  // of status
	Data  []byte          `json:"data,omitempty"`  // raw output (tail --raw, attach), base64 on the wire
	TTY   bool            `json:"tty,omitempty"`   // of attach: there is a terminal, and what was set on it before counts no more
	Ack   bool            `json:"ack,omitempty"`   // of attach: the input that asked for it is with the terminal, or nowhere
	Done  bool            `json:"done,omitempty"`
	Exit  *int            `json:"exit,omitempty"` // with Done: 0 fine, 1 failure, 2 usage, 3 and 4 of status
}

// Row is one instance in status.
type Row struct {
	Name     string  `json:"name"`
	Program  string  `json:"program"`
	Instance int     `json:"instance"`
	State    string  `json:"state"`
	PID      int     `json:"pid"`    // 0 when there is none
	Uptime   float64 `json:"uptime"` // seconds since the launch, 0 without a process
	Restarts int     `json:"restarts"`
	ExitCode *int    `json:"exitcode"`
	Signal   *string `json:"signal"`
	Reason   string  `json:"reason"`
	Since    string  `json:"since"`            // RFC 3339, when the state was entered
	Next     float64 `json:"next,omitempty"`   // seconds until the next try, the SIGKILL or the next run by a schedule
	Note     string  `json:"note,omitempty"`   // what else there is to say: STATUS= of sd_notify, failed checks
	Detail   string  `json:"detail,omitempty"` // status -v: a line for each fact, separated by newlines
}

// Stamp is how a time is written everywhere: RFC 3339 with milliseconds and zone.
const Stamp = "2006-01-02T15:04:05.000Z07:00"

// FormatTime writes t as Stamp says, and nothing for the zero time.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(Stamp)
}
