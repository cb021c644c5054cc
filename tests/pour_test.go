package tests

import (
	"crypto/sha256"
	bin "encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	speechBlock = 64 << 10
	biggest     = 1 << 20 // bytes of one write
	lineMark    = '\x01'  // begins each line of a speech of lines, and is nowhere else in it
	dawdle      = 500 * time.Millisecond
)

// speech is all that one launch of a program would write if nobody killed it:
// the same bytes for the same seed, program and launch, here and in the child;
// at most so many, and the head.
type speech struct {
	head  string // written first, with one write
	lines bool   // whole lines, numbered; else anything
	bytes *rand.ChaCha8
	rnd   *rand.Rand
	size  int // bytes after the head
	line  int
	block []byte
	rest  []byte
}

func newSpeech(seed uint64, most int64, name string, launch int, lines bool) *speech {
	key := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, name, launch))
	s := &speech{head: fmt.Sprintf("\x00launch %d of %s, seed %d\n", launch, name, seed), lines: lines, bytes: rand.NewChaCha8(key)}
	s.rnd = rand.New(rand.NewPCG(bin.LittleEndian.Uint64(key[:]), bin.LittleEndian.Uint64(key[8:])))
	if s.size = 1 + s.rnd.IntN(int(most)); s.rnd.IntN(2) == 0 {
		s.size = upTo(s.rnd, s.size)
	}
	if lines {
		s.head = fmt.Sprintf("%c%s %d %d\n", lineMark, name, launch, s.line)
	}
	s.rest = []byte(s.head)
	s.size += len(s.head)
	return s
}

// upTo is a number from 1 to n, of any order of magnitude.
func upTo(rnd *rand.Rand, n int) int {
	return 1 + rnd.IntN(min(n, 1<<rnd.IntN(bits.Len(uint(n)))))
}

// Read gives the next bytes. A speech that is not of lines ends anywhere.
func (s *speech) Read(p []byte) (int, error) {
	if s.size == 0 {
		return 0, io.EOF
	}
	if len(s.rest) == 0 {
		s.fill()
	}
	n := copy(p, s.rest[:min(len(s.rest), s.size)])
	s.rest, s.size = s.rest[n:], s.size-n
	return n, nil
}

func (s *speech) fill() {
	if s.lines {
		s.fillLines()
		return
	}
	if s.block == nil {
		s.block = make([]byte, speechBlock)
	}
	_, _ = s.bytes.Read(s.block) // it gives no error
	s.rest = s.block
	switch s.block[0] & 3 {
	case 0: // no line end far and wide
		for i, b := range s.block {
			if b == '\n' {
				s.block[i] = 0xff
			}
		}
	case 1: // short lines
		for i, b := range s.block {
			if s.block[i] = 'a' + b&15; b>>2 == 0 {
				s.block[i] = '\n'
			}
		}
	}
}

// fillLines makes a few lines: who, which launch, which line, and letters.
func (s *speech) fillLines() {
	s.block = s.block[:0]
	for len(s.block) < speechBlock/2 {
		s.line++
		head := s.head[:len(s.head)-2] // without the number of the first line
		s.block = append(strconv.AppendInt(append(s.block, head...), int64(s.line), 10), ' ')
		from := len(s.block)
		s.block = append(s.block, make([]byte, upTo(s.rnd, 8<<10))...)
		_, _ = s.bytes.Read(s.block[from:]) // it gives no error
		for i, b := range s.block[from:] {
			s.block[from+i] = 'a' + b&15
		}
		s.block = append(s.block, '\n')
	}
	s.rest = s.block
}

// pour DIR SEED BUDGET KIND: launch after launch writes its speech to stdout,
// until the program has written BUDGET bytes in all; the one after that sleeps.
// How far it has come is in DIR, whatever ends it.
func pour(args []string) {
	name := os.Getenv("TASKMASTER_PROGRAM") + ":" + os.Getenv("TASKMASTER_INSTANCE")
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	budget, _ := strconv.ParseInt(args[2], 10, 64)
	p := newProgress(args[0], name)
	if poured(args[0], name) >= budget {
		publish(filepath.Join(args[0], name+".done"), true)
		sleepForever()
	}
	s := newSpeech(seed, budget/4, name, p.launch, args[3] == "lines")
	sizes := rand.New(rand.NewPCG(seed, uint64(p.launch)))
	buf := make([]byte, biggest)
	p.write(buf[:copy(buf, s.head)])
	_, _ = io.ReadFull(s, buf[:len(s.head)])
	for {
		n := 0
		for want := upTo(sizes, biggest); n < want; {
			m, err := s.Read(buf[n:want])
			if n += m; err != nil {
				p.write(buf[:n])
				return
			}
		}
		p.write(buf[:n])
	}
}

// progress is a file that tells how many bytes a launch has certainly written,
// and whether it ever took so long that a line of it may have been given up.
type progress struct {
	launch int
	file   *os.File
	done   int64
	last   time.Time
	slow   int64
}

func newProgress(dir, name string) *progress {
	p := &progress{last: time.Now()}
	for ; ; p.launch++ {
		var err error
		p.file, err = os.OpenFile(progressFile(dir, name, p.launch), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err == nil {
			return p
		}
		if !os.IsExist(err) {
			fail(err)
		}
	}
}

func progressFile(dir, name string, launch int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%d.progress", name, launch))
}

// write writes b to stdout and keeps account.
func (p *progress) write(b []byte) {
	for len(b) > 0 {
		n, err := unix.Write(1, b)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil {
			fail(err)
		}
		p.done += int64(n)
		b = b[n:]
	}
	now := time.Now()
	if now.Sub(p.last) > dawdle {
		p.slow = 1
	}
	p.last = now
	var account [16]byte
	bin.LittleEndian.PutUint64(account[:], uint64(p.done))
	bin.LittleEndian.PutUint64(account[8:], uint64(p.slow))
	if _, err := p.file.WriteAt(account[:], 0); err != nil {
		fail(err)
	}
}

// readProgress gives what launches have written so far, each in its turn.
func readProgress(dir, name string) (done []int64, slow bool) {
	for {
		b, err := os.ReadFile(progressFile(dir, name, len(done)))
		if err != nil {
			return done, slow
		}
		b = append(b, make([]byte, 16)...)
		done = append(done, int64(bin.LittleEndian.Uint64(b)))
		slow = slow || b[8] != 0
	}
}

// poured is what a program has written in all its launches.
func poured(dir, name string) (sum int64) {
	done, _ := readProgress(dir, name)
	for _, n := range done {
		sum += n
	}
	return sum
}
