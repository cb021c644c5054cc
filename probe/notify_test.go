package probe

import (
	"strings"
	"testing"
)

func TestParseNotice(t *testing.T) {
	for in, want := range map[string]Notice{
		"":                                {},
		"READY=1":                         {Ready: true},
		"READY=1\n":                       {Ready: true},
		"READY=0":                         {},
		"READY=1\nREADY=0":                {},
		"READY":                           {},
		"ready=1":                         {},
		" READY=1":                        {},
		"READY=1 ":                        {},
		"STATUS=a=b; c\nREADY=1":          {Ready: true, Status: "a=b; c", HasStatus: true},
		"STATUS=":                         {HasStatus: true},
		"STATUS=\x1b[2J\xff":              {Status: "\x1b[2J\xff", HasStatus: true},
		"RELOADING=1\nMONOTONIC_USEC=12":  {Reloading: true},
		"STOPPING=1":                      {Stopping: true},
		"WATCHDOG=1":                      {Alive: true},
		"WATCHDOG=trigger":                {Sick: true},
		"WATCHDOG=2":                      {},
		"MAINPID=1\nFDSTORE=1\nBARRIER=1": {},
		"X_MY=1\nREADY=1":                 {Ready: true},
		"READY=1\x00STOPPING=1":           {Ready: true},
	} {
		if got := ParseNotice([]byte(in)); got != want {
			t.Errorf("%q is %+v, want %+v", in, got, want)
		}
	}
}

func FuzzParseNotice(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=x\nWATCHDOG=trigger\nWATCHDOG_USEC=1\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := ParseNotice(b)
		if strings.ContainsAny(n.Status, "\n\x00") || n.Alive && n.Sick {
			t.Errorf("%q is %+v", b, n)
		}
		if n.Ready && !strings.Contains(string(b), "READY=1") {
			t.Errorf("%q is %+v", b, n)
		}
	})
}
