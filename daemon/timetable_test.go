package daemon

import (
	"testing"
	"time"

	"taskmaster/schedule"
)

func planned(t *testing.T, text string, last, next time.Time) *plan {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return &plan{Schedule: s, last: last, next: next}
}

// The clock is set at noon: what has been passed over and what would be repeated.
func TestClockWasSet(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	at := func(h, m int) time.Time { return time.Date(2026, 6, 1, h, m, 0, 0, time.UTC) }
	never := time.Time{}
	for name, c := range map[string]struct {
		text       string
		last, next time.Time
		jump       time.Duration
		want       time.Time
	}{
		"an hour on, passed over":      {"30 12 * * *", never, at(12, 30), time.Hour, at(12, 30)},
		"an hour on, not yet":          {"30 13 * * *", never, at(13, 30), time.Hour, at(13, 30)},
		"five hours on":                {"30 12 * * *", never, at(12, 30), 5 * time.Hour, at(12, 30).AddDate(0, 0, 1)},
		"years on":                     {"0 0 1 * *", never, at(0, 0).AddDate(0, 1, 0), 24 * 400 * time.Hour, time.Date(2027, 8, 1, 0, 0, 0, 0, time.UTC)},
		"an hour back, would repeat":   {"30 11 * * *", at(11, 30), at(11, 30).AddDate(0, 0, 1), -time.Hour, at(11, 30).AddDate(0, 0, 1)},
		"an hour back, by what passes": {"30 * * * *", at(11, 30), at(12, 30), -time.Hour, at(11, 30)},
		"five hours back":              {"30 11 * * *", at(11, 30), at(11, 30).AddDate(0, 0, 1), -5 * time.Hour, at(11, 30)},
		"a second back":                {"0 12 * * *", noon, noon.AddDate(0, 0, 1), -time.Second, noon.AddDate(0, 0, 1)},
	} {
		p := planned(t, c.text, c.last, c.next)
		wall := noon.Add(c.jump)
		p.replan(c.jump, wall)
		if !p.next.Equal(c.want) {
			t.Errorf("%s: next is %s, want %s", name, p.next, c.want)
		}
	}
}

func TestPlanNote(t *testing.T) {
	now := time.Date(2026, 6, 1, 14, 1, 30, 0, time.UTC)
	for text, want := range map[string]string{
		"5 14 * * *":  "next run 14:05:00 (in 3m 30s)",
		"0 16 * * *":  "next run 16:00:00 (in 1h 58m)",
		"0 4 6 6 *":   "next run 2026-06-06 04:00:00 (in 4d 13h)",
		"0 0 2 6 *":   "next run 2026-06-02 00:00:00 (in 9h 58m)",
		"@every 10s":  "next run 14:01:40 (in 10s)",
		"31 14 * * *": "next run 14:31:00 (in 29m 30s)",
	} {
		p := planned(t, text, time.Time{}, time.Time{})
		p.next = p.Next(now)
		if got := p.note(now); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := (&plan{off: true}).note(now); got != "schedule off (stopped)" {
		t.Error(got)
	}
}
