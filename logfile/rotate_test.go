package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// all gives the content of every file of a log, oldest first, unzipped.
func (d *desk) all(name string) string {
	d.t.Helper()
	type numbered struct {
		n    int
		text string
	}
	var found []numbered
	for _, x := range d.names() {
		rest, ok := strings.CutPrefix(x, name+".")
		if !ok {
			continue
		}
		text := d.read(x)
		plain, zipped := strings.CutSuffix(rest, ".gz")
		if zipped {
			text = d.unzip(text)
		}
		n, err := strconv.Atoi(plain)
		if err != nil {
			d.t.Fatalf("a stray file: %s", x)
		}
		found = append(found, numbered{n, text})
	}
	slices.SortFunc(found, func(a, b numbered) int { return b.n - a.n })
	var out strings.Builder
	for _, f := range found {
		out.WriteString(f.text)
	}
	return out.String() + d.read(name)
}

func (d *desk) unzip(text string) string {
	d.t.Helper()
	z, err := gzip.NewReader(strings.NewReader(text))
	d.do(err)
	b, err := io.ReadAll(z)
	d.do(err)
	return string(b)
}

func TestRotationCountsAndSizes(t *testing.T) {
	for _, read := range []int{70, 1000, 4096, 65536, 1 << 20} {
		t.Run(strconv.Itoa(read), func(t *testing.T) {
			d := newDesk(t)
			_, s := d.open(Options{Path: "a", MaxBytes: 20480, Backups: 3})
			var text bytes.Buffer
			for i := range 3000 {
				fmt.Fprintf(&text, "a-%d%s\n", i, strings.Repeat(".", 60))
			}
			for p := range slices.Chunk(text.Bytes(), read) {
				s.Write(p, d.now)
			}
			if n := d.names(); !slices.Equal(n, []string{"a", "a.1", "a.2", "a.3"}) {
				t.Fatalf("files: %v", n)
			}
			for _, n := range d.names() {
				got := d.read(n)
				if len(got) > 20480+100 || len(got) < 10000 && n != "a" {
					t.Errorf("%s has %d bytes", n, len(got))
				}
				if !strings.HasPrefix(got, "a-") || !strings.HasSuffix(got, "\n") {
					t.Errorf("%s holds torn lines", n)
				}
			}
			if !strings.HasSuffix(text.String(), d.all("a")) {
				t.Error("bytes were lost or doubled")
			}
		})
	}
}

func TestRotationWithoutBackups(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", MaxBytes: 10240})
	for range 1000 {
		s.Write(lines(1, 100), d.now)
	}
	if n := d.names(); len(n) != 1 || len(d.read("a")) > 10240 {
		t.Fatalf("files %v, %d bytes", n, len(d.read("a")))
	}
}

func TestLineLongerThanMaxBytesIsCut(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", MaxBytes: 64 << 10, Backups: 20})
	p := bytes.Repeat([]byte{'z'}, 300000)
	for c := range slices.Chunk(p, 65536) {
		s.Write(c, d.now)
	}
	if d.all("a") != string(p) || len(d.names()) < 4 {
		t.Fatalf("%d bytes in %v", len(d.all("a")), d.names())
	}
}

// TestRandomRotation: whatever the sizes, every byte once and in order, and no
// file much larger than asked for.
func TestRandomRotation(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := newDesk(t)
		o := Options{Path: "a", MaxBytes: 200 + r.Int64N(5000), Backups: 100000}
		_, s := d.open(o)
		var want bytes.Buffer
		for want.Len() < 60000 {
			p := bytes.Repeat([]byte{'a' + byte(r.IntN(26))}, r.IntN(3)*r.IntN(300))
			for range r.IntN(1 + len(p)/20) {
				p[r.IntN(len(p))] = '\n'
			}
			want.Write(p)
			s.Write(p, d.now)
			d.pass(time.Duration(r.IntN(int(400 * time.Millisecond))))
			d.disturb(r)
		}
		if got := d.all("a"); got != want.String() {
			t.Fatalf("seed %d: %d bytes of %d", seed, len(got), want.Len())
		}
		for _, n := range d.names() {
			if size := int64(len(d.read(n))); size > o.MaxBytes+o.MaxBytes/4+600 {
				t.Fatalf("seed %d: %s has %d bytes of %d", seed, n, size, o.MaxBytes)
			}
		}
		if len(d.faults) > 0 {
			t.Fatalf("seed %d: said %v", seed, d.faults)
		}
	}
}

// disturb is what else happens to a log.
func (d *desk) disturb(r *rand.Rand) {
	switch r.IntN(20) {
	case 0:
		d.Reopen(d.now)
	case 1:
		d.Tick(d.now)
	case 2:
		for _, f := range d.files {
			d.do(f.Rotate(d.now))
		}
	}
}

func TestRotateNow(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "a", MaxBytes: 1 << 20, Backups: 2})
	d.do(f.Rotate(d.now)) // empty
	for i := range 4 {
		d.write(s, fmt.Sprintf("%d\nhal", i))
		d.do(f.Rotate(d.now))
		d.write(s, "f\n")
	}
	d.want("a", "")
	d.want("a.1", "3\nhalf\n")
	d.want("a.2", "2\nhalf\n")
	if n := d.names(); len(n) != 3 {
		t.Fatalf("files: %v", n)
	}
}

func TestRotateLeavesWhatNeverRotates(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "a", Backups: 3})
	d.write(s, "one\n")
	d.do(f.Rotate(d.now))
	if n := d.names(); len(n) != 1 {
		t.Fatalf("files: %v", n)
	}
	d.want("a", "one\n")
}

func TestFewerBackupsThanBefore(t *testing.T) {
	d := newDesk(t)
	for _, n := range []string{"a.1", "a.2.gz", "a.3", "a.4", "a.6", "a.20261125"} {
		d.do(os.WriteFile(d.path(n), []byte(n), 0o640))
	}
	f, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 2})
	d.write(s, "new\n")
	d.do(f.Rotate(d.now))
	if n := d.names(); !slices.Equal(n, []string{"a", "a.1", "a.2", "a.20261125", "a.6"}) {
		t.Fatalf("files: %v", n)
	}
	d.want("a.2", "a.1")
}

func TestRotationFillsAGap(t *testing.T) {
	d := newDesk(t)
	for _, n := range []string{"a.1", "a.3"} {
		d.do(os.WriteFile(d.path(n), []byte(n), 0o640))
	}
	f, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 3})
	d.write(s, "new\n")
	d.do(f.Rotate(d.now))
	d.want("a.1", "new\n")
	d.want("a.2", "a.1")
	d.want("a.3", "a.3")
}

func TestRotationThatFailsIsSaidOnceAndLosesNothing(t *testing.T) {
	d := newDesk(t)
	d.do(os.MkdirAll(d.path("a.1/full"), 0o755)) // a directory that is not empty can not be removed
	f, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 1})
	want := ""
	for range 100 {
		d.write(s, "0123456789\n")
		want += "0123456789\n"
		d.pass(10 * time.Millisecond)
	}
	d.want("a", want)
	if len(d.faults) != 1 || !strings.Contains(d.faults[0].err.Error(), "a.1") || f.Dropped() != 0 {
		t.Fatalf("said %v", d.faults)
	}
	if err := f.Rotate(d.now); err == nil {
		t.Fatal("Rotate says nothing of it")
	}
	d.do(os.RemoveAll(d.path("a.1")))
	d.pass(rotateRetry)
	d.write(s, "next\n")
	d.want("a.1", want)
	d.want("a", "next\n")
}

func TestRotationOfAFileThatSomebodyMoved(t *testing.T) {
	d := newDesk(t)
	f, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 3})
	d.write(s, "one\n")
	d.do(os.Rename(d.path("a"), d.path("a.1")))
	d.do(f.Rotate(d.now))
	d.write(s, "two\n")
	d.want("a.1", "one\n")
	d.want("a", "two\n")
	if n := d.names(); len(n) != 2 {
		t.Fatalf("files: %v", n)
	}
}

// gzipJobs does what is asked of the daemon's child, one job at a time.
func (d *desk) gzipJobs() {
	d.t.Helper()
	for len(d.jobs) > 0 {
		job := d.jobs[0]
		d.jobs = d.jobs[1:]
		d.do(Gzip(job))
		d.Compressed(job)
	}
}

func TestCompress(t *testing.T) {
	d := newDesk(t)
	_, s := d.open(Options{Path: "a", MaxBytes: 100, Backups: 3, Compress: true})
	for i := range 50 {
		d.write(s, fmt.Sprintf("line %d of those that count\n", i))
		d.gzipJobs()
	}
	if n := d.names(); !slices.Equal(n, []string{"a", "a.1.gz", "a.2.gz", "a.3.gz"}) {
		t.Fatalf("files: %v", n)
	}
	if got := d.all("a"); !strings.HasSuffix(got, "line 48 of those that count\nline 49 of those that count\n") || len(got) < 300 {
		t.Fatalf("it holds %q", got)
	}
}

// TestRotationsWhileCompressing: jobs end late, or fail, with any number of
// rotations in between, and nothing is lost or in the wrong place.
func TestRotationsWhileCompressing(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		d := newDesk(t)
		backups := 1 + r.IntN(6)
		f, s := d.open(Options{Path: "a", MaxBytes: 1 << 20, Backups: backups, Compress: true})
		var want strings.Builder
		for i := range 40 {
			line := fmt.Sprintf("%d %d\n", seed, i)
			want.WriteString(line)
			d.write(s, line)
			if r.IntN(2) == 0 {
				d.do(f.Rotate(d.now))
			}
			if r.IntN(3) == 0 {
				d.someJob(r)
			}
		}
		d.gzipJobs()
		if got := d.all("a"); !strings.HasSuffix(want.String(), got) || got == "" {
			t.Fatalf("seed %d: %q of %q: %v", seed, got, want.String(), d.names())
		}
		if n := len(d.names()); n > backups+1 {
			t.Fatalf("seed %d: %v", seed, d.names())
		}
	}
}

// someJob ends the running job, well or not.
func (d *desk) someJob(r *rand.Rand) {
	if len(d.jobs) == 0 {
		return
	}
	job := d.jobs[0]
	d.jobs = d.jobs[1:]
	if r.IntN(3) > 0 {
		d.do(Gzip(job))
	}
	d.Compressed(job)
}

func TestCompressionOfAnEarlierDaemonIsTakenUp(t *testing.T) {
	d := newDesk(t)
	for n, text := range map[string]string{"a.1": "one\n", "a.2": "two\n", ".a.job": "two\n", ".a.job.gz.part": "junk", "a": "now\n"} {
		d.do(os.WriteFile(d.path(n), []byte(text), 0o640))
	}
	d.open(Options{Path: "a", MaxBytes: 100, Backups: 3, Compress: true})
	d.gzipJobs()
	if n := d.names(); !slices.Equal(n, []string{"a", "a.1.gz", "a.2.gz"}) {
		t.Fatalf("files: %v", n)
	}
	if got := d.all("a"); got != "two\none\nnow\n" {
		t.Fatalf("it holds %q", got)
	}
}

func TestCompressionEndsAfterClose(t *testing.T) {
	d := newDesk(t)
	o := Options{Path: d.path("a"), MaxBytes: 100, Backups: 3, Compress: true}
	f, err := d.Open(o)
	d.do(err)
	s := f.Stream(o)
	d.write(s, "one\n")
	d.do(f.Rotate(d.now))
	s.End(d.now)
	f.Close()
	again, _ := d.open(o)
	d.write(again.Stream(o), "two\n")
	d.do(again.Rotate(d.now))
	if len(d.jobs) != 1 {
		t.Fatalf("jobs: %v", d.jobs)
	}
	d.gzipJobs()
	if n := d.names(); !slices.Equal(n, []string{"a", "a.1.gz", "a.2.gz"}) || d.all("a") != "one\ntwo\n" {
		t.Fatalf("files: %v", n)
	}
}

func TestGzipKeepsModeAndTime(t *testing.T) {
	d := newDesk(t)
	path := d.path("a")
	d.do(os.WriteFile(path, lines(1000, 100), 0o600))
	d.do(os.Chmod(path, 0o604))
	then := time.Unix(1700000000, 0)
	d.do(os.Chtimes(path, then, then))
	d.do(os.WriteFile(path+gzPart, []byte("of one that was killed"), 0o600))
	d.do(Gzip(path))
	d.do(Gzip(path)) // done already
	st, err := os.Stat(path + ".gz")
	d.do(err)
	if st.Mode().Perm() != 0o604 || !st.ModTime().Equal(then) || len(d.names()) != 1 {
		t.Fatalf("%v, %v, %v", st.Mode(), st.ModTime(), d.names())
	}
	if got := d.unzip(d.read("a.gz")); got != string(lines(1000, 100)) {
		t.Fatalf("%d bytes", len(got))
	}
	if err := Gzip(d.path("none")); !errors.Is(err, unix.ENOENT) {
		t.Fatalf("no file: %v", err)
	}
}

func TestGzipOnAFullDiskLeavesTheFile(t *testing.T) {
	d := newDesk(t)
	d.dir = smallDisk(t, "size=256k")
	r := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 200<<10)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	d.do(os.WriteFile(d.path("a"), p, 0o640))
	if err := Gzip(d.path("a")); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("Gzip: %v", err)
	}
	if n := d.names(); len(n) != 1 || d.read("a") != string(p) {
		t.Fatalf("files: %v", n)
	}
}

// FuzzCut: a file is cut within what does not fit, and an empty one always takes some.
func FuzzCut(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree"), uint16(5), uint16(2), false)
	f.Fuzz(func(t *testing.T, p []byte, most, size uint16, midline bool) {
		file := File{opts: Options{MaxBytes: int64(most) + 1}, size: int64(size), midline: midline}
		if file.size+int64(len(p)) <= file.opts.MaxBytes {
			return
		}
		n := file.cut(p)
		if n < 0 || n > len(p) || n == 0 && size == 0 {
			t.Fatalf("cut %d of %d", n, len(p))
		}
		if over := file.size + int64(n) - file.opts.MaxBytes; n > 0 && over > max(file.opts.MaxBytes/4, 0) {
			t.Fatalf("%d bytes too many", over)
		}
	})
}
