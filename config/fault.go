package config

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with a configuration, and where. Line and
// Col count from 1 (Col in characters); Line is 0 for what stands in no file.
// Field is the path of the field within its program or section, such as
// stdout.maxbytes, or "". Msg never holds the value of an environment variable.
type Fault struct {
	File      string
	Line, Col int
	Field     string
	Msg       string
}

// String is FILE:LINE:COL: message, as compilers write it.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Msg
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Col) + ": " + f.Msg
}

// Faults is every fault of a configuration, sorted by file and place. It is the
// error of [Load] when the content of a file is wrong.
type Faults []Fault

// maxShown is how many faults are written in full; the rest is a number.
const maxShown = 100

// Error is a line for each fault; past the hundredth, how many more there are.
func (f Faults) Error() string {
	var b strings.Builder
	for i, x := range f.shown() {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.String())
	}
	if more := f.more(); more != "" {
		b.WriteString("\n" + more)
	}
	return b.String()
}

func (f Faults) shown() Faults { return f[:min(len(f), maxShown)] }

// more is the line for the faults that are not shown, "" when all are.
func (f Faults) more() string {
	if len(f) <= maxShown {
		return ""
	}
	return "and " + strconv.Itoa(len(f)-maxShown) + " more"
}

// sort puts faults in the order of files, then by place, then by message.
func (f Faults) sort(files []string) {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Msg, b.Msg))
	})
}

// warningPrefix begins the message of every warning.
const warningPrefix = "warning: "

// jsonFault is a Fault as `check --json` shows it.
type jsonFault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// FaultsJSON is the object that `check --json` prints: "valid" (whether there
// are no faults), "faults" and "warnings" (arrays of file, line, column, field
// and message; never null).
func FaultsJSON(faults, warnings Faults) []byte {
	out, err := json.MarshalIndent(struct {
		Valid    bool        `json:"valid"`
		Faults   []jsonFault `json:"faults"`
		Warnings []jsonFault `json:"warnings"`
	}{len(faults) == 0, faults.forJSON(), warnings.forJSON()}, "", "  ")
	if err != nil { // strings and numbers always can be marshalled
		return nil
	}
	return out
}

func (f Faults) forJSON() []jsonFault {
	out := make([]jsonFault, 0, len(f))
	for _, x := range f {
		out = append(out, jsonFault{x.File, x.Line, x.Col, x.Field, strings.TrimPrefix(x.Msg, warningPrefix)})
	}
	return out
}
