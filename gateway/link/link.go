// Package link speaks to the daemon over its control socket. Every exchange has a
// connection of its own, so a daemon that went away and came back needs no thought.
package link

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"

	"taskmaster/control"
)

// maxReply is the longest line taken from the daemon, in bytes: a status of 100,000 instances.
const maxReply = 64 << 20

// ErrAway is that no daemon answers, or that it went away in the middle.
var ErrAway = errors.New("the daemon does not answer")

var errLong = errors.New("a reply is too long")

// Client knows where the daemon is.
type Client struct {
	Socket string // path of the control socket
}

// Conn is one connection.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
	stop func() bool
	ids  int
}

// Dial connects. The end of ctx closes the connection, and with it what was asked on it.
func (c *Client) Dial(ctx context.Context) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	out := &Conn{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	out.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return out, nil
}

// Close ends the connection and everything asked on it.
func (c *Conn) Close() {
	c.stop()
	_ = c.conn.Close()
}

// Send asks for a command and gives the id that its replies carry.
func (c *Conn) Send(command string, args ...string) (id string, err error) {
	c.ids++
	id = strconv.Itoa(c.ids)
	return id, c.write(control.Request{ID: json.RawMessage(id), Command: command, Args: args})
}

// Input types data into what the command of this id is attached to; a reply says when it was taken.
func (c *Conn) Input(id string, data []byte) error {
	return c.write(control.Request{ID: json.RawMessage(id), Command: control.Input, Data: data, Ack: true})
}

func (c *Conn) write(r control.Request) error {
	r.Protocol = control.Version
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(line) > control.MaxRequest {
		return errors.New("the request is longer than 1 MiB")
	}
	if _, err := c.conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

// Next waits for a reply to anything that was asked.
func (c *Conn) Next() (control.Reply, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if line = append(line, part...); err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return control.Reply{}, fmt.Errorf("%w: %w", ErrAway, err)
		}
		if len(line) > maxReply {
			return control.Reply{}, errLong
		}
	}
	return control.DecodeReply(line)
}

// Result is all replies to one command.
type Result struct {
	Lines  []string
	Errors []string
	Rows   []control.Row
	Data   []byte
	Exit   int
}

// Add takes one more reply in; true after the last.
func (r *Result) Add(p *control.Reply) bool {
	if p.Text != "" {
		r.Lines = append(r.Lines, p.Text)
	}
	if p.Error != "" {
		r.Errors = append(r.Errors, p.Error)
	}
	r.Rows = append(r.Rows, p.Rows...)
	r.Data = append(r.Data, p.Data...)
	if p.Exit != nil {
		r.Exit = *p.Exit
	}
	return p.Done
}

// Command is one command with its words.
type Command []string

// Do carries commands out on one connection, one after the other without waiting
// in between, and waits for all of their results.
func (c *Client) Do(ctx context.Context, commands ...Command) ([]Result, error) {
	conn, err := c.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	place := map[string]int{}
	for n, words := range commands {
		id, err := conn.Send(words[0], words[1:]...)
		if err != nil {
			return nil, err
		}
		place[id] = n
	}
	results := make([]Result, len(commands))
	for left := len(commands); left > 0; {
		reply, err := conn.Next()
		if err != nil {
			return nil, err
		}
		if n, ok := place[string(reply.ID)]; ok && results[n].Add(&reply) {
			left--
		}
	}
	return results, nil
}
