package state

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// RecordVersion of the lines of a state file. A file of another version is
// not understood, and told so.
const RecordVersion = 1

// Header is the first line of a state file: whose it is.
type Header struct {
	Version int    `json:"taskmaster"`
	Boot    string `json:"boot"` // boot id: after a reboot nothing is left
	PID     int    `json:"pid"`
	Start   uint64 `json:"start"`          // of the daemon, as in /proc/PID/stat
	Config  string `json:"config"`         // its file
	Base    string `json:"base,omitempty"` // directory of the cgroups of all trees
}

// Record is one further line: where an instance stands now. The last one counts.
type Record struct {
	Op       Op            `json:"op"`
	Program  string        `json:"program"`
	Num      int           `json:"num"`
	Name     string        `json:"name,omitempty"`
	PID      int           `json:"pid,omitempty"`
	Start    uint64        `json:"start,omitempty"` // as in /proc/PID/stat; of an intent, the earliest that it can be
	Cgroup   string        `json:"cgroup,omitempty"`
	Hash     string        `json:"hash,omitempty"` // of what makes the process
	Restarts int           `json:"restarts,omitempty"`
	Signal   int           `json:"signal,omitempty"` // to stop it with
	Patience time.Duration `json:"patience,omitempty"`
	Reach    uint8         `json:"reach,omitempty"` // killmode
}

// Op is what a record says.
type Op string

// The records.
const (
	Intent Op = "intent" // it is about to be launched
	Launch Op = "launch" // it runs
	Leave  Op = "leave"  // it runs, and was told to end for good
	Rest   Op = "rest"   // its leader is gone, something of it is not
	End    Op = "end"    // nothing of it is left
)

// AppendHeader appends a header's line.
func AppendHeader(b []byte, h *Header) []byte {
	b = strconv.AppendInt(append(b, `{"taskmaster":`...), int64(h.Version), 10)
	b = appendText(b, "boot", h.Boot)
	b = appendNumber(b, "pid", int64(h.PID))
	b = appendNumber(b, "start", int64(h.Start))
	b = appendText(b, "config", h.Config)
	if h.Base != "" {
		b = appendText(b, "base", h.Base)
	}
	return append(b, "}\n"...)
}

// AppendRecord appends a record's line. There are two for each launch, so it is
// made without reflection.
func AppendRecord(b []byte, r *Record) []byte {
	b = appendString(append(b, `{"op":`...), string(r.Op))
	b = appendText(b, "program", r.Program)
	b = appendNumber(b, "num", int64(r.Num))
	for _, f := range [...]struct {
		key, text string
		number    int64
	}{
		{"name", r.Name, 0},
		{"pid", "", int64(r.PID)},
		{"start", "", int64(r.Start)},
		{"cgroup", r.Cgroup, 0},
		{"hash", r.Hash, 0},
		{"restarts", "", int64(r.Restarts)},
		{"signal", "", int64(r.Signal)},
		{"patience", "", int64(r.Patience)},
		{"reach", "", int64(r.Reach)},
	} {
		switch {
		case f.text != "":
			b = appendText(b, f.key, f.text)
		case f.number != 0:
			b = appendNumber(b, f.key, f.number)
		}
	}
	return append(b, "}\n"...)
}

func appendNumber(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

func appendText(b []byte, key, text string) []byte { return appendString(appendKey(b, key), text) }

func appendKey(b []byte, key string) []byte {
	return append(append(append(b, `,"`...), key...), `":`...)
}

// appendString leaves what is not plain to package json.
func appendString(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // of a string there is no error
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// Instance is what records are told apart by.
type Instance struct {
	Program string
	Num     int
}

// ReadRecords gives what a state file says, in the order of the first record of
// each instance; those that have ended are left out. A line that is torn, as by
// a crash in the middle of a write, or not understood is skipped and counted.
func ReadRecords(text []byte) (h Header, live []Record, skipped int) {
	at := map[Instance]int{}
	var all []Record
	first := true
	for line := range bytes.Lines(text) {
		if first {
			first = false
			if json.Unmarshal(line, &h) != nil || h.Version != RecordVersion {
				return Header{}, nil, 1
			}
			continue
		}
		var r Record
		if line[len(line)-1] != '\n' || json.Unmarshal(line, &r) != nil || r.Program == "" {
			skipped++
			continue
		}
		key := Instance{r.Program, r.Num}
		if n, ok := at[key]; ok {
			all[n] = r
		} else {
			at[key] = len(all)
			all = append(all, r)
		}
	}
	for _, r := range all {
		if r.Op != End {
			live = append(live, r)
		}
	}
	return h, live, skipped
}
