package shell

import (
	"encoding/json"
	"time"

	"taskmaster/control"
	"taskmaster/vt"
)

// Saved is a Session as plain values, as far as somebody would miss it: the
// line that is being typed, what was typed ahead, the command that is waited
// for, the history, the rest of a script. What is on the screen is not in it.
type Saved struct {
	Line, Yank []rune
	Pos        int
	Decoder    SavedDecoder
	Ahead      []SavedKey
	Script     []byte // not read yet
	Skip, EOF  bool
	Task       *SavedTask
	LastID     int
	Exit       int
	Quiet      bool // notify off
	Ended      bool
	History    SavedHistory
}

// SavedDecoder is a key that has not come whole.
type SavedDecoder struct {
	State        uint8
	Params, Part []byte
	Text         []byte
	Paste, CR    bool
}

// SavedKey is a key that was typed ahead.
type SavedKey struct {
	Code int
	Text string
}

// SavedTask is the command that is waited for.
type SavedTask struct {
	ID      []byte
	Command string
	Args    []string
	Begun   time.Time
	Next    time.Time
	Drawn   int
	Done    []string
	Awaited []string
	Passage *SavedPassage
}

// SavedPassage is an attach.
type SavedPassage struct {
	Open, Plain, Refused, Begun bool
	Early                       []byte
	Pressed                     bool
	Modes                       vt.SavedModes
	Kept                        []string
	KeptLen                     int
}

func (p *passage) save() *SavedPassage {
	if p == nil {
		return nil
	}
	return &SavedPassage{p.open, p.plain, p.refused, p.begun, p.early, p.pressed, p.modes.Save(), p.kept, p.keptLen}
}

func (v *SavedPassage) restore() *passage {
	if v == nil {
		return nil
	}
	return &passage{v.Open, v.Plain, v.Refused, v.Begun, v.Early, v.Pressed, vt.RestoreModes(v.Modes), v.Kept, v.KeptLen}
}

// SavedHistory is the history and how far its file was read.
type SavedHistory struct {
	Lines, Late []string
	Read        int64
	Inode       uint64
	InUse       int
	Half        bool
}

// Save takes the prompt off the screen and gives the session as values. The
// session must not be used any more, unless Resume is called.
func (s *Session) Save() Saved {
	if s.prompted {
		s.out = s.display.erase(s.out)
		s.prompted = false
	}
	s.hideProgress()
	s.flush()
	d := &s.decoder
	out := Saved{
		Line: s.editor.line, Yank: s.editor.yank, Pos: s.editor.pos, Script: s.script.buf[s.script.from:], Skip: s.script.skip, EOF: s.script.eof,
		Decoder: SavedDecoder{uint8(d.state), d.params, d.part, d.text, d.paste, d.cr},
		LastID:  s.lastID, Exit: s.exit, Quiet: s.news.off, Ended: s.ended,
	}
	for _, k := range s.ahead {
		out.Ahead = append(out.Ahead, SavedKey{int(k.code), k.text})
	}
	if t := s.task; t != nil {
		out.Task = &SavedTask{t.id, t.call.Name, t.args, t.begun, t.next, t.drawn, t.done, t.awaited, t.passage.save()}
	}
	if h := s.editor.history; h != nil {
		out.History = SavedHistory{h.lines, h.late, h.read, h.inode, h.inUse, h.half}
	}
	return out
}

// Resume shows the prompt again, after a Save that nothing came of.
func (s *Session) Resume() { s.pump() }

// Restore makes a session that was just made what from was, and shows its
// prompt. The host's terminal is in the mode that it was in.
func (s *Session) Restore(from Saved) {
	s.editor.line, s.editor.yank, s.editor.pos = from.Line, from.Yank, min(max(from.Pos, 0), len(from.Line))
	v := from.Decoder
	s.decoder = decoder{state: decodeState(v.State), params: v.Params, part: v.Part, text: v.Text, paste: v.Paste, cr: v.CR}
	for _, k := range from.Ahead {
		s.ahead = append(s.ahead, key{keyCode(k.Code), k.Text})
		s.typed += 1 + len(k.Text)
	}
	s.script = script{buf: from.Script, skip: from.Skip, eof: from.EOF}
	s.lastID, s.exit, s.news.off, s.ended = from.LastID, from.Exit, from.Quiet, from.Ended
	if h := s.editor.history; h != nil {
		v := from.History
		h.lines, h.late, h.read, h.inode, h.inUse, h.half = v.Lines, v.Late, v.Read, v.Inode, v.InUse, v.Half
	}
	if from.Task != nil {
		s.restoreTask(from.Task)
	}
	s.pump()
}

// restoreTask goes on waiting. A command that this program does not know any
// more was not understood by the daemon either, and is answered.
func (s *Session) restoreTask(v *SavedTask) {
	call, err := control.Parse(v.Command, v.Args)
	if err != nil {
		s.fail(err.Error())
		return
	}
	t := &task{
		id: json.RawMessage(v.ID), call: call, args: v.Args, printer: Printer{Call: call, Color: s.o.Color},
		begun: v.Begun, next: v.Next, drawn: v.Drawn, done: v.Done, awaited: v.Awaited, passage: v.Passage.restore(),
	}
	if s.o.Terminal {
		t.printer.Width = s.o.Cols
	}
	s.task = t
}
