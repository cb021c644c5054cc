package config

import (
	"slices"
	"testing"
)

func TestWatch(t *testing.T) {
	noEnviron(t, "ETC=/etc", "SUB=sub")
	for _, c := range []struct {
		text   string
		binary bool
		paths  []string // of the second instance
	}{
		{"false", false, nil},
		{"[]", false, nil},
		{"yes", true, nil},
		{"[true]", true, nil},
		{"x", false, []string{"/c/x"}},
		{"./true", false, []string{"/c/true"}},
		{"[../x, true, /y//z/]", true, []string{"/x", "/y/z"}},
		{"['{name}.{num}', '${ETC}/a', '${SUB}/a', 'b/${SUB}']", false, []string{"/c/a.1", "/etc/a", "/c/sub/a", "/c/b/sub"}},
	} {
		p := load(t, "defaults: {watch: default}\nprograms: {a: {cmd: x, numprocs: 2, watch: "+c.text+"}}\n").Programs[0]
		l, err := p.Launch(1)
		if err != nil || p.Watches().Binary != c.binary || !slices.Equal(l.Watch, c.paths) || (p.Watch == nil) != (!c.binary && c.paths == nil) {
			t.Errorf("%s: %+v, %v (%v)", c.text, p.Watches(), l.Watch, err)
		}
	}
}
