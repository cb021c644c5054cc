package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the machine may have none
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func parse(t testing.TB, text string) *Schedule {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &s
}

const layout = "2006-01-02 15:04:05 -0700"

// Each row is a schedule, where, from when, and the times that follow.
var odd = []struct{ text, zone, after, next string }{
	{"*/5 * * * *", "UTC", "2026-01-01 00:00:00 +0000", "2026-01-01 00:05:00 +0000|2026-01-01 00:10:00 +0000"},
	{"*/5 * * * *", "UTC", "2026-12-31 23:57:01 +0000", "2027-01-01 00:00:00 +0000"},
	{"0 0 * * *", "UTC", "2026-01-01 00:00:00 +0000", "2026-01-02 00:00:00 +0000"},
	{"59 23 31 12 *", "UTC", "2026-12-31 23:58:59 +0000", "2026-12-31 23:59:00 +0000|2027-12-31 23:59:00 +0000"},
	{"5,10-12,50-59/4 3 * * *", "UTC", "2026-01-01 03:10:00 +0000", "2026-01-01 03:11:00 +0000|2026-01-01 03:12:00 +0000|2026-01-01 03:50:00 +0000|2026-01-01 03:54:00 +0000|2026-01-01 03:58:00 +0000|2026-01-02 03:05:00 +0000"},
	// Days that not every month or year has.
	{"0 0 29 2 *", "UTC", "2026-01-01 00:00:00 +0000", "2028-02-29 00:00:00 +0000|2032-02-29 00:00:00 +0000"},
	{"0 0 29 2 *", "UTC", "2096-03-01 00:00:00 +0000", "2104-02-29 00:00:00 +0000"},
	{"0 12 31 * *", "UTC", "2026-01-31 12:00:00 +0000", "2026-03-31 12:00:00 +0000|2026-05-31 12:00:00 +0000|2026-07-31 12:00:00 +0000|2026-08-31 12:00:00 +0000"},
	{"0 0 30 2,4 *", "UTC", "2026-01-01 00:00:00 +0000", "2026-04-30 00:00:00 +0000"},
	// Day of the month or day of the week, unless one of them begins with *.
	{"0 0 13 * fri", "UTC", "2026-02-01 00:00:00 +0000", "2026-02-06 00:00:00 +0000|2026-02-13 00:00:00 +0000|2026-02-20 00:00:00 +0000|2026-02-27 00:00:00 +0000|2026-03-06 00:00:00 +0000|2026-03-13 00:00:00 +0000"},
	{"0 0 */7 * fri", "UTC", "2026-02-01 00:00:00 +0000", "2026-05-01 00:00:00 +0000|2026-05-08 00:00:00 +0000|2026-05-15 00:00:00 +0000|2026-05-22 00:00:00 +0000|2026-05-29 00:00:00 +0000"},
	{"0 0 30 2 mon", "UTC", "2026-02-01 00:00:00 +0000", "2026-02-02 00:00:00 +0000"},
	{"0 0 29 2 */6", "UTC", "2026-01-01 00:00:00 +0000", "2032-02-29 00:00:00 +0000|2048-02-29 00:00:00 +0000"}, // a Saturday or Sunday
	// Sunday is 0 and 7.
	{"0 0 * * 7", "UTC", "2026-02-02 00:00:00 +0000", "2026-02-08 00:00:00 +0000|2026-02-15 00:00:00 +0000"},
	{"0 0 * * 0", "UTC", "2026-02-02 00:00:00 +0000", "2026-02-08 00:00:00 +0000|2026-02-15 00:00:00 +0000"},
	{"0 0 * * Sat-Sun", "UTC", "2026-02-02 00:00:00 +0000", "2026-02-07 00:00:00 +0000|2026-02-08 00:00:00 +0000|2026-02-14 00:00:00 +0000"},
	{"0 0 * * */2", "UTC", "2026-02-02 00:00:00 +0000", "2026-02-03 00:00:00 +0000|2026-02-05 00:00:00 +0000|2026-02-07 00:00:00 +0000|2026-02-08 00:00:00 +0000|2026-02-10 00:00:00 +0000"},
	{"0 0 1 JAN,jul *", "UTC", "2026-02-02 00:00:00 +0000", "2026-07-01 00:00:00 +0000|2027-01-01 00:00:00 +0000"},
	// Names.
	{"@hourly", "UTC", "2026-01-01 00:00:01 +0000", "2026-01-01 01:00:00 +0000"},
	{"@daily", "UTC", "2026-01-01 00:00:01 +0000", "2026-01-02 00:00:00 +0000"},
	{"@midnight", "UTC", "2026-01-01 00:00:01 +0000", "2026-01-02 00:00:00 +0000"},
	{"@weekly", "UTC", "2026-01-01 00:00:01 +0000", "2026-01-04 00:00:00 +0000"},
	{"@monthly", "UTC", "2026-01-01 00:00:01 +0000", "2026-02-01 00:00:00 +0000"},
	{"@yearly", "UTC", "2026-01-01 00:00:01 +0000", "2027-01-01 00:00:00 +0000"},
	{"@annually", "UTC", "2026-01-01 00:00:01 +0000", "2027-01-01 00:00:00 +0000"},
	{"@every 10m", "Europe/Berlin", "2026-01-01 00:03:00 +0100", "2026-01-01 00:10:00 +0100|2026-01-01 00:20:00 +0100"},
	{"@every 1h30m", "UTC", "1970-01-01 00:00:00 +0000", "1970-01-01 01:30:00 +0000"},
	{"@every 7s", "UTC", "1969-12-31 23:59:59 +0000", "1970-01-01 00:00:00 +0000|1970-01-01 00:00:07 +0000"},
	// Europe/Berlin: 2:00 → 3:00 on 29 March 2026, 3:00 → 2:00 on 25 October.
	{"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00 +0100", "2026-03-29 03:00:00 +0200|2026-03-30 02:30:00 +0200"},
	{"0,30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00 +0100", "2026-03-29 03:00:00 +0200|2026-03-30 02:00:00 +0200"},
	{"0 3 * * *", "Europe/Berlin", "2026-03-28 12:00:00 +0100", "2026-03-29 03:00:00 +0200|2026-03-30 03:00:00 +0200"},
	{"30 * * * *", "Europe/Berlin", "2026-03-29 00:45:00 +0100", "2026-03-29 01:30:00 +0100|2026-03-29 03:30:00 +0200"},
	{"*/20 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00 +0100", "2026-03-30 02:00:00 +0200"},
	{"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00 +0200", "2026-10-25 02:30:00 +0200|2026-10-26 02:30:00 +0100"},
	{"30 2 * * *", "Europe/Berlin", "2026-10-25 02:15:00 +0100", "2026-10-26 02:30:00 +0100"},
	{"0 3 * * *", "Europe/Berlin", "2026-10-25 02:45:00 +0200", "2026-10-25 03:00:00 +0100"},
	{"30 * * * *", "Europe/Berlin", "2026-10-25 01:45:00 +0200", "2026-10-25 02:30:00 +0200|2026-10-25 02:30:00 +0100|2026-10-25 03:30:00 +0100"},
	{"0 */2 * * *", "Europe/Berlin", "2026-10-25 00:30:00 +0200", "2026-10-25 02:00:00 +0200|2026-10-25 02:00:00 +0100|2026-10-25 04:00:00 +0100"},
	// America/New_York: 2:00 → 3:00 on 8 March 2026, 2:00 → 1:00 on 1 November.
	{"15 2 8 3 *", "America/New_York", "2026-01-01 00:00:00 -0500", "2026-03-08 03:00:00 -0400|2027-03-08 02:15:00 -0500"},
	{"30 1 * * *", "America/New_York", "2026-10-31 12:00:00 -0400", "2026-11-01 01:30:00 -0400|2026-11-02 01:30:00 -0500"},
	{"59 1-2 * * *", "America/New_York", "2026-11-01 00:00:00 -0400", "2026-11-01 01:59:00 -0400|2026-11-01 02:59:00 -0500"},
	// Lord Howe changes by half an hour: 2:00 → 2:30 on 4 October 2026, 2:00 → 1:30 on 5 April.
	{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00:00 +1030", "2026-10-04 02:30:00 +1100|2026-10-05 02:15:00 +1100"},
	{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00:00 +1100", "2026-04-05 01:45:00 +1100|2026-04-06 01:45:00 +1030"},
	{"*/15 * * * *", "Australia/Lord_Howe", "2026-04-05 01:40:00 +1100", "2026-04-05 01:45:00 +1100|2026-04-05 01:30:00 +1030|2026-04-05 01:45:00 +1030|2026-04-05 02:00:00 +1030"},
	{"*/15 * * * *", "Australia/Lord_Howe", "2026-10-04 01:50:00 +1030", "2026-10-04 02:30:00 +1100|2026-10-04 02:45:00 +1100"},
	// A jump over midnight, and a day that never was: 30 December 2011 in Samoa.
	{"0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00:00 -0300", "2018-11-04 01:00:00 -0200|2018-11-05 00:00:00 -0200"},
	{"0 12 30 12 *", "Pacific/Apia", "2011-12-29 00:00:00 -1000", "2011-12-31 00:00:00 +1400|2012-12-30 12:00:00 +1400"},
	{"0 * 30 12 *", "Pacific/Apia", "2011-12-29 00:00:00 -1000", "2012-12-30 00:00:00 +1400"},
	// An offset with a half and a quarter of an hour.
	{"0 0 * * *", "Asia/Kathmandu", "2026-01-01 12:00:00 +0545", "2026-01-02 00:00:00 +0545"},
}

func TestNext(t *testing.T) {
	for _, c := range odd {
		at, err := time.ParseInLocation(layout, c.after, zone(t, c.zone))
		if err != nil {
			t.Fatal(err)
		}
		at = at.In(zone(t, c.zone))
		if at.Format(layout) != c.after {
			t.Fatalf("%s in %s is %s", c.after, c.zone, at.Format(layout))
		}
		for i, want := range strings.Split(c.next, "|") {
			at = parse(t, c.text).Next(at)
			if got := at.Format(layout); got != want {
				t.Errorf("%s in %s after %s: run %d is %s, want %s", c.text, c.zone, c.after, i+1, got, want)
				break
			}
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "is empty",
		"  ":                           "is empty",
		"* * * *":                      "has 4 fields, not five (minute, hour, day of the month, month, day of the week)",
		"0 0 0 * * * *":                "has 7 fields, not five (minute, hour, day of the month, month, day of the week)",
		"60 * * * *":                   `minute "60": 60 is not between 0 and 59`,
		"* 24 * * *":                   `hour "24": 24 is not between 0 and 23`,
		"* * 0 * *":                    `day of the month "0": 0 is not between 1 and 31`,
		"* * * 13 *":                   `month "13": 13 is not between 1 and 12`,
		"* * * * 8":                    `day of the week "8": 8 is not between 0 and 7`,
		"x * * * *":                    `minute "x": "x" is no number`,
		"* * * foo *":                  `month "foo": "foo" is no number and no name such as jan`,
		"* * * * anf":                  `day of the week "anf": "anf" is no number and no name such as sun`, // within another's letters
		"1- * * * *":                   `minute "1-": "" is no number`,
		"1,,2 * * * *":                 `minute "1,,2": "" is no number`,
		"5-2 * * * *":                  `minute "5-2": 5-2 ends before it begins`,
		"* * * * fri-mon":              `day of the week "fri-mon": fri-mon ends before it begins`,
		"*/0 * * * *":                  `minute "*/0": the step must be a whole number from 1, not "0"`,
		"*/ * * * *":                   `minute "*/": the step must be a whole number from 1, not ""`,
		"*/-5 * * * *":                 `minute "*/-5": the step must be a whole number from 1, not "-5"`,
		"*/+5 * * * *":                 `minute "*/+5": the step must be a whole number from 1, not "+5"`,
		"5/10 * * * *":                 `minute "5/10": a step needs a range before it, such as */10 or 5-59/10`,
		"+5 * * * *":                   `minute "+5": "+5" is no number`,
		"-5 * * * *":                   `minute "-5": "" is no number`,
		"1.5 * * * *":                  `minute "1.5": "1.5" is no number`,
		"* * L * *":                    `day of the month "L": "L" is no number`,
		"0 0 30 2 *":                   "never comes: no such month has a day 30",
		"0 0 31 2,4,6 *":               "never comes: no such month has a day 31",
		"0 0 31 nov */2":               "never comes: no such month has a day 31",
		"@fortnightly":                 `"@fortnightly" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every`,
		"@daily 5":                     `"@daily 5" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every`,
		"@every":                       "@every needs one duration such as 10m",
		"@every 1 m":                   "@every needs one duration such as 10m",
		"@every 500ms":                 `@every needs whole seconds, at least 1s and at most a year, such as 90s, 10m or 1h30m, not "500ms"`,
		"@every -1h":                   `@every needs whole seconds, at least 1s and at most a year, such as 90s, 10m or 1h30m, not "-1h"`,
		"@every soon":                  `@every needs whole seconds, at least 1s and at most a year, such as 90s, 10m or 1h30m, not "soon"`,
		"@every 1000000h":              `@every needs whole seconds, at least 1s and at most a year, such as 90s, 10m or 1h30m, not "1000000h"`,
		"99999999999999999999 * * * *": `minute "99999999999999999999": "99999999999999999999" is no number`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSame(t *testing.T) {
	for a, b := range map[string]string{"@daily": "0 0 * * *", "0 0 * * sun": "0 0 * * 7", "*/30 * * * *": "*/30  *\t* * *", "@every 60m": "@every 1h", "0 0 1-3 * *": "0 0 3,1,2 * *"} {
		if *parse(t, a) != *parse(t, b) {
			t.Errorf("%s is not %s", a, b)
		}
	}
	for a, b := range map[string]string{"@daily": "@hourly", "0 0 1-31 * *": "0 0 * * *", "@every 60s": "* * * * *"} {
		if *parse(t, a) == *parse(t, b) {
			t.Errorf("%s is %s", a, b)
		}
	}
	if (&Schedule{}).Next(time.Unix(0, 0)) != (time.Time{}) {
		t.Error("none is due")
	}
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Europe/Dublin"}

// holds checks what must be true of every next time: it is later, its minute is
// due as the wall clock shows it (unless the clocks had just been put forward), and
// nothing between was.
func holds(t *testing.T, text string, s *Schedule, after time.Time) {
	t.Helper()
	next := s.Next(after)
	if next.IsZero() {
		return
	}
	if !next.After(after) {
		t.Fatalf("%s: %s is not after %s", text, next, after)
	}
	if s.Every > 0 {
		return
	}
	if start, _ := next.ZoneBounds(); !s.shows(next) && !(next.Equal(start) && !s.Passes()) {
		t.Fatalf("%s: after %s comes %s, which is not due", text, after, next)
	}
	if !s.Passes() {
		return // what comes twice is due once: the table has these
	}
	for at := after.Truncate(time.Minute).Add(time.Minute); at.Before(next) && at.Sub(after) < 48*time.Hour; at = at.Add(time.Minute) {
		if at.Second() == 0 && s.shows(at) {
			t.Fatalf("%s: after %s comes %s, not %s", text, after, next, at)
		}
	}
}

// shows asks the fields about the time that the clock on the wall shows, one by one.
func (s *Schedule) shows(at time.Time) bool {
	y, m, d := at.Date()
	return s.Minute>>uint(at.Minute())&1 == 1 && s.Hour>>uint(at.Hour())&1 == 1 && s.Month>>uint(m)&1 == 1 && s.onDay(y, m, d) && at.Second() == 0
}

func TestNextHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"*/7 * * * *", "30 * * * *", "0 */3 * * *", "30 2 * * *", "0 0 1 * *", "15,45 1-3 * * *", "0 12 29 2 *", "@every 90m", "59 23 31 * mon", "* * * * *"}
	for range 3000 {
		at := time.Unix(r.Int64N(3e9), r.Int64N(1e9)).In(zone(t, zones[r.IntN(len(zones))]))
		text := texts[r.IntN(len(texts))]
		holds(t, text, parse(t, text), at)
	}
}

func FuzzNext(f *testing.F) {
	for _, c := range odd {
		at, err := time.Parse(layout, c.after)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.text, uint8(1), at.Unix())
	}
	f.Add("*/5 1-3,7 */2 jan-mar 7", uint8(3), int64(1e9))
	f.Fuzz(func(t *testing.T, text string, where uint8, seconds int64) {
		s, err := Parse(text)
		if err != nil || seconds < -1<<33 || seconds > 1<<36 {
			return
		}
		holds(t, text, &s, time.Unix(seconds, 0).In(zone(t, zones[int(where)%len(zones)])))
	})
}
