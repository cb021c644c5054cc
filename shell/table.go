package shell

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"taskmaster/control"
	"taskmaster/text"
)

// The columns of status.
const (
	colName = iota
	colState
	colPID
	colUptime
	colRestarts
	colDescription
	numColumns
)

var titles = [numColumns]string{"NAME", "STATE", "PID", "UPTIME", "RESTARTS", "DESCRIPTION"}

const (
	goodDescription = 24 // columns below which a description is worth more than a column of figures
	minDescription  = 12 // columns below which it goes to a row of its own
	gap             = 2  // columns between columns
)

// look is what a table is made for.
type look struct {
	width int // columns of the terminal, 0 is without end
	color bool
}

// table sets rows of status in columns under their titles, a line each.
func appendTable(out []byte, rows []control.Row, l look) []byte {
	cells := make([][numColumns]string, len(rows)+1)
	cells[0] = titles
	for i := range rows {
		cells[i+1] = rowCells(&rows[i])
	}
	width := fit(cells, l.width)
	for i := range cells {
		state := ""
		if i > 0 && l.color {
			state = stateColor(rows[i-1].State)
		}
		out = appendRow(out, &cells[i], width, state, i == 0 && l.color)
		if i == 0 {
			continue
		}
		if width[colDescription] == 0 && !contented(rows[i-1].State) {
			out = appendDetail(out, cells[i][colDescription], l.width)
		}
		out = appendDetail(out, rows[i-1].Detail, l.width)
	}
	return out
}

func rowCells(r *control.Row) [numColumns]string {
	pid, uptime := "-", "-"
	if r.PID > 0 {
		pid, uptime = strconv.Itoa(r.PID), formatUptime(r.Uptime)
	}
	return [numColumns]string{text.Visible(r.Name), text.Visible(r.State), pid, uptime, strconv.Itoa(r.Restarts), description(r)}
}

// description is what comes next, where something does, and why the instance
// is in its state. What comes next stands first: the end is what a narrow terminal cuts.
func description(r *control.Row) string {
	reason := text.Visible(r.Reason)
	if r.Note != "" {
		reason = strings.TrimPrefix(reason+"; "+text.Visible(r.Note), "; ")
	}
	next := ""
	switch {
	case r.Next <= 0:
		return reason
	case r.State == "BACKOFF":
		next = "next try in " + seconds(r.Next)
	case r.State == "STOPPING":
		next = "SIGKILL in " + seconds(r.Next)
	default:
		return reason
	}
	if reason == "" {
		return next
	}
	return next + ": " + reason
}

func seconds(s float64) string {
	if s >= 10 {
		return strconv.FormatFloat(s, 'f', 0, 64) + " s"
	}
	return strconv.FormatFloat(s, 'f', 1, 64) + " s"
}

// formatUptime writes seconds as 1:02:03, from a day on as 2d 1:02:03.
func formatUptime(s float64) string {
	n := int64(s)
	out := make([]byte, 0, 16)
	if d := n / 86400; d > 0 {
		out = append(strconv.AppendInt(out, d, 10), "d "...)
	}
	out = append(strconv.AppendInt(out, n/3600%24, 10), ':')
	for i, v := range [2]int64{n / 60 % 60, n % 60} {
		if i == 1 {
			out = append(out, ':')
		}
		out = append(out, byte('0'+v/10), byte('0'+v%10))
	}
	return string(out)
}

// fit gives every column its width, 0 to those that are left out. On a terminal
// that is too narrow the figures go first, then the description, and at last names are cut.
func fit(cells [][numColumns]string, limit int) (width [numColumns]int) {
	for i := range cells {
		for c, s := range &cells[i] {
			width[c] = max(width[c], columnsOf(s))
		}
	}
	if limit <= 0 {
		return width
	}
	need := len(titles[colDescription])
	for i := 1; i < len(cells); i++ {
		need = max(need, columnsOf(cells[i][colDescription]))
	}
	need = min(need, goodDescription)
	for _, c := range [...]int{colRestarts, colUptime, colPID} {
		if room(width, limit) < need {
			width[c] = 0
		}
	}
	width[colDescription] = min(width[colDescription], room(width, limit))
	if width[colDescription] < min(need, minDescription) {
		width[colDescription] = 0
		width[colName] = min(width[colName], max(1, limit-gap-width[colState]))
	}
	return width
}

// room is what the other columns leave to the description.
func room(width [numColumns]int, limit int) int {
	for c := colName; c < colDescription; c++ {
		if width[c] > 0 {
			limit -= width[c] + gap
		}
	}
	return limit
}

func appendRow(out []byte, cells *[numColumns]string, width [numColumns]int, color string, title bool) []byte {
	begin := len(out)
	pad := 0
	for c, s := range cells {
		if width[c] == 0 {
			continue
		}
		if c == colName {
			s = cutMiddle(s, width[c])
		} else {
			s = cut(s, width[c])
		}
		for ; pad > 0; pad-- {
			out = append(out, ' ')
		}
		switch {
		case title:
			out = append(append(append(out, "\x1b[1m"...), s...), "\x1b[m"...)
		case c == colState && color != "":
			out = append(append(append(out, color...), s...), "\x1b[m"...)
		default:
			out = append(out, s...)
		}
		pad = width[c] - columnsOf(s) + gap
	}
	for len(out) > begin && out[len(out)-1] == ' ' {
		out = out[:len(out)-1]
	}
	return append(out, '\n')
}

// appendDetail shows what status -v says, a line for each fact, below its row.
func appendDetail(out []byte, detail string, width int) []byte {
	for line := range strings.Lines(detail) {
		line = "    " + text.Visible(strings.TrimSuffix(line, "\n"))
		if width > 0 {
			line = cut(line, width)
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// contented tells whether a state needs no explanation.
func contented(state string) bool {
	return state == "RUNNING" || state == "STOPPED" || state == "STARTING"
}

func stateColor(state string) string {
	switch state {
	case "RUNNING":
		return "\x1b[32m"
	case "STARTING", "STOPPING", "BACKOFF":
		return "\x1b[33m"
	case "FATAL", "UNKNOWN":
		return "\x1b[31m"
	}
	return "\x1b[2m"
}

// columnsOf is how many columns s takes.
func columnsOf(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			for _, r := range s[i:] {
				n += runeWidth(r)
			}
			return n + i
		}
	}
	return len(s)
}

// cut shortens s to so many columns; what is missing shows as "…".
func cut(s string, width int) string {
	if len(s) <= width || columnsOf(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		n += runeWidth(r)
		if n > width-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// cutMiddle is cut that spares the end: names of one kind differ there.
func cutMiddle(s string, width int) string {
	if columnsOf(s) <= width {
		return s
	}
	tail, n := len(s), 0
	for tail > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:tail])
		if n += runeWidth(r); n > width/2 {
			break
		}
		tail -= size
	}
	return cut(s, width-columnsOf(s[tail:])) + s[tail:]
}

func itoa(n int) string { return strconv.Itoa(n) }
