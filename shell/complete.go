package shell

import (
	"slices"
	"strings"

	"taskmaster/control"
)

// signals are those that Tab offers; the daemon knows more.
var signals = []string{"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "CONT", "STOP", "WINCH", "ABRT", "ALRM"}

// completion is what may stand in the place of the word before the cursor.
type completion struct {
	word  string   // as it is so far
	words []string // sorted, all of them begin with word
}

// complete finds the choices for the last word of line (which ends at the cursor).
func complete(line string, names func() (programs, instances []string)) completion {
	s := splitter{line: line}
	for s.skipBlanks() {
		if s.word() != nil {
			return completion{} // in quotes: no name needs them
		}
	}
	words, word := s.words, ""
	if n := len(words); n > 0 && s.start+len(words[n-1]) == len(line) {
		words, word = words[:n-1], words[n-1]
	} else if n > 0 && !isBlank(line[len(line)-1]) {
		return completion{} // the word is quoted, or a comment follows
	}
	c := completion{word: word}
	for _, w := range choices(words, word, names) {
		if strings.HasPrefix(w, word) {
			c.words = append(c.words, w)
		}
	}
	slices.Sort(c.words)
	c.words = slices.Compact(c.words)
	return c
}

// choices are all words that may follow the words before.
func choices(before []string, word string, names func() (programs, instances []string)) []string {
	if len(before) == 0 {
		return control.CommandNames()
	}
	cmd := control.Find(before[0])
	if cmd == nil || cmd.Hidden {
		return nil
	}
	if strings.HasPrefix(word, "-") {
		return options(cmd)
	}
	operands, value := operands(cmd, before[1:])
	switch {
	case value:
		return nil
	case cmd.Args == control.SignalTarget && len(operands) == 0:
		return signalNames(word)
	case cmd.Args == control.SignalTarget:
		return targets(operands[1:], names)
	case cmd.Args == control.Targets || cmd.Args == control.SomeTargets:
		return targets(operands, names)
	case cmd.Args == control.OneName && len(operands) == 0:
		programs, instances := names()
		return append(only(programs, instances), instances...)
	case cmd.Args == control.OneTarget && len(operands) == 0:
		programs, instances := names()
		return append(slices.Clone(programs), instances...)
	case cmd.Args == control.OneTarget && len(operands) == 1:
		return []string{"stdout", "stderr"}
	case cmd.Args == control.CommandName && len(operands) == 0:
		return control.CommandNames()
	case cmd.Args == control.OnOff && len(operands) == 0:
		return []string{"on", "off"}
	}
	return nil
}

func options(cmd *control.Command) (out []string) {
	for _, o := range cmd.Options {
		out = append(out, o.Name)
	}
	return out
}

// operands are the words that are no options; value tells that the next word is an option's value.
func operands(cmd *control.Command, words []string) (out []string, value bool) {
	for _, w := range words {
		switch {
		case value:
			value = false
		case strings.HasPrefix(w, "-"):
			value = slices.ContainsFunc(cmd.Options, func(o control.Option) bool { return o.Name == w && o.Value != "" })
		default:
			out = append(out, w)
		}
	}
	return out, value
}

// targets are "all" and every name that has not been given.
func targets(given []string, names func() (programs, instances []string)) []string {
	programs, instances := names()
	out := append(append([]string{"all"}, programs...), instances...)
	return slices.DeleteFunc(out, func(w string) bool { return slices.Contains(given, w) })
}

// signalNames spells the signals as word does: with SIG, in small letters.
func signalNames(word string) []string {
	out := slices.Clone(signals)
	for i := range out {
		if len(word) >= 3 && strings.EqualFold(word[:3], "SIG") {
			out[i] = "SIG" + out[i]
		}
		if word != "" && word[0] >= 'a' && word[0] <= 'z' {
			out[i] = strings.ToLower(out[i])
		}
	}
	return out
}

// common is the longest beginning that all choices share.
func (c completion) common() string {
	if len(c.words) == 0 {
		return c.word
	}
	first, last := c.words[0], c.words[len(c.words)-1] // sorted: what these two share, all do
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	return first[:n]
}

// columns sets words in columns, as ls does, for a screen of this size; when
// there are too many rows the last one says how many are left out.
func columns(words []string, rows, cols int) []string {
	width := 0
	for _, w := range words {
		width = max(width, len(w)+2)
	}
	perRow := max(1, (cols+1)/max(1, width))
	height := (len(words) + perRow - 1) / perRow
	shown := min(height, max(2, rows-3))
	lines := make([]string, 0, shown)
	for r := 0; r < shown; r++ {
		var line []byte
		for i := r; i < len(words); i += height {
			line = append(line, words[i]...)
			if i+height < len(words) {
				line = append(line, strings.Repeat(" ", width-len(words[i]))...)
			}
		}
		lines = append(lines, string(line))
	}
	if shown < height {
		left := 0
		for i := range words {
			if i%height >= shown-1 {
				left++
			}
		}
		lines[shown-1] = "… " + itoa(left) + " more"
	}
	return lines
}
