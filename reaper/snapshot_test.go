package reaper

import (
	"reflect"
	"strings"
	"testing"
)

// What is added to a tree and not saved would be lost at the next upgrade.
func TestEverythingIsSaved(t *testing.T) {
	not := map[string]string{
		"Forest.pid": "the same", "Forest.discards": "Close removes what is left of them", "Forest.leaders": "made of the trees", "Forest.seen": "of a turn", "Tree.forest": "ours",
		"proc.exiting": "of a moment", "Forest.children": "always sys.Children, but in a test",
	}
	for _, c := range []struct{ live, saved reflect.Type }{
		{reflect.TypeFor[Forest](), reflect.TypeFor[SavedForest]()},
		{reflect.TypeFor[Tree](), reflect.TypeFor[SavedTree]()},
		{reflect.TypeFor[held](), reflect.TypeFor[SavedHeld]()},
		{reflect.TypeFor[proc](), reflect.TypeFor[SavedProc]()},
	} {
		for i := range c.live.NumField() {
			name := c.live.Field(i).Name
			_, listed := not[c.live.Name()+"."+name]
			_, is := c.saved.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
			if is == listed {
				t.Errorf("%s.%s: saved %t, listed as not saved %t", c.live.Name(), name, is, listed)
			}
		}
	}
}
