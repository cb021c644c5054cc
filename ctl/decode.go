package ctl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"taskmaster/control"
)

// wire is control.Reply with its rows as they came.
type wire struct {
	ID    json.RawMessage `json:"id"`
	Text  string          `json:"text"`
	Error string          `json:"error"`
	Rows  json.RawMessage `json:"rows"`
	Data  []byte          `json:"data"`
	Done  bool            `json:"done"`
	Exit  *int            `json:"exit"`
}

// decode reads one reply. Rows are left as they are for status --json.
func (x *exchange) decode(line []byte) (r control.Reply, rows []byte, err error) {
	if r, ok := plainReply(line); ok {
		return r, nil, nil
	}
	if !x.call.JSON {
		err = json.Unmarshal(line, &r)
		return r, nil, err
	}
	var w wire
	err = json.Unmarshal(line, &w)
	r = control.Reply{ID: w.ID, Text: w.Text, Error: w.Error, Data: w.Data, Done: w.Done, Exit: w.Exit}
	if bytes.Equal(w.Rows, []byte("null")) {
		w.Rows = nil
	}
	return r, w.Rows, err
}

var (
	textReply = []byte(`{"id":1,"text":"`)
	dataReply = []byte(`{"id":1,"data":"`)
	endReply  = []byte(`"}`)
)

// plainReply reads the two shapes that come by the million, from tail: one
// string without an escape, or base64. Anything else is for encoding/json.
func plainReply(line []byte) (r control.Reply, ok bool) {
	body, ok := bytes.CutSuffix(line, endReply)
	if !ok {
		return r, false
	}
	if s, is := bytes.CutPrefix(body, textReply); is {
		r.Text = string(s)
		return r, bytes.IndexByte(s, '\\') < 0 && bytes.IndexByte(s, '"') < 0
	}
	if s, is := bytes.CutPrefix(body, dataReply); is {
		r.Data = make([]byte, base64.StdEncoding.DecodedLen(len(s)))
		n, err := base64.StdEncoding.Decode(r.Data, s)
		r.Data = r.Data[:n]
		return r, err == nil
	}
	return r, false
}
