// Package schedule knows when a task is due: the five fields of cron, its @names
// and "@every". It is pure: a time goes in, the next one comes out, in the zone
// of the one that went in.
//
// A day is meant when both its day of the month and its day of the week are, or,
// as in Vixie's cron, when either is and neither field begins with *.
//
// Where the clocks change, it is as in Vixie's cron too. A schedule with a * at
// the beginning of its minute or hour goes by the time that passes: an hour that
// is skipped is none, one that comes twice counts twice. Any other means times of
// day: one that is skipped is due at the moment of the jump, one that comes twice
// is due the first time.
package schedule

import (
	"fmt"
	"math/bits"
	"time"
)

// Schedule is a parsed schedule; two are the same when they are equal. The zero
// value is none, and is never due. Its fields are there to be stored: Parse makes
// them, Next reads them.
type Schedule struct {
	Every  time.Duration // of @every; then the fields mean nothing
	Minute uint64        // bit n is minute n
	Hour   uint32
	Day    uint32 // of the month
	Month  uint16
	Week   uint8 // bit 0 is Sunday
	Stars  uint8 // of which fields the text begins with *
}

// The bits of Stars.
const (
	starMinute = 1 << iota
	starHour
	starDay
	starMonth
	starWeek
)

// Passes tells whether the schedule goes by the time that passes rather than by
// the time of day.
func (s *Schedule) Passes() bool { return s.Every > 0 || s.Stars&(starMinute|starHour) != 0 }

// Next gives the first time after this one at which the task is due, in the same
// zone and without a monotonic part; the zero time when there is none within a
// hundred years. "@every D" is due at the whole multiples of D since 1970 (UTC).
func (s *Schedule) Next(after time.Time) time.Time {
	after = after.Round(0)
	switch {
	case s.Every > 0:
		return s.nextMultiple(after)
	case s.Minute == 0:
		return time.Time{}
	case s.Passes():
		return s.nextPassing(after)
	}
	return s.nextOfDay(after)
}

func (s *Schedule) nextMultiple(after time.Time) time.Time {
	d := int64(s.Every / time.Second)
	n := after.Unix() / d
	if after.Unix()%d < 0 {
		n--
	}
	return time.Unix((n+1)*d, 0).In(after.Location())
}

// nextPassing goes over the stretches without a change of the clocks: within one
// the wall clock and the time that passes are the same but for a constant.
func (s *Schedule) nextPassing(after time.Time) time.Time {
	at := after
	for first := true; ; first = false {
		end := stretch(at)
		wall := wallOf(at)
		from := wall.Truncate(time.Minute)
		if first || from.Before(wall) {
			from = from.Add(time.Minute)
		}
		due := s.search(from, after.Year()+horizon)
		if due.IsZero() {
			return due
		}
		if got := at.Add(due.Sub(wall)); end.IsZero() || got.Before(end) {
			return got
		}
		if at = end.In(after.Location()); at.Before(due.Add(-farthest)) {
			at = due.Add(-farthest).In(after.Location()) // nothing that a clock shows before is due
		}
	}
}

// farthest is more than any zone is from UTC.
const farthest = 26 * time.Hour

// nextOfDay maps times of day to moments until one is later: the mapping keeps
// their order.
func (s *Schedule) nextOfDay(after time.Time) time.Time {
	from := wallOf(after).Truncate(time.Minute)
	for {
		due := s.search(from, after.Year()+horizon)
		if due.IsZero() {
			return due
		}
		if got := moment(due, after.Location()); got.After(after) {
			return got
		}
		from = due.Add(time.Minute)
	}
}

// wallOf is what the clock on the wall shows, written as if it were UTC.
func wallOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// moment is when the clock on the wall of loc first shows wall, or the moment
// of the jump when it never does.
func moment(wall time.Time, loc *time.Location) time.Time {
	at := wall.Add(-farthest).In(loc)
	for {
		end := stretch(at)
		_, offset := at.Zone()
		got := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case got.Before(at): // not in the stretch before, and too early for this one
			return at
		case end.IsZero() || got.Before(end):
			return got.In(loc)
		}
		at = end.In(loc)
	}
}

// stretch gives a time after at up to which the clocks are not changed, the zero
// time when they never are. On the last day of leap years to come ZoneBounds
// gives the moment itself (Go 1.26): for such a day nothing is planned.
func stretch(at time.Time) time.Time {
	_, end := at.ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		return at.Add(24 * time.Hour)
	}
	return end
}

// horizon is how far ahead a day is looked for, in years: 29 February on a given
// day of the week can be forty years off.
const horizon = 100

// search gives the first time on the wall that is due, not before from; the zero
// time when there is none up to the year last.
func (s *Schedule) search(from time.Time, last int) time.Time {
	y, m, d := from.Date()
	h, min := from.Hour(), from.Minute()
	for y <= last {
		if s.Month>>uint(m)&1 == 0 {
			m, d, h, min = m+1, 1, 0, 0
		} else if !s.onDay(y, m, d) {
			d, h, min = d+1, 0, 0
		} else if at, ok := s.timeOfDay(h, min); ok {
			return time.Date(y, m, d, 0, at, 0, 0, time.UTC)
		} else {
			d, h, min = d+1, 0, 0
		}
		if d > daysIn(y, m) {
			m, d = m+1, 1
		}
		if m > time.December {
			y, m = y+1, time.January
		}
	}
	return time.Time{}
}

// onDay tells whether a task is due on a day.
func (s *Schedule) onDay(y int, m time.Month, d int) bool {
	inMonth := s.Day>>uint(d)&1 == 1
	inWeek := s.Week>>uint(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday())&1 == 1
	if s.Stars&(starDay|starWeek) != 0 {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// timeOfDay gives the first minute of the day that is due, not before h:min.
func (s *Schedule) timeOfDay(h, min int) (minutes int, ok bool) {
	if s.Hour>>uint(h)&1 == 1 {
		if rest := s.Minute >> uint(min) << uint(min); rest != 0 {
			return h*60 + bits.TrailingZeros64(rest), true
		}
	}
	later := s.Hour >> uint(h+1) << uint(h+1)
	if later == 0 {
		return 0, false
	}
	return bits.TrailingZeros32(later)*60 + bits.TrailingZeros64(s.Minute), true
}

func daysIn(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// possible tells whether any day is meant: 30 February never comes.
func (s *Schedule) possible() error {
	for m := time.January; m <= time.December; m++ {
		if s.Month>>uint(m)&1 == 0 {
			continue
		}
		longest := daysIn(2000, m) // a leap year
		if s.Stars&(starDay|starWeek) == 0 || s.Day&(1<<uint(longest+1)-1) != 0 {
			return nil
		}
	}
	first := bits.TrailingZeros32(s.Day)
	return fmt.Errorf("never comes: no such month has a day %d", first)
}
