package journal

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	serviceTime   = time.Date(2026, 11, 5, 3, 4, 5, 0, time.UTC)
	serviceFields = []Field{Str("name", "web:0"), Int("pid", 7), Str("reason", "a \"b\"\nc=d"), Dur("delay", 1500*time.Millisecond), Str("log-Level2", "x")}
)

func TestSyslogForm(t *testing.T) {
	got := string(appendSyslog(nil, serviceTime, 42, Warn, false, "start failed", serviceFields[:3]))
	if want := `<28>Nov  5 03:04:05 taskmaster[42]: start failed name=web:0 pid=7 reason="a \"b\"\nc=d"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got = string(appendSyslog(nil, serviceTime, 42, Error, true, "fatal", serviceFields[:1]))
	if want := `<27>Nov  5 03:04:05 taskmaster[42]: {"time":"2026-11-05T03:04:05.000Z","level":"error","event":"fatal","name":"web:0"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for level, want := range map[Level]string{Debug: "<31>", Info: "<30>", Warn: "<28>", Error: "<27>"} {
		if got := string(appendSyslog(nil, serviceTime, 1, level, false, "x", nil)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", level, got)
		}
	}
	var many []Field
	for range 10 {
		many = append(many, Str("x", strings.Repeat("y", 2000)))
	}
	if got := appendSyslog(nil, serviceTime, 1, Info, false, "x", many); len(got) != maxMessage || !strings.HasSuffix(string(got), "y...") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestNativeForm(t *testing.T) {
	got := string(appendNative(nil, Error, "fatal", serviceFields))
	want := `MESSAGE=fatal name=web:0 pid=7 reason="a \"b\"\nc=d" delay=1.5s log-Level2=x
PRIORITY=3
SYSLOG_FACILITY=3
SYSLOG_IDENTIFIER=taskmaster
TASKMASTER_EVENT=fatal
TASKMASTER_NAME=web:0
TASKMASTER_PID=7
TASKMASTER_REASON=a "b"\nc=d
TASKMASTER_DELAY=1.5s
TASKMASTER_LOG_LEVEL2=x
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// receiver is a log service that can be told what to answer.
type receiver struct {
	got    []string
	tries  int
	answer error
	said   []string
}

func (r *receiver) service() *Service {
	return &Service{
		Send: func(p []byte) error {
			r.tries++
			if r.answer == nil {
				r.got = append(r.got, string(p[strings.Index(string(p), ": ")+2:]))
			}
			return r.answer
		},
		Fault:  func(err error) { r.said = append(r.said, err.Error()) },
		Healed: func(lost int) { r.said = append(r.said, "healed "+string(rune('0'+lost))) },
	}
}

func TestServiceThatGoesAwayAndReturns(t *testing.T) {
	r := &receiver{answer: errors.New("gone")}
	s := r.service()
	say := func(after time.Duration) { s.write(serviceTime.Add(after), Info, false, after.String(), nil) }
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 900 * time.Millisecond} {
		say(after)
	}
	if r.tries != 1 {
		t.Errorf("%d tries within a second", r.tries)
	}
	say(time.Second)
	if r.tries != 2 {
		t.Errorf("%d tries after a second", r.tries)
	}
	r.answer = nil
	say(1500 * time.Millisecond) // it could be there, but is asked once a second only
	say(2 * time.Second)
	say(2 * time.Second)
	if want := []string{"2s", "2s"}; !slices.Equal(r.got, want) {
		t.Errorf("got %q", r.got)
	}
	if want := []string{"gone", "healed 5"}; !slices.Equal(r.said, want) {
		t.Errorf("said %q", r.said)
	}
}

// A receiver that does not keep up may be asked at any time.
func TestServiceThatIsSlow(t *testing.T) {
	r := &receiver{answer: unix.EAGAIN}
	s := r.service()
	for range 3 {
		s.write(serviceTime, Info, false, "x", nil)
	}
	r.answer = nil
	s.write(serviceTime, Info, false, "y", nil)
	if r.tries != 4 || !slices.Equal(r.got, []string{"y"}) || !slices.Equal(r.said, []string{unix.EAGAIN.Error(), "healed 3"}) {
		t.Errorf("%+v", r)
	}
}

// What Fault and Healed log goes the same way, and nothing is lost over it.
func TestServiceTellsThroughTheLog(t *testing.T) {
	r := &receiver{answer: errors.New("gone")}
	s, j := r.service(), New(nil, Info, false)
	j.SetService(s)
	now := serviceTime
	s.Fault = func(err error) { j.Log(now, Error, "log fault", Err(err)) }
	s.Healed = func(lost int) { j.Log(now, Warn, "log healed", Int("lines", lost)) }
	j.Log(now, Info, "one")
	r.answer, now = nil, now.Add(2*time.Second)
	j.Log(now, Info, "two")
	if want := []string{"two", "log healed lines=2"}; !slices.Equal(r.got, want) {
		t.Errorf("got %q", r.got)
	}
	if got := j.Tail(10); len(got) != 4 {
		t.Errorf("in memory: %q", got)
	}
}

func TestServiceAllocatesNothing(t *testing.T) {
	for _, form := range []Form{Syslog, Native} {
		s := &Service{Form: form, Send: func([]byte) error { return nil }}
		j := New(nil, Info, false)
		j.SetService(s)
		n := testing.AllocsPerRun(100, func() {
			j.Log(serviceTime, Info, "start", Str("name", "web"), Int("pid", 5))
		})
		if n > 0 {
			t.Errorf("%d: %v allocations a line", form, n)
		}
	}
}
