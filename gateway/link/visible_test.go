package link

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext\n":       "plain\ttext\n",
		"dos\r\nunix\n\n":     "dos\nunix\n\n",
		"\x1b[31mred\x00\x7f": `\x1b[31mred\x00\x7f`,
		"over\rwritten":       `over\rwritten`,
		"ä漢\u009b\xff\n":      "ä漢\\u{9b}\\xff\n",
		"":                    "",
	} {
		if got := VisibleText([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// However a text is cut, what is shown is the same.
func TestVisibleInPieces(t *testing.T) {
	const in = "ä漢😀\xff\xf0\x9f\n\x1bx"
	want := VisibleText([]byte(in))
	for size := 1; size <= len(in); size++ {
		var v Visible
		var out []byte
		for rest := in; rest != ""; {
			n := min(size, len(rest))
			out = v.Append(out, []byte(rest[:n]))
			rest = rest[n:]
		}
		if got := string(v.Flush(out)); got != want {
			t.Errorf("in pieces of %d: %q, want %q", size, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("a\x1b\r\nä", 3)
	f.Fuzz(func(t *testing.T, in string, cut int) {
		cut = max(0, min(cut, len(in)))
		var v Visible
		out := v.Flush(v.Append(v.Append(nil, []byte(in[:cut])), []byte(in[cut:])))
		if !utf8.Valid(out) || strings.ContainsAny(string(out), "\x00\x1b\x7f\r\u009b") {
			t.Errorf("%q became %q", in, out)
		}
	})
}
