package link

import (
	"context"
	"errors"
	"strings"
)

// Follow hands over what a command that follows output brings, made visible, until ctx
// ends or the daemon goes away. The error is what the daemon said of it, or give's.
func (c *Client) Follow(ctx context.Context, give func(text string) error, command string, words ...string) error {
	conn, err := c.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Send(command, words...); err != nil {
		return err
	}
	var v Visible
	for {
		r, err := conn.Next()
		if err != nil {
			return err
		}
		var out []byte
		if len(r.Data) > 0 {
			out = v.Append(nil, r.Data)
		}
		if r.Text != "" { // what the daemon itself says: that something was left out, or a line of its log
			out = append(v.Flush(out), r.Text+"\n"...)
		}
		if len(out) > 0 {
			if err := give(string(out)); err != nil {
				return err
			}
		}
		switch {
		case r.Error != "":
			return errors.New(strings.TrimSuffix(strings.TrimPrefix(r.Error, "ERROR ("), ")"))
		case r.Done:
			return nil
		}
	}
}
