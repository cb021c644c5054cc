package spawn

import (
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOrderThereAndBack(t *testing.T) {
	nice, oom := -5, 1000
	for name, c := range map[string]*Command{
		"least": {Argv: []string{"x"}},
		"most": {
			Argv: []string{"x", "", "a b\n"}, Env: []string{"A=1", "B="}, Dir: "/d", Nice: &nice, OOMScoreAdj: &oom,
			Limits: []Rlimit{{7, ^uint64(0)}, {4, 0}}, Cred: &Cred{1, 2, []uint32{3, 1 << 31}},
		},
		"a user without groups": {Argv: []string{"x"}, Cred: &Cred{UID: 1}},
	} {
		o, ok := decodeOrder(encodeOrder(c, "/bin/x"))
		if !ok {
			t.Errorf("%s: not understood", name)
			continue
		}
		back := &Command{Argv: o.argv, Env: o.env, Dir: o.dir, Nice: o.nice, OOMScoreAdj: o.oom, Limits: o.limits, Cred: o.cred}
		if len(back.Env) == 0 {
			back.Env = nil
		}
		if !reflect.DeepEqual(back, c) || o.file != "/bin/x" {
			t.Errorf("%s: %+v came back as %+v", name, c, back)
		}
	}
}

func TestReportThereAndBack(t *testing.T) {
	in := &Error{Step: "chdir", Thing: "/x", Err: unix.ENOENT, Hint: "h"}
	if out := decodeReport(encodeReport(in)); !reflect.DeepEqual(in, out) {
		t.Errorf("%+v came back as %+v", in, out)
	}
	if out := decodeReport(nil); out != nil {
		t.Errorf("no report is %v", out)
	}
	if out := decodeReport([]byte("2\x00exec")); out == nil || out.Err != unix.EIO {
		t.Errorf("a report that was cut off is %v", out)
	}
}

func FuzzDecodeOrder(f *testing.F) {
	f.Add(encodeOrder(&Command{Argv: []string{"x"}, Env: []string{"A=1"}, Cred: &Cred{1, 2, []uint32{3}}}, "/bin/x"))
	f.Add([]byte("x\x00\x00999999999\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, ok := decodeOrder(text)
		if !ok {
			return
		}
		c := &Command{Argv: o.argv, Env: o.env, Dir: o.dir, Nice: o.nice, OOMScoreAdj: o.oom, Limits: o.limits, Cred: o.cred}
		if again, ok := decodeOrder(encodeOrder(c, o.file)); !ok || !reflect.DeepEqual(again, o) {
			t.Errorf("%+v came back as %+v", o, again)
		}
	})
}

func FuzzElfInterpreter(f *testing.F) {
	f.Add(readHead("/bin/true"))
	f.Fuzz(func(t *testing.T, head []byte) { elfInterpreter(head) })
}

func TestInterpreterOfAProgram(t *testing.T) {
	head := readHead("/bin/sh")
	if got := elfInterpreter(head); got == "" || got[0] != '/' {
		t.Errorf("the interpreter of /bin/sh is %q", got)
	}
}
