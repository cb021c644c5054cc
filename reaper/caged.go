package reaper

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// leaf is the name of the instance's cgroup: no file of the kernel's begins
// like that, and no name of an instance has the sign before the count.
func (t *Tree) leaf() string {
	if t.cage == 0 {
		return "_" + t.name
	}
	return "_" + t.name + "~" + strconv.FormatUint(uint64(t.cage), 10)
}

// renew gives up a cgroup that was killed: whatever is cloned into it later is
// killed at birth (measured on Linux 6.18). The new one has another name, as the
// old one may linger for a moment; then Close removes it.
func (t *Tree) renew() {
	if t.killed {
		t.Remove()
		t.cage++
		t.killed = false
	}
}

// open opens the instance's cgroup, and makes it first when there is none.
func (t *Tree) open() (fd int, err error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY
	if t.made {
		fd, err = sys.Openat(t.forest.base, t.leaf(), flags)
	}
	if !t.made || err == unix.ENOENT {
		if err := sys.Mkdirat(t.forest.base, t.leaf(), 0o755); err != nil && err != unix.EEXIST {
			return -1, fmt.Errorf("mkdir %s/%s: %w", t.forest.dir, t.leaf(), err)
		}
		t.held = nil
		fd, err = sys.Openat(t.forest.base, t.leaf(), flags)
	}
	if err != nil {
		return -1, fmt.Errorf("open %s/%s: %w", t.forest.dir, t.leaf(), err)
	}
	return fd, nil
}

// Remove removes the instance's cgroup: the instance is forgotten.
func (t *Tree) Remove() {
	if t.made && t.forest.base >= 0 && !t.vacated() {
		removeCgroup(t.forest.dir+"/"+t.leaf(), whole)
		t.uncage()
	}
}

// vacated removes the cgroup in the usual case, in which nothing lives in it
// and no other is below it: the kernel refuses anything else.
func (t *Tree) vacated() bool {
	if sys.Rmdirat(t.forest.base, t.leaf()) != nil {
		return false
	}
	t.uncage()
	return true
}

// forgone is vacated for an instance that will not be launched again.
func (t *Tree) forgone() bool {
	if !t.forest.deserted() {
		return t.vacated()
	}
	t.forest.discard(t.leaf())
	t.uncage()
	return true
}

// uncage forgets the cgroup, with the limits that were set for it.
func (t *Tree) uncage() { t.made, t.held = false, nil }

// glance reads the beginning of one of the cgroup's files.
func (t *Tree) glance(file string, buf []byte) []byte {
	return glance(t.forest.base, t.leaf()+"/"+file, buf)
}

// glance reads the beginning of a file of the kernel's below a directory, with one read.
func glance(dir int, path string, buf []byte) []byte {
	fd, err := sys.Openat(dir, path, unix.O_RDONLY)
	if err != nil {
		return nil
	}
	defer sys.Close(fd)
	n, _ := sys.Read(fd, buf) // of nothing read nothing is concluded
	return buf[:max(n, 0)]
}

// populated is whether any process that is not a zombie is in the cgroup.
func (t *Tree) populated() bool { return populated(t.forest.base, t.leaf()) }

// populated is whether any such process is in a cgroup or below it: of one that is
// there nobody is sure to live only when the kernel says so.
func populated(dir int, path string) bool {
	var buf [128]byte
	if bytes.Contains(glance(dir, path+"/cgroup.events", buf[:]), []byte("populated 0")) {
		return false
	}
	return unix.Faccessat(dir, path, unix.F_OK, 0) == nil
}

// onlyLeader is the usual case: a program that has not forked.
func (t *Tree) onlyLeader() bool {
	var buf, line [32]byte
	if t.pid == 0 || !bytes.Equal(t.glance("cgroup.procs", buf[:]), append(strconv.AppendInt(line[:0], int64(t.pid), 10), '\n')) {
		return false
	}
	var st unix.Stat_t
	return unix.Fstatat(t.forest.base, t.leaf(), &st, 0) == nil && st.Nlink <= 2 // no cgroup below it
}

// inCgroup gives the processes that live in the cgroup. In the usual case of
// none it reads one file.
func (t *Tree) inCgroup() []proc {
	if !t.populated() {
		return nil
	}
	return t.below(t.leaf(), nil)
}

// below adds the processes of one cgroup, and of those that a program may have
// made below it, to out.
func (t *Tree) below(cgroup string, out []proc) []proc {
	text, err := sys.ReadFileAt(t.forest.base, cgroup+"/cgroup.procs")
	if err != nil {
		return out
	}
	for word := range strings.FieldsSeq(string(text)) {
		if p, ok := look(atoi(word)); ok {
			out = append(out, p)
		}
	}
	var st unix.Stat_t
	if unix.Fstatat(t.forest.base, cgroup, &st, 0) != nil || st.Nlink <= 2 {
		return out // no directory below it
	}
	eachBelow(t.forest.dir+"/"+cgroup, func(name string) bool {
		out = t.below(cgroup+"/"+name, out)
		return true
	})
	return out
}

// killCgroup kills everything in the cgroup at once, forks on their way included
// (cgroup.kill, Linux 5.14). In one that is gone nothing is left to be killed.
func (t *Tree) killCgroup() error {
	t.killed = true
	fd, err := sys.Openat(t.forest.base, t.leaf()+"/cgroup.kill", unix.O_WRONLY)
	if err == nil {
		defer sys.Close(fd)
		_, err = sys.Write(fd, []byte("1"))
	}
	if err != nil && err != unix.ENOENT && err != unix.ENODEV {
		return fmt.Errorf("write %s/%s/cgroup.kill: %w", t.forest.dir, t.leaf(), err)
	}
	return nil
}

// atoi is the decimal number s, 0 when it is none.
func atoi(s string) (n int) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
