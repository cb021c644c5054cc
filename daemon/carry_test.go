package daemon

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"taskmaster/state"
)

// notCarried is what an upgrade does not hand over, and why nothing is lost. Who
// adds a field has it carried (carry*.go), or says here why not.
var notCarried = map[string]string{
	"Daemon.opts": "the arguments are the same, its Binary is carried", "Daemon.cfg": "as Config", "Daemon.now": "read anew",
	"Daemon.loop": "made anew", "Daemon.signals": "made anew", "Daemon.timer": "made anew", "Daemon.armed": "armed anew",
	"Daemon.programs": "made of Config", "Daemon.leaders": "made of Children", "Daemon.lookAt": "looked at once",
	"Daemon.zombies": "looked for at once", "Daemon.null": "opened anew", "Daemon.reserve": "opened anew", "Daemon.nofile": "asked anew",
	"Daemon.logs": "as Log", "Daemon.buf": "empty between reads", "Daemon.crumbs": "a pause is some milliseconds", "Daemon.floods": "likewise",
	"Daemon.reads": "of a turn", "Daemon.crowd": "of a turn", "Daemon.acceptAt": "tried at once", "Daemon.dirty": "made of Clients",
	"Daemon.manager": "opened anew", "Daemon.behind": "made of Requests", "Daemon.loadedAt": "set when it is made anew", "Daemon.upgrade": "it is over",
	"child.Instance": "as At", "child.escorts": "as asides", "child.program": "that of Config",
	"stream.name": "constant", "pipe.d": "ours", "pipe.s": "where it is", "pipe.sink": "as Stream, Aloud or Silent",
	"pipe.pace":     "as Size, the rest is found out anew",
	"Daemon.alarms": "as Deadline of asides and Alarm of requests; checks begin anew", "watch.d": "ours", "watch.c": "where it is", "watch.check": "it begins anew", "watch.refused": "they are said once more",
	"Daemon.legacy": "of the start", "Daemon.serving": "of a moment", "record.d": "ours", "record.path": "in Config", "record.buf": "flushed", "record.blank": "of the start",

	"lines.m":      "as Pattern",
	"follower.tty": "that of the stream", "request.d": "ours", "request.call": "parsed anew", "request.waits": "counted anew",
	"request.tail": "as Followers", "request.size": "that of the seat", "request.seat": "as Seats",
	"client.d": "ours", "client.sent": "what was sent is left out", "client.queued": "set anew", "client.attached": "as Typist",
	"seat.c": "where it is", "seat.window": "as Rows and Cols",
	"aside.cmd": "it was started", "aside.stdin": "likewise", "aside.done": "made of Sequel", "aside.d": "ours", "aside.alarm": "as Deadline",
	"aside.out": "as Exit and TimedOut", "asides.queue": "started anew by their owners", "asides.byPid": "as All",
	"asides.going": "as All",
	"hook.d":       "ours", "hook.conf": "that of Config", "hook.label": "made of Config", "hook.running": "as an aside", "hook.repeats": "as Ends",
	"aloud.d": "ours", "aloud.plain": "as Stream", "aloud.o": "in Stream",
	"terminal.d": "ours", "terminal.in": "opened anew", "terminal.polled": "found out anew", "terminal.held": "found out anew",
	"terminal.state": "as Settings", "outlet.d": "ours", "outlet.fd": "opened anew", "outlet.own": "found out anew",
	"lookout.on": "as At", "lookout.spots": "looked for anew", "lookout.due": "counted anew", "lookout.said": "said once more",
	"outlet.buf": "as Pending", "outlet.polled": "found out anew",
}

func TestEverythingIsCarried(t *testing.T) {
	for _, c := range []struct{ live, carried reflect.Type }{
		{reflect.TypeFor[Daemon](), reflect.TypeFor[carried]()},
		{reflect.TypeFor[child](), reflect.TypeFor[carriedChild]()},
		{reflect.TypeFor[stream](), reflect.TypeFor[carriedStream]()},
		{reflect.TypeFor[watch](), reflect.TypeFor[carriedWatch]()},
		{reflect.TypeFor[record](), reflect.TypeFor[carriedRecord]()},
		{reflect.TypeFor[lines](), reflect.TypeFor[carriedLines]()},
		{reflect.TypeFor[follower](), reflect.TypeFor[carriedFollower]()},
		{reflect.TypeFor[pipe](), reflect.TypeFor[carriedPipe]()},
		{reflect.TypeFor[keyboard](), reflect.TypeFor[carriedKeys]()},
		{reflect.TypeFor[aloud](), reflect.TypeFor[carriedAloud]()},
		{reflect.TypeFor[seat](), reflect.TypeFor[carriedSeat]()},
		{reflect.TypeFor[request](), reflect.TypeFor[carriedRequest]()},
		{reflect.TypeFor[client](), reflect.TypeFor[carriedClient]()},
		{reflect.TypeFor[asides](), reflect.TypeFor[carriedAsides]()},
		{reflect.TypeFor[aside](), reflect.TypeFor[carriedAside]()},
		{reflect.TypeFor[hook](), reflect.TypeFor[carriedHook]()},
		{reflect.TypeFor[repeat](), reflect.TypeFor[carriedRepeat]()},
		{reflect.TypeFor[news](), reflect.TypeFor[carriedNews]()},
		{reflect.TypeFor[event](), reflect.TypeFor[carriedEvent]()},
		{reflect.TypeFor[terminal](), reflect.TypeFor[carriedTerminal]()},
		{reflect.TypeFor[outlet](), reflect.TypeFor[carriedOutlet]()},
		{reflect.TypeFor[plan](), reflect.TypeFor[carriedPlan]()},
		{reflect.TypeFor[lookout](), reflect.TypeFor[carriedLookout]()},
	} {
		for i := range c.live.NumField() {
			name := c.live.Field(i).Name
			_, listed := notCarried[c.live.Name()+"."+name]
			_, is := c.carried.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
			if is == listed {
				t.Errorf("%s.%s: carried %t, listed as not carried %t", c.live.Name(), name, is, listed)
			}
		}
	}
}

// forFaults is zero in a configuration that is whole.
var forFaults = map[string]bool{"Program.from": true}

// What cannot be encoded is found here and not at the first upgrade.
func TestCarriedCanBeEncoded(t *testing.T) {
	var look func(typ reflect.Type, seen map[reflect.Type]bool)
	look = func(typ reflect.Type, seen map[reflect.Type]bool) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(typ.Elem(), seen)
		case reflect.Map:
			look(typ.Key(), seen)
			look(typ.Elem(), seen)
		case reflect.Func, reflect.Chan, reflect.Interface:
			t.Errorf("%s cannot be carried", typ)
		case reflect.Struct:
			if seen[typ] || typ.Name() == "Time" {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				if !f.IsExported() && !forFaults[typ.Name()+"."+f.Name] {
					t.Errorf("%s.%s is not exported", typ.Name(), f.Name)
				}
				if f.IsExported() {
					look(f.Type, seen)
				}
			}
		}
	}
	look(reflect.TypeFor[carried](), map[reflect.Type]bool{})
	if _, err := state.Encode(&carried{}, time.Unix(1, 0)); err != nil {
		t.Error(err)
	}
}
