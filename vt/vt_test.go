package vt

import (
	"strings"
	"testing"
)

func TestReplay(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"plain\r\ntext 漢\x00\xff":    "plain\r\ntext 漢\x00\xff",
		"a\x07b\x05c":                "abc",
		"\x1b[1;31mred\x1b[m":        "\x1b[1;31mred\x1b[m",
		"\x1b[c|\x1b[>c|\x1b[=0c|":   "|||",
		"\x1b[?17c":                  "\x1b[?17c",
		"\x1b[6n\x1b[5n\x1b[?6nx":    "x",
		"\x1b[>2n":                   "\x1b[>2n",
		"\x1b[18t\x1b[22;0;0t":       "\x1b[22;0;0t",
		"\x1b[?2026$p\x1b[!p":        "\x1b[!p",
		"\x1b[>q\x1b[2 q":            "\x1b[2 q",
		"\x1b[?u\x1b[>1u\x1b[?4m":    "\x1b[>1u",
		"\x1b]11;?\x07\x1b]0;hi\x07": "\x1b]0;hi\x07",
		"\x1b]10;?\x1b\\x":           "x",
		"\x1b]52;c;QQ==\x07x":        "x",
		"\x1bP+q544e\x1b\\x":         "x",
		"\x1bP$qm\x1b\\x":            "x",
		"\x1b_Gi=1;AAAA\x1b\\x":      "x",
		"\x1bZx\x1b7\x1b(0q\x1b(B":   "x\x1b7\x1b(0q\x1b(B",
		"cut\x1b[3":                  "cut\x1b[3",
		"\x1b[3\x1b[6nx":             "x",
		"\x1b[3\x18[6nx":             "\x1b[3\x18[6nx",
	} {
		if got := string(Replay([]byte(in), false)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestReplayOfAnEnd(t *testing.T) {
	for in, want := range map[string]string{
		"31mred\r\nnext":         "next",
		"31mred\x1b[mnext\r\n":   "\x1b[mnext\r\n",
		"e\x1b\\x\x1b[1m":        "\x1b[1m",
		"no end":                 "no end",
		strings.Repeat("x", 9e3): strings.Repeat("x", 9e3),
	} {
		if got := string(Replay([]byte(in), true)); got != want {
			t.Errorf("%.30q: %.30q, want %.30q", in, got, want)
		}
	}
}

func TestIsAnswer(t *testing.T) {
	for _, in := range []string{
		"\x1b[?1;2c", "\x1b[>41;366;0c", "\x1b[24;80R", "\x1b[0n", "\x1b[?2026;2$y", "\x1b]11;rgb:0000/0000/0000\x1b\\", "\x1b]11;rgb:0/0/0\x07",
		"\x1bP1$r0m\x1b\\", "\x1b[?0u", "\x1b[8;24;80t", "\x1b[I", "\x1b[O", "\x1b[?1;2c\x1b[24;80R", "\x1bP>|xterm(1)\x1b\\",
	} {
		if !IsAnswer([]byte(in)) {
			t.Errorf("%q was taken for keys", in)
		}
	}
	for _, in := range []string{
		"", "x", "\r", "\x03", "\x1b", "\x1b[A", "\x1bOA", "\x1b[15~", "\x1b[1;5C", "\x1b[<0;1;1M", "\x1bx", "\x1b[200~c\x1b[201~", "\x1b[?1;2cx", "\x1b[24;8",
	} {
		if IsAnswer([]byte(in)) {
			t.Errorf("%q was taken for an answer", in)
		}
	}
}

func TestModes(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"text":                    "\x1b[m",
		"\x1b[?1049h\x1b[?25l":    "\x1b[m\x1b[?25h\x1b[?1049l",
		"\x1b[?1049h\x1b[?1049l":  "\x1b[m",
		"\x1b[?1000;1006;2004h":   "\x1b[m\x1b[?1000l\x1b[?1006l\x1b[?2004l",
		"\x1b[?12h\x1b[?7l":       "\x1b[m\x1b[?7h",
		"\x1b[1;20r\x1b=\x1b[4h":  "\x1b7\x1b[r\x1b8\x1b>\x1b[4l\x1b[m",
		"\x1b[1;20r\x1b[r":        "\x1b[m",
		"\x1b[>4;2m\x1b[>1u":      "\x1b[>4m\x1b[<1u\x1b[m",
		"\x1b[>1u\x1b[<u":         "\x1b[m",
		"\x1b[4 q\x1b(0":          "\x1b[0 q\x0f\x1b(B\x1b[m",
		"\x1b[?1049h\x1bc":        "\x1b[m",
		"\x1b]0;half":             "\x1b\\\x1b[m",
		"\x1b[3":                  "\x18\x1b[m",
		"\x1b[?25l\x1b[4h\x1b[4l": "\x1b[m\x1b[?25h",
	} {
		whole, bytewise := Modes{}, Modes{}
		whole.Feed([]byte(in))
		for i := range in {
			bytewise.Feed([]byte(in[i : i+1]))
		}
		got, again := string(whole.Reset()), string(bytewise.Reset())
		if got != want || again != want {
			t.Errorf("%q: %q and, cut, %q, want %q", in, got, again, want)
		}
		if rest := whole.Reset(); rest != nil {
			t.Errorf("%q: a second time it gives %q", in, rest)
		}
	}
}

// Whatever comes, nothing panics, a second pass changes nothing, and what is
// left asks nothing.
func FuzzReplay(f *testing.F) {
	f.Add([]byte("\x1b[6n\x1b]11;?\x07\x1bP+q\x1b\\\x1b[?1049h"), true)
	f.Fuzz(func(t *testing.T, b []byte, cut bool) {
		once := Replay(b, cut)
		if len(once) > len(b) {
			t.Fatalf("%q became longer: %q", b, once)
		}
		var p parser
		for _, c := range once {
			if k, done := p.step(c); done && asks(k, p.body) {
				t.Fatalf("%q still asks: %q", b, once)
			}
		}
		var m Modes
		m.Feed(b)
		m.Reset()
		IsAnswer(b)
	})
}
