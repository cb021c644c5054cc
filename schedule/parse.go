package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// names stand for five fields.
var names = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// field is what one of the five takes.
type field struct {
	name     string
	min, max int
	words    string // three letters each, in the order of their numbers from min
}

var fields = [5]field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of the month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of the week", 0, 7, "sunmontuewedthufrisat"},
}

const sunday = 7 // is 0 as well

// Parse reads a schedule: five fields (minute, hour, day of the month, month,
// day of the week), one of the @names, or @every and a duration of whole seconds.
// The error says what is wrong in words that can follow the field's name.
func Parse(text string) (s Schedule, err error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Schedule{}, fmt.Errorf("is empty")
	}
	if words[0] == "@every" {
		return every(words[1:])
	}
	if words[0][0] == '@' {
		plain, ok := names[words[0]]
		if !ok || len(words) > 1 {
			return Schedule{}, fmt.Errorf("%q is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every", text)
		}
		words = strings.Fields(plain)
	}
	if len(words) != len(fields) {
		return Schedule{}, fmt.Errorf("has %d fields, not five (minute, hour, day of the month, month, day of the week)", len(words))
	}
	var sets [len(fields)]uint64
	for i := range fields {
		if sets[i], err = fields[i].set(words[i]); err != nil {
			return Schedule{}, err
		}
		if words[i][0] == '*' {
			s.Stars |= 1 << i
		}
	}
	sets[4] = (sets[4] | sets[4]>>sunday) & (1<<sunday - 1)
	s.Minute, s.Hour, s.Day, s.Month, s.Week = sets[0], uint32(sets[1]), uint32(sets[2]), uint16(sets[3]), uint8(sets[4])
	if err := s.possible(); err != nil {
		return Schedule{}, err
	}
	return s, nil
}

// longestEvery is the longest duration of @every.
const longestEvery = 366 * 24 * time.Hour

func every(words []string) (Schedule, error) {
	if len(words) != 1 {
		return Schedule{}, fmt.Errorf("@every needs one duration such as 10m")
	}
	d, err := time.ParseDuration(words[0])
	if err != nil || d < time.Second || d > longestEvery || d%time.Second != 0 {
		return Schedule{}, fmt.Errorf("@every needs whole seconds, at least 1s and at most a year, such as 90s, 10m or 1h30m, not %q", words[0])
	}
	return Schedule{Every: d}, nil
}

// set reads a list of one field.
func (f *field) set(text string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		bits, err := f.item(item)
		if err != nil {
			return 0, fmt.Errorf("%s %q: %w", f.name, text, err)
		}
		set |= bits
	}
	return set, nil
}

// item reads *, a value, a range, or one of the first and last with a step.
func (f *field) item(text string) (set uint64, err error) {
	span, step, stepped := strings.Cut(text, "/")
	first, last, by := f.min, f.max, 1
	if span != "*" {
		from, to, isRange := strings.Cut(span, "-")
		if stepped && !isRange {
			return 0, fmt.Errorf("a step needs a range before it, such as */%s or %s-%d/%s", step, span, f.max, step)
		}
		if first, err = f.value(from); err != nil {
			return 0, err
		}
		if last = first; isRange {
			if last, err = f.value(to); err != nil {
				return 0, err
			}
		}
		if last == 0 && first > 0 && f.max == sunday {
			last = sunday // fri-sun
		}
	}
	if stepped {
		if by, err = strconv.Atoi(step); err != nil || by < 1 || step[0] == '+' {
			return 0, fmt.Errorf("the step must be a whole number from 1, not %q", step)
		}
	}
	if last < first {
		return 0, fmt.Errorf("%s ends before it begins", span)
	}
	if span == "*" && f.max == sunday {
		last-- // 7 is 0, and a step is not to count it twice
	}
	for n := first; n <= last; n += by {
		set |= 1 << uint(n)
		if by > last {
			break // n + by may be too large for an int
		}
	}
	return set, nil
}

// value reads a number, or a name of three letters in any case.
func (f *field) value(text string) (int, error) {
	if len(text) == 3 {
		if i := strings.Index(f.words, strings.ToLower(text)); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || text[0] == '+' || text[0] == '-' {
		return 0, fmt.Errorf("%q is no number%s", text, f.orNames())
	}
	if n < f.min || n > f.max {
		return 0, fmt.Errorf("%s is not between %d and %d", text, f.min, f.max)
	}
	return n, nil
}

func (f *field) orNames() string {
	if f.words == "" {
		return ""
	}
	return " and no name such as " + f.words[:3]
}
