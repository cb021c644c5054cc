package logfile

// RingSize is the usual size of a Ring, in bytes.
const RingSize = 64 << 10

// ringStart is what a Ring takes for its first byte: ten thousand programs
// that say little must cost little.
const ringStart = 256

// Ring is the memory of a program without a file: the last bytes it printed.
// It allocates nothing before the first one, then grows as needed up to its size.
type Ring struct {
	buf   []byte // byte number i is at i % size
	size  int
	total int64
}

// NewRing gives an empty ring for size bytes; RingSize when size is not positive.
func NewRing(size int) *Ring {
	if size <= 0 {
		size = RingSize
	}
	return &Ring{size: size}
}

// Write takes p, in place of the oldest bytes where there is no room for both.
func (r *Ring) Write(p []byte) {
	if skip := len(p) - r.size; skip > 0 {
		r.total += int64(skip)
		p = p[skip:]
		r.grow(r.size)
		r.buf = r.buf[:r.size]
	}
	if free := r.size - len(r.buf); free > 0 && len(p) > 0 {
		n := min(free, len(p))
		r.grow(len(r.buf) + n)
		r.buf = append(r.buf, p[:n]...)
		r.total += int64(n)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(r.buf[r.total%int64(r.size):], p)
		r.total += int64(n)
		p = p[n:]
	}
}

// grow sees to room for n bytes in all, by doubling.
func (r *Ring) grow(n int) {
	if n <= cap(r.buf) {
		return
	}
	room := max(cap(r.buf), min(ringStart, r.size))
	for room < n {
		room = min(2*room, r.size)
	}
	r.buf = append(make([]byte, 0, room), r.buf...)
}

// Bytes gives a copy of what is kept, oldest first.
func (r *Ring) Bytes() []byte {
	if len(r.buf) < r.size {
		return append([]byte(nil), r.buf...)
	}
	start := r.total % int64(r.size)
	return append(append(make([]byte, 0, r.size), r.buf[start:]...), r.buf[:start]...)
}

// Cut tells whether something was written before what is kept.
func (r *Ring) Cut() bool { return r.total > int64(len(r.buf)) }

// Total is how many bytes were written, kept or not.
func (r *Ring) Total() int64 { return r.total }
