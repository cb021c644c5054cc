package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A way to start the daemon, each with something in it that a child must not inherit.
type way struct {
	name string
	opts func(w *world) options
	want func(c *circumstances, openFiles *string) // what differs from the plain way, on purpose
}

var ways = []way{
	{name: "plain"},
	{name: "nohup", opts: func(*world) options { return options{wrap: []string{"nohup"}} }},
	{name: "no descriptors", opts: func(*world) options { return options{wrap: wrapped(setting{Close: []int{0, 1, 2}})} }},
	{name: "inherited descriptors", opts: func(w *world) options { return options{extra: w.extraFiles(20)} }},
	{name: "signals blocked and ignored", opts: func(*world) options {
		return options{wrap: wrapped(setting{
			Block:  []int{1, 2, 3, 10, 12, 13, 15, 17, 34, 64},
			Ignore: []int{1, 2, 3, 10, 12, 13, 17},
		})}
	}},
	{
		name: "few descriptors", opts: func(*world) options { return options{wrap: wrapped(setting{NoFile: [2]uint64{99, 999}})} },
		want: func(_ *circumstances, openFiles *string) { *openFiles = "99 999" },
	},
	{
		name: "many descriptors", opts: func(*world) options { return options{wrap: wrapped(setting{NoFile: [2]uint64{4096, 4096}})} },
		want: func(_ *circumstances, openFiles *string) { *openFiles = "4096 4096" },
	},
	{
		name: "umask 077", opts: func(*world) options { mask := 0o077; return options{wrap: wrapped(setting{Umask: &mask})} },
		want: func(c *circumstances, _ *string) { c.Umask = 0o077 },
	},
	{name: "detach", opts: func(*world) options { return options{flags: []string{"--detach"}, apart: true} }},
	{name: "terminal", opts: func(w *world) options {
		return options{terminal: w.terminal(), attr: &syscall.SysProcAttr{Setsid: true, Setctty: true}}
	}},
	{name: "session of its own", opts: func(*world) options { return options{attr: &syscall.SysProcAttr{Setsid: true}} }},
}

// However the daemon was started, its children are given the same.
func TestChildIsGivenTheSameHoweverTheDaemonWasStarted(t *testing.T) {
	t.Parallel()
	for _, h := range ways {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var opts options
			if h.opts != nil {
				opts = h.opts(w)
			}
			d := w.start(programs{
				"report": prog(role("report", w.path("report")), fields{"env": fields{"GREETING": "hello"}}),
				"status": prog("cat /proc/self/status /proc/self/limits", fields{"oneshot": true, "stdout": w.path("status")}),
			}, opts)
			want, files := plainCircumstances(w)
			if h.want != nil {
				h.want(&want, &files)
			}
			w.compare(want)
			w.checkKernelsView(d, files)
			if h.name == "detach" {
				d.must("shutdown")
				w.until("the daemon has ended", func() bool { return len(w.left()) == 0 })
			} else {
				d.end()
			}
		})
	}
}

// plainCircumstances is what a child is to be given by a daemon that these
// tests start, and its limits of open files.
func plainCircumstances(w *world) (c circumstances, openFiles string) {
	groups, _ := os.Getgroups()
	limits, err := exec.Command("cat", "/proc/self/limits").Output() // this process has other ones by now
	if err != nil {
		w.Fatal(err)
	}
	mask, err := strconv.ParseInt(statusField(os.Getpid(), "Umask"), 8, 32)
	if err != nil {
		w.Fatal(err)
	}
	return circumstances{
		Descriptors: []int{0, 1, 2}, Stdin: "/dev/null", Umask: int(mask), UID: os.Getuid(), GID: os.Getgid(), Groups: groups,
		Leader: true, Dir: w.dir,
		Env: slices.Sorted(slices.Values(append(os.Environ(), mark+"="+w.dir, "XDG_STATE_HOME="+w.path("state"),
			"GREETING=hello", "TASKMASTER_PROGRAM=report", "TASKMASTER_INSTANCE=0", "TASKMASTER_NAME=report"))),
	}, limit(string(limits), "Max open files")
}

// limit gives the soft and the hard value of one limit from the text of a limits file.
func limit(text, name string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Join(strings.Fields(rest)[:2], " ")
		}
	}
	return ""
}

// compare holds what the program called report has written against want.
func (w *world) compare(want circumstances) {
	w.Helper()
	var got circumstances
	w.until("the report", func() bool {
		b, err := os.ReadFile(w.path("report"))
		return err == nil && json.Unmarshal(b, &got) == nil
	})
	// PWD and _ are those of whoever sets them; a terminal of the daemon's, if it has one, is not taken away.
	own := func(kv string) bool { return strings.HasPrefix(kv, "PWD=") || strings.HasPrefix(kv, "_=") }
	got.Env, want.Env = slices.DeleteFunc(got.Env, own), slices.DeleteFunc(want.Env, own)
	got.Terminal = false
	for _, kv := range got.Env {
		if !slices.Contains(want.Env, kv) {
			w.Errorf("%s is in the environment", kv)
		}
	}
	for _, kv := range want.Env {
		if !slices.Contains(got.Env, kv) {
			w.Errorf("%s is not in the environment", kv)
		}
	}
	got.Env, want.Env = nil, nil
	g, e := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), e.Field(i).Interface()) {
			w.Errorf("%s is\n %v, want\n %v", g.Type().Field(i).Name, g.Field(i), e.Field(i))
		}
	}
}

// checkKernelsView looks at the signals and limits of a program that neither a shell nor a runtime has touched.
func (w *world) checkKernelsView(d *daemon, openFiles string) {
	w.Helper()
	d.await("status", "EXITED")
	text := strings.Join(w.lines("status"), "\n")
	for _, name := range []string{"SigBlk", "SigIgn", "SigCgt"} {
		if v := field(text, name); v != strings.Repeat("0", 16) {
			w.Errorf("%s is %s, want none", name, v)
		}
	}
	if got := limit(text, "Max open files"); got != openFiles {
		w.Errorf("limits of open files %q, want %q", got, openFiles)
	}
}

// extraFiles gives n open files to be inherited.
func (w *world) extraFiles(n int) (out []*os.File) {
	for i := range n {
		out = append(out, w.appending(fmt.Sprintf("extra.%d", i)))
	}
	return out
}

// user drops every privilege, and what it is given is that user's.
func TestUserDropsEverything(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{
		"a": prog([]string{"cat", "/proc/self/status"}, fields{"oneshot": true, "user": "nobody", "stdout": w.path("status")}),
		"b": prog("sleep 1000", fields{"user": "no-such-user-here", "startretries": 0}),
	})
	d.await("a", "EXITED")
	text := strings.Join(w.lines("status"), "\n")
	for _, name := range []string{"Uid", "Gid"} {
		if ids := strings.Fields(field(text, name)); len(ids) != 4 || slices.Contains(ids, "0") || len(slices.Compact(ids)) != 1 {
			t.Errorf("%s: %v", name, ids)
		}
	}
	if groups := strings.Fields(field(text, "Groups")); slices.Contains(groups, "0") {
		t.Errorf("supplementary groups: %v", groups)
	}
	for _, name := range []string{"CapInh", "CapPrm", "CapEff", "CapAmb"} {
		if v := field(text, name); v != strings.Repeat("0", 16) {
			t.Errorf("%s is %s, want none", name, v)
		}
	}
	if r := d.await("b", "FATAL"); !strings.Contains(r.Reason, "no-such-user-here") {
		t.Errorf("reason %q does not name the user", r.Reason)
	}
	d.end()
}

// Limits are in force before a program can look at them.
func TestLimitsHoldFromTheFirstInstruction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.start(programs{"a": prog([]string{"cat", "/proc/self/limits"}, fields{
		"oneshot": true, "stdout": w.path("limits"), "limits": fields{"nofile": 77, "core": 0},
	})})
	d.await("a", "EXITED")
	text := strings.Join(w.lines("limits"), "\n")
	for name, want := range map[string]string{"Max open files": "77 77", "Max core file size": "0 0"} {
		if got := limit(text, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d.end()
}

// What the daemon asks of the scheduler for itself is not its children's: they
// are scheduled as whatever is started in its place.
func TestChildIsScheduledAsTheDaemonWas(t *testing.T) {
	t.Parallel()
	for _, wrap := range [][]string{{"env"}, {"nice", "-n", "5"}, {"nice", "-n", "-5"}, {"chrt", "--batch", "0"}, {"chrt", "--idle", "0"}} {
		t.Run(strings.Join(wrap, " "), func(t *testing.T) {
			if wrap[len(wrap)-1] == "-5" && os.Getuid() != 0 {
				t.Skip("needs root")
			}
			t.Parallel()
			w := newWorld(t)
			witness := exec.Command(wrap[0], append(wrap[1:], "cat", "/proc/self/sched")...)
			out, err := witness.Output()
			if err != nil {
				t.Fatal(err)
			}
			d := w.start(programs{
				"direct": prog("cat /proc/self/sched", fields{"oneshot": true, "stdout": w.path("direct")}),
				"staged": prog("cat /proc/self/sched", fields{"oneshot": true, "stdout": w.path("staged"), "limits": fields{"nofile": 77}}),
			}, options{wrap: wrap})
			for _, name := range []string{"direct", "staged"} {
				d.await(name, "EXITED")
				text := strings.Join(w.lines(name), "\n")
				for _, key := range []string{"policy", "prio", "se.slice"} {
					if got, want := schedValue(text, key), schedValue(string(out), key); got != want {
						t.Errorf("%s: %s is %q, want %q", name, key, got, want)
					}
				}
			}
			d.end()
		})
	}
}

// schedValue gives one value of /proc/PID/sched.
func schedValue(text, key string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
