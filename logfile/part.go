package logfile

import (
	"io"

	"golang.org/x/sys/unix"
)

// Part is some bytes of an output, for readers that keep their own place.
type Part struct {
	Offset int64 // of the first byte
	Size   int64 // of the whole, what is not kept any more included
	Data   []byte
}

// cut gives where a part begins and ends: offset bytes from the beginning, or from the
// end when negative; length bytes, or all that follow for 0; never more than most.
// Of a whole of size bytes those before first are gone.
func cut(offset, length, most, first, size int64) (from, to int64) {
	if offset < 0 {
		offset = max(size+offset, 0)
	}
	from = min(max(offset, first), size)
	to = size
	if length > 0 && length < to-from {
		to = from + length
	}
	return from, min(to, from+most)
}

// PartOfFile reads a part of the file at path, as cut says. What is no regular
// file is empty, or an error as of TailFile.
func PartOfFile(path string, offset, length, most int64) (Part, error) {
	at, err := locate(path)
	if err != nil {
		return Part{}, err
	}
	defer at.close()
	f, st, err := at.openRead()
	if err != nil {
		return Part{}, pathError("open", path, err)
	}
	defer func() { _ = f.Close() }()
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return Part{}, nil
	}
	from, to := cut(offset, length, most, 0, st.Size)
	p := Part{Offset: from, Size: st.Size, Data: make([]byte, to-from)}
	n, err := f.ReadAt(p.Data, from)
	if err != nil && err != io.EOF { // truncated meanwhile: less is there
		return Part{}, pathError("read", path, err)
	}
	p.Data = p.Data[:n]
	return p, nil
}

// Part gives a part of what was written, as far as it is kept.
func (r *Ring) Part(offset, length, most int64) Part {
	first := r.total - int64(len(r.buf))
	from, to := cut(offset, length, most, first, r.total)
	return Part{Offset: from, Size: r.total, Data: r.Bytes()[from-first : to-first]}
}

// Clear makes the ring as if nothing had been written.
func (r *Ring) Clear() { *r = Ring{size: r.size} }

// Clear empties the file, whatever else is said of never truncating: somebody asked for it.
func (f *File) Clear() error {
	if !f.regular || f.fd < 0 {
		return nil
	}
	f.midline = false
	return f.empty()
}

// ClearFile empties the file at path, which nobody has open. What is not there
// or no regular file stays as it is.
func ClearFile(path string) error {
	at, err := locate(path)
	if err != nil {
		return err
	}
	defer at.close()
	fd, err := openRetry(at.dir, at.base, openFlags, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return pathError("open", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		err = unix.Ftruncate(fd, 0)
	}
	if err != nil {
		return pathError("truncate", path, err)
	}
	return nil
}
