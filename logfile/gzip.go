package logfile

import (
	"compress/gzip"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// gzPart ends the name of a compressed file that is not complete.
const gzPart = ".gz.part"

// Gzip replaces the file path by path.gz, with the same content, mode, owner
// and time of change. It is what the process does that Book.Compress asks for;
// killed at any moment it leaves path or path.gz whole, and can be run again.
func Gzip(path string) error {
	at, err := locate(path)
	if err != nil {
		return err
	}
	defer at.close()
	in, st, err := at.openRead()
	if err == unix.ENOENT && (&rotation{place: at}).exists(at.base+".gz") {
		return nil // done before
	}
	if err != nil {
		return pathError("open", path, err)
	}
	defer func() { _ = in.Close() }()
	if err := at.gzip(in, st); err != nil {
		_ = unix.Unlinkat(at.dir, at.base+gzPart, 0)
		return pathError("gzip", path, err)
	}
	if err := unix.Unlinkat(at.dir, at.base, 0); err != nil {
		return pathError("remove", path, err)
	}
	return nil
}

// gzip writes base.gz under a name of its own and renames it.
func (p *place) gzip(in *os.File, st *unix.Stat_t) error {
	part := p.base + gzPart
	_ = unix.Unlinkat(p.dir, part, 0) // of one that was killed
	fd, err := openRetry(p.dir, part, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(fd), part)
	err = deflate(out, in, st)
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = unix.Renameat(p.dir, part, p.dir, p.base+".gz")
	}
	return err
}

func deflate(out, in *os.File, st *unix.Stat_t) error {
	z := gzip.NewWriter(out)
	z.ModTime = time.Unix(st.Mtim.Unix())
	if _, err := io.Copy(z, in); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	_ = unix.Fchown(int(out.Fd()), int(st.Uid), int(st.Gid)) // only root can give files away
	if err := unix.Fchmod(int(out.Fd()), st.Mode&0o777); err != nil {
		return err
	}
	return unix.Futimes(int(out.Fd()), []unix.Timeval{
		unix.NsecToTimeval(st.Mtim.Nano()), unix.NsecToTimeval(st.Mtim.Nano()),
	})
}

// openRead opens a regular file to read it; anything else is an error, at once.
func (p *place) openRead() (*os.File, *unix.Stat_t, error) {
	fd, err := openRetry(p.dir, p.base, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		err = refuse(&st, nil)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), p.base), &st, nil
}
