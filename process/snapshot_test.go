package process

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// What is not saved, and why nothing is lost.
var notSaved = map[string]string{
	"Instance.group":   "it is saved below its group",
	"Instance.slot":    "the heap is made anew",
	"Instance.counted": "counted anew",
	"Set.byName":       "made of groups",
	"Set.heap":         "made of the deadlines",
	"Set.next":         "what is done of todo is not saved",
	"Set.live":         "counted anew",
	"Set.astir":        "counted anew",

	"ties.neededBy": "follows from the needs",
	"ties.rank":     "likewise",
	"ties.counts":   "counted anew",
	"ties.mood":     "follows from the counts",
	"ties.above":    "follows from the needs",
	"ties.leaving":  "follows from the counts",
	"ties.stirred":  "as Set.Stirred",
}

// A field that is added and forgotten in Save would be lost at the next
// upgrade, and nobody would see it.
func TestEveryFieldIsSaved(t *testing.T) {
	for _, c := range []struct{ live, saved reflect.Type }{
		{reflect.TypeFor[Instance](), reflect.TypeFor[SavedInstance]()},
		{reflect.TypeFor[Group](), reflect.TypeFor[SavedGroup]()},
		{reflect.TypeFor[Set](), reflect.TypeFor[Saved]()},
		{reflect.TypeFor[Action](), reflect.TypeFor[SavedAction]()},
		{reflect.TypeFor[ties](), reflect.TypeFor[SavedTies]()},
		{reflect.TypeFor[vigil](), reflect.TypeFor[SavedVigil]()},
	} {
		for i := range c.live.NumField() {
			name := c.live.Field(i).Name
			_, listed := notSaved[c.live.Name()+"."+name]
			_, saved := c.saved.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
			if listed == saved {
				t.Errorf("%s.%s: saved %t, listed as not saved %t", c.live.Name(), name, saved, listed)
			}
		}
	}
}

// fill gives every field of the struct at v that is saved another value than zero.
func fill(v reflect.Value, number *int64) {
	for i := range v.NumField() {
		f := v.Field(i)
		if _, not := notSaved[v.Type().Name()+"."+v.Type().Field(i).Name]; not {
			continue
		}
		f = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
		*number++
		switch k := f.Kind(); {
		case f.Type() == reflect.TypeFor[time.Time]():
			f.Set(reflect.ValueOf(time.Unix(1000+*number, 0)))
		case k == reflect.Bool:
			f.SetBool(true)
		case k >= reflect.Int && k <= reflect.Int64:
			f.SetInt(*number)
		case k >= reflect.Uint && k <= reflect.Uint64:
			f.SetUint(uint64(*number % 5))
		case k == reflect.String:
			f.SetString("text")
		case k == reflect.Struct:
			fill(f, number)
		case k == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct && f.Type() != reflect.TypeFor[*ties]():
			f.Set(reflect.New(f.Type().Elem()))
			fill(f.Elem(), number)
		}
	}
}

func TestSaveAndRestoreIsTheSame(t *testing.T) {
	s := NewSet()
	g := &Group{Name: "web"}
	var number int64
	for num := range 3 {
		i := &Instance{group: g}
		fill(reflect.ValueOf(i).Elem(), &number)
		i.Num, i.state = num, State(num+1)
		g.Instances = append(g.Instances, i)
		s.count(i)
		s.heap.put(i)
	}
	fill(reflect.ValueOf(&g.Policy).Elem(), &number)
	g.Name, g.gone = "web", true
	s.groups, s.byName["web"] = []*Group{g}, g
	s.fatal, s.closing = true, true
	s.todo = []Action{{Do: DoKill, On: g.Instances[0]}, {Do: DoSignal, On: g.Instances[1], Signal: 3, Change: Report{Reason: "r"}}}
	s.next = 1

	got := RestoreSet(s.Save())
	s.todo, s.next = s.todo[1:], 0
	for n, i := range got.groups[0].Instances {
		if want := g.Instances[n]; !reflect.DeepEqual(*i, *want) && !equalBut(i, want) {
			t.Errorf("instance %d is %+v, want %+v", n, *i, *want)
		}
	}
	if got.live != s.live || got.astir != s.astir || !got.heap.first().Equal(s.heap.first()) || got.fatal != s.fatal || got.closing != s.closing {
		t.Errorf("counts %d %d, want %d %d", got.live, got.astir, s.live, s.astir)
	}
	if a, ok := got.Next(); !ok || a.Do != DoSignal || a.On != got.groups[0].Instances[1] || a.Signal != 3 || a.Change.Reason != "r" {
		t.Errorf("to do: %+v", a)
	}
	if !got.groups[0].gone || !reflect.DeepEqual(got.groups[0].Policy, g.Policy) {
		t.Errorf("group %+v", got.groups[0])
	}
}

// equalBut compares all but what belongs to the set that an instance is in.
func equalBut(a, b *Instance) bool {
	x, y := *a, *b
	x.group, y.group, x.slot, y.slot = nil, nil, 0, 0
	return reflect.DeepEqual(x, y)
}
