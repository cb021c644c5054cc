package tests

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long an awaited thing may take on a busy machine. Nothing
// that works comes near it.
const patience = 30 * time.Second

// fields are a program's, or the daemon's, in the configuration.
type fields = map[string]any

// programs are the section of that name.
type programs = map[string]fields

// prog makes a program with short times, so that tests are quick.
func prog(cmd any, more ...fields) fields {
	p := fields{"cmd": cmd, "starttime": 0.1, "stoptime": 5, "backoff": 0.02, "backoffmax": 0.1}
	for _, m := range more {
		for k, v := range m {
			p[k] = v
		}
	}
	return p
}

// sh is a command in the words of the shell.
func sh(script string) []string { return []string{"/bin/sh", "-c", script} }

// role is the test binary as a program under test, see child_test.go.
func role(name string, args ...string) []string {
	return append([]string{self, "child", name}, args...)
}

// world is the directory of one test and all that was started from it: each of
// those carries its name in the environment, and is gone when the test ends.
type world struct {
	testing.TB
	dir string
}

// mark is the variable that tells which world a process belongs to.
const mark = "TM_TEST_WORLD"

func newWorld(t testing.TB) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "tm-") // shorter than TempDir's: the name of a socket has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // programs of other users write here
		t.Fatal(err)
	}
	w := &world{t, dir}
	t.Cleanup(func() {
		w.killAll()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return w
}

// killAll ends what is left, and what that forks meanwhile.
func (w *world) killAll() {
	for range 200 {
		left := w.left()
		if len(left) == 0 {
			return
		}
		for _, p := range left {
			_ = syscall.Kill(p.pid, syscall.SIGSTOP) // so that it forks no further
		}
		for _, p := range left {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	w.Errorf("could not end: %v", w.left())
}

// left lists what this world has started and is still alive.
func (w *world) left() []procStat { return carrying(mark, w.dir) }

// path is a path in the world's directory.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// write makes a file in the world's directory, whole or not at all.
func (w *world) write(name, text string) string {
	w.Helper()
	path := w.path(name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		w.Fatal(err)
	}
	return path
}

// lines gives the whole lines of a file of the world's directory, none when there is no such file.
func (w *world) lines(name string) []string {
	b, _ := os.ReadFile(w.path(name))
	whole := b[:strings.LastIndexByte(string(b), '\n')+1]
	if len(whole) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(whole), "\n"), "\n")
}

// numbers gives the first word of each line of a file as a number.
func (w *world) numbers(name string) (out []int) {
	w.Helper()
	for _, l := range w.lines(name) {
		word, _, _ := strings.Cut(l, " ")
		n, err := strconv.Atoi(word)
		if err != nil {
			w.Fatalf("%s: %v", name, err)
		}
		out = append(out, n)
	}
	return out
}

// config writes the configuration (JSON is YAML), with more sections if need be,
// and returns its path.
func (w *world) config(ps programs, daemon fields, top ...fields) string {
	w.Helper()
	d := fields{"socket": w.path("s"), "log": w.path("tm.log")}
	for k, v := range daemon {
		d[k] = v
	}
	file := fields{"daemon": d, "programs": ps}
	for _, more := range top {
		maps.Copy(file, more)
	}
	b, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		w.Fatal(err)
	}
	return w.write("config.yaml", string(b))
}

// until waits for a condition: looked at often, failed when it has not come in patience.
func (w *world) until(what string, cond func() bool) {
	w.Helper()
	if !within(patience, cond) {
		w.Fatalf("never came: %s\nthe daemon's log ends:\n%s", what, w.logTail())
	}
}

// within looks at a condition until it holds or d is over.
func within(d time.Duration, cond func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); ; <-tick.C {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

func (w *world) logTail() string {
	ls := w.lines("tm.log")
	return strings.Join(append(ls[max(0, len(ls)-20):], w.lines("stderr")...), "\n")
}

// logged lists the lines of the daemon's log that hold every one of the words.
func (w *world) logged(words ...string) (out []string) {
next:
	for _, l := range w.lines("tm.log") {
		for _, word := range words {
			if !strings.Contains(l, word) {
				continue next
			}
		}
		out = append(out, l)
	}
	return out
}
