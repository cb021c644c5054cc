package logfile

import (
	"bytes"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// tailBlock is how much is read at a time, from the end backwards.
const tailBlock = 64 << 10

// LastLines gives the last n lines of b; one that has not ended counts as a
// line. When b has fewer and is the end of something longer, cut anywhere, they
// begin with b's first whole character.
func LastLines(b []byte, n int, cut bool) []byte {
	if n <= 0 {
		return nil
	}
	end := len(b)
	if end > 0 && b[end-1] == '\n' {
		end--
	}
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(b[:end], '\n')
		if i < 0 && cut {
			return wholeStart(b)
		}
		if i < 0 {
			return b
		}
		end = i
	}
	return b[end+1:]
}

// wholeStart leaves out the rest of a character that was cut. What can not be
// one (four such bytes in a row) is no UTF-8, and stays.
func wholeStart(b []byte) []byte {
	for i := 0; i < len(b) && i < utf8.UTFMax; i++ {
		if utf8.RuneStart(b[i]) {
			return b[i:]
		}
	}
	return b
}

// TailFile gives the last n lines of the file at path, at most max bytes of
// them, read from its end. When the file was just rotated and has fewer, those
// before them come from path.1. Anything but a regular file or a character
// device (which is empty) is an error.
func TailFile(path string, n int, max int64) ([]byte, error) {
	at, err := locate(path)
	if err != nil {
		return nil, err
	}
	defer at.close()
	t := tail{lines: n, max: max}
	if err := t.read(at); err != nil {
		return nil, pathError("open", path, err)
	}
	if !t.full() {
		at.base += ".1"
		_ = t.read(at) // seldom there; the file itself was read
	}
	return LastLines(t.bytes(), n, t.size >= t.max), nil
}

// tail collects blocks from the end of a file to its beginning.
type tail struct {
	lines  int
	max    int64
	blocks [][]byte // last one first
	size   int64
	ends   int // line ends seen
}

func (t *tail) full() bool { return t.size >= t.max || t.ends > t.lines }

func (t *tail) read(at *place) error {
	f, st, err := at.openRead()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	for end := st.Size; end > 0 && !t.full(); {
		n := min(end, tailBlock, t.max-t.size)
		if err := t.block(f, end-n, n); err != nil {
			return err
		}
		end -= n
	}
	return nil
}

func (t *tail) block(f *os.File, from, n int64) error {
	b := make([]byte, n)
	got, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF { // truncated meanwhile: less is there
		return err
	}
	b = b[:got]
	t.blocks = append(t.blocks, b)
	t.size += n
	t.ends += bytes.Count(b, []byte{'\n'})
	return nil
}

func (t *tail) bytes() []byte {
	out := make([]byte, 0, t.size)
	for i := len(t.blocks) - 1; i >= 0; i-- {
		out = append(out, t.blocks[i]...)
	}
	return out
}
