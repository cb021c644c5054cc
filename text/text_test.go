package text

import "testing"

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"plain é 漢 👩":              "plain é 漢 👩",
		"a\nb\tc\rd":               `a\nb\tc\rd`,
		"\x00\x1b[2J\x7f":          `\x00\x1b[2J\x7f`,
		"\xff\xc3(":                `\xff\xc3(`,
		"\u009b31m\u202e\u2066":    `\u{9b}31m\u{202e}\u{2066}`,
		"line\u2028and\u2029there": `line\u{2028}and\u{2029}there`,
		"\ufffd":                   "\ufffd",
	} {
		if got := Visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := string(AppendVisible(nil, "a\tb\x1b", true)); got != "a\tb\\x1b" {
		t.Errorf("%q", got)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"start", "status", "stop", "restart", "reload"}
	for in, want := range map[string]string{
		"strat": "start", "stauts": "status", "STOP": "stop", "relaod": "reload", "restrat": "restart", "frobnicate": "", "": "",
	} {
		if got := Nearest(in, words); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
