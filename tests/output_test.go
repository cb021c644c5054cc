package tests

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outputBytes is OUTPUT_BYTES (as 500MB or 10GB), some 50 MB without it.
func outputBytes(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("OUTPUT_BYTES")
	if text == "" {
		return 50e6
	}
	number := strings.TrimRight(text, "kMGB")
	n, err := strconv.ParseInt(number, 10, 64)
	factor, ok := map[string]int64{"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[text[len(number):]]
	if err != nil || !ok {
		t.Fatalf("OUTPUT_BYTES=%s: want a number and B, kB, MB or GB", text)
	}
	return n * factor
}

// TestOutputIsByteExact proves that files hold exactly what programs wrote,
// while those are killed, restarted, rotated, reloaded, have their files moved
// away and get another daemon. It goes on with fresh seeds, and without the
// files that are proven, until that is done for OUTPUT_BYTES (50MB without it;
// 10GB takes minutes). OUTPUT_SEED begins with the seed of an earlier run.
func TestOutputIsByteExact(t *testing.T) {
	t.Parallel()
	want, began := outputBytes(t), time.Now()
	seed := uint64(began.UnixNano())
	if text := os.Getenv("OUTPUT_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	for proven, n := int64(0), 1; proven < want; n++ {
		ok := t.Run(fmt.Sprintf("OUTPUT_SEED=%d", seed), func(t *testing.T) {
			proven += newFlood(t, seed, min(want-proven, 500e6)).prove()
		})
		if !ok {
			break
		}
		t.Logf("%d bytes proven with %d seeds in %.0f s", proven, n, time.Since(began).Seconds())
		seed++
	}
}

// flow is one file of the flood and those who write to it.
type flow struct {
	program   string
	instances int
	lines     bool           // of the speech; shared files have whole lines
	output    map[string]any // its stdout
	moved     int            // how often its file was moved away, -1 when it never is
}

// flood is one round of the proof.
type flood struct {
	*daemon
	seed   uint64
	rnd    *rand.Rand
	budget int64 // of one program
	flows  []*flow
	done   map[string]int
}

func newFlood(t *testing.T, seed uint64, size int64) *flood {
	t.Helper()
	w := newWorld(t)
	f := &flood{seed: seed, rnd: rand.New(rand.NewPCG(seed, seed)), done: map[string]int{}}
	f.flow("plain", 1, nil)
	f.flow("other", 1, nil)
	f.flow("moved", 1, nil).moved = 0
	f.flow("rotated", 1, fields{"maxbytes": 0, "backups": 1000})
	f.flow("small", 1, fields{"maxbytes": 0, "backups": 1000})
	f.flow("packed", 1, fields{"maxbytes": 0, "backups": 1000, "compress": true})
	f.flow("shared", 3, fields{"maxbytes": 0, "backups": 1000}).lines = true
	f.flow("prefixed", 2, fields{"maxbytes": 0, "backups": 1000, "prefix": "> "}).lines = true
	f.flow("gone", 2, nil).moved = 0
	f.flows[len(f.flows)-1].lines = true
	f.budget = size / 13
	if err := os.Mkdir(w.path("progress"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.daemon = w.start(f.programs(w))
	return f
}

func (f *flood) flow(name string, instances int, output fields) *flow {
	fl := &flow{program: name, instances: instances, output: fields{}, moved: -1}
	for k, v := range output {
		fl.output[k] = v
	}
	f.flows = append(f.flows, fl)
	return fl
}

func (fl *flow) names() (out []string) {
	for i := range fl.instances {
		out = append(out, fmt.Sprintf("%s:%d", fl.program, i))
	}
	return out
}

// programs is a configuration of the moment: files are cut at another size
// with each, so a reload restarts some and finds some unchanged.
func (f *flood) programs(w *world) programs {
	ps := programs{}
	for _, fl := range f.flows {
		fl.output["path"] = w.path(fl.program + ".log")
		kind := "bytes"
		if fl.lines {
			kind = "lines"
		}
		if _, ok := fl.output["maxbytes"]; ok {
			fl.output["maxbytes"] = f.budget/int64(10+f.rnd.IntN(3)*20) + 1
		}
		ps[fl.program] = prog(role("pour", w.path("progress"), fmt.Sprint(f.seed), fmt.Sprint(f.budget), kind), fields{
			"starttime": 0.01 + float64(f.rnd.IntN(2))/100, "startretries": -1, "autorestart": "always", "backoff": 0.01, "backoffmax": 0.05,
			"numprocs": fl.instances, "stdout": fl.output,
		})
	}
	return ps
}

// prove lets everything happen and then looks at every byte. It gives their number.
func (f *flood) prove() (proven int64) {
	f.Helper()
	f.disturb(func() bool { return f.written() > f.budget*6 })
	f.end()
	f.daemon = f.start(f.programs(f.world))
	f.disturb(f.finished)
	f.end()
	for _, fl := range f.flows {
		proven += f.verify(fl)
	}
	f.Logf("%d bytes, done: %v", proven, f.done)
	return proven
}

func (f *flood) written() (sum int64) {
	for _, fl := range f.flows {
		for _, name := range fl.names() {
			sum += poured(f.path("progress"), name)
		}
	}
	return sum
}

func (f *flood) finished() bool {
	for _, fl := range f.flows {
		for _, name := range fl.names() {
			if _, err := os.Stat(f.path("progress/" + name + ".done")); err != nil {
				return false
			}
		}
	}
	return true
}

// disturb does random things until enough is written. Nobody waits for the
// writers for ever: they have patience for each byte.
func (f *flood) disturb(enough func() bool) {
	f.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for last, since, n := int64(-1), time.Now(), 0; n%10 != 0 || !enough(); n++ {
		f.act()
		<-pause.C
		if n%50 != 0 {
			continue
		}
		if written := f.written(); written != last {
			last, since = written, time.Now()
		}
		if time.Since(since) > patience {
			f.Fatalf("nothing is written any more: %v\n%s", f.status(), f.logTail())
		}
	}
}

// act does one thing to one program.
func (f *flood) act() {
	f.Helper()
	fl := f.flows[f.rnd.IntN(len(f.flows))]
	name := fl.names()[f.rnd.IntN(fl.instances)]
	what := []string{"kill", "kill", "restart", "rotate", "rotate all", "move", "move", "move and tell", "reload", "nothing", "nothing", "nothing"}[f.rnd.IntN(12)]
	f.done[what]++
	switch what {
	case "kill":
		if pid := f.status(name)[name].PID; pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	case "restart":
		f.call("restart", "--no-wait", name)
	case "rotate":
		f.call("rotate", fl.program)
	case "rotate all":
		f.call("rotate")
	case "move", "move and tell":
		f.move()
		if what != "move" {
			f.send(syscall.SIGUSR2)
		}
	case "reload":
		f.config(f.programs(f.world), nil)
		f.call("reload")
	}
}

// move moves files away, as logrotate does.
func (f *flood) move() {
	for _, fl := range f.flows {
		path := f.path(fl.program + ".log")
		if fl.moved >= 0 && os.Rename(path, fmt.Sprintf("%s.moved.%d", path, fl.moved+1)) == nil {
			fl.moved++
		}
	}
}

// content is all that went to a flow's file, wherever it is by now, oldest
// first; the files are deleted.
func (f *flood) content(fl *flow) []byte {
	f.Helper()
	path := f.path(fl.program + ".log")
	var paths []string
	for n := 1; n <= fl.moved; n++ {
		paths = append(paths, fmt.Sprintf("%s.moved.%d", path, n))
	}
	if fl.moved < 0 {
		all, err := filepath.Glob(path + ".*")
		if err != nil || len(all) >= 1000 {
			f.Fatalf("%d rotated files, so some may be gone: %v", len(all), err)
		}
		for n := len(all); n > 0; n-- {
			paths = append(paths, fmt.Sprintf("%s.%d", path, n))
		}
		f.done["rotated"] += len(all)
	}
	var out []byte
	for _, p := range append(paths, path) {
		out = append(out, f.take(p, p == path)...)
	}
	return out
}

// take reads a file, compressed or not, and deletes it.
func (f *flood) take(path string, last bool) []byte {
	f.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) && !last {
		path += ".gz"
		b, err = unzip(path)
		f.done["unzipped"]++
	}
	if os.IsNotExist(err) && last {
		return nil // moved away, and nothing was written since
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func unzip(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// verify holds a flow's content against what was to come and gives its size.
func (f *flood) verify(fl *flow) int64 {
	f.Helper()
	content := f.content(fl)
	var err error
	if fl.lines {
		prefix, _ := fl.output["prefix"].(string)
		err = f.verifyLines(fl, content, prefix)
		if err != nil && f.slow(fl) {
			f.Logf("not counted: a line that waits for a second is given up, and %s had no CPU for about as long: %v", fl.program, err)
			return 0
		}
	} else {
		err = f.verifyBytes(fl.names()[0], content)
	}
	if err != nil {
		f.Fatalf("%s: %v\ndone: %v", fl.program, err, f.done)
	}
	return int64(len(content))
}

// slow tells whether a writer of this flow may have left a line alone for too long.
func (f *flood) slow(fl *flow) bool {
	return slices.ContainsFunc(fl.names(), func(name string) bool {
		_, slow := readProgress(f.path("progress"), name)
		return slow
	})
}

// verifyBytes holds content against the launches of one program: of each at
// least what it noted, up to where it was killed, and nothing else.
func (f *flood) verifyBytes(name string, content []byte) error {
	noted, _ := readProgress(f.path("progress"), name)
	at := 0
	for launch := 0; launch < len(noted); {
		same := common(content[at:], newSpeech(f.seed, f.budget/4, name, launch, false))
		next, length := launch+1, same
		for ; next < len(noted); next++ { // one that was killed before its head has written nothing
			if length = begins(content[at:at+min(same+headRoom, len(content)-at)], newSpeech(f.seed, f.budget/4, name, next, false).head, same); length >= 0 {
				break
			}
			if noted[next] > 0 {
				return fmt.Errorf("launch %d of %d: byte %d of the file is not its byte %d, and the next one does not begin there", launch, len(noted), at+same, same)
			}
			length = same
		}
		if int64(length) < noted[launch] {
			return fmt.Errorf("launch %d wrote at least %d bytes, only %d are there", launch, noted[launch], length)
		}
		at, launch = at+length, next
	}
	if at != len(content) {
		return fmt.Errorf("after byte %d of %d comes what nobody wrote: %.80q", at, len(content), content[at:])
	}
	return nil
}

const headRoom = 256

// common is how many bytes of b are those of the speech, from its beginning.
func common(b []byte, s io.Reader) (n int) {
	buf := make([]byte, speechBlock)
	for {
		m, err := s.Read(buf)
		if err != nil {
			return n
		}
		for i := range m {
			if n+i == len(b) || b[n+i] != buf[i] {
				return n + i
			}
		}
		n += m
	}
}

// begins looks for a head where the bytes of the launch before may end: what
// two launches have in common by chance is short. -1 is nowhere.
func begins(b []byte, head string, same int) int {
	for at := same; at >= max(0, same-headRoom); at-- {
		if bytes.HasPrefix(b[at:], []byte(head)) {
			return at
		}
	}
	return -1
}

// writer is one launch that wrote lines.
type writer struct {
	lines *bufio.Reader
	next  []byte // line, nil at the end
	got   int64
}

func (w *writer) advance() {
	w.got += int64(len(w.next))
	w.next, _ = w.lines.ReadBytes('\n')
	if len(w.next) == 0 {
		w.next = nil
	}
}

// verifyLines holds content against the launches of several: whole lines, each
// launch's in order, with at most the last one of a launch not whole.
func (f *flood) verifyLines(fl *flow, content []byte, prefix string) error {
	writers, noted := map[string]*writer{}, map[string]int64{}
	for _, name := range fl.names() {
		done, _ := readProgress(f.path("progress"), name)
		for launch, n := range done {
			s := newSpeech(f.seed, f.budget/4, name, launch, true)
			w := &writer{lines: bufio.NewReaderSize(s, speechBlock)}
			w.advance()
			key := fmt.Sprintf("%s %d", name, launch)
			writers[key], noted[key] = w, n
		}
	}
	var rests [][]byte
	for number := 1; len(content) > 0; number++ {
		line := content[:bytes.IndexByte(content, '\n')+1]
		if len(line) == 0 {
			line = content
		}
		content = content[len(line):]
		if prefix != "" && !bytes.HasPrefix(line, []byte(prefix+string(lineMark))) {
			return fmt.Errorf("line %d has no prefix: %.80q", number, line)
		}
		rests = append(rests, account(writers, line[len(prefix):])...)
	}
	if err := leave(writers, noted, rests, prefix != ""); err != nil {
		return err
	}
	for key, w := range writers {
		if w.got < noted[key] {
			return fmt.Errorf("%s wrote at least %d bytes, only %d are there", key, noted[key], w.got)
		}
	}
	return nil
}

// account finds whose line this is. What is nobody's next line it gives back:
// it may be what killed writers left of their last ones.
func account(writers map[string]*writer, line []byte) (rests [][]byte) {
	for len(line) > 0 {
		part := line
		if n := bytes.IndexByte(line[1:], lineMark); n >= 0 {
			part = line[:n+1]
		}
		line = line[len(part):]
		if words := bytes.SplitN(part[1:], []byte{' '}, 3); len(words) == 3 {
			if w := writers[string(words[0])+" "+string(words[1])]; w != nil && bytes.Equal(w.next, part) {
				w.advance()
				continue
			}
		}
		rests = append(rests, part)
	}
	return rests
}

// leave finds for each rest of a line another writer that it can be the end of,
// the longest first; with ended they got a line end. A short one can be
// anybody's: who is known to have written most of what is not there takes it.
func leave(writers map[string]*writer, noted map[string]int64, rests [][]byte, ended bool) error {
	if len(rests) == 0 {
		return nil
	}
	first := rests[0]
	slices.SortStableFunc(rests, func(a, b []byte) int { return len(b) - len(a) })
	for _, rest := range rests {
		if ended {
			rest = bytes.TrimSuffix(rest, []byte{'\n'})
		}
		var heir *writer
		var need int64
		for key, w := range writers {
			if n := noted[key] - w.got; bytes.HasPrefix(w.next, rest) && (heir == nil || n > need) {
				heir, need = w, n
			}
		}
		if heir == nil {
			return fmt.Errorf("nobody's: %.120q, of %d bytes; the first that is not as it was to be is %.120q", rest, len(rest), first)
		}
		heir.got += int64(len(rest))
		heir.next = nil
	}
	return nil
}
