package reaper

import (
	"math"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// tidySlice is how many cgroups are removed at a time: each takes the kernel
// about 35 µs, and a daemon that was killed may have left thousands.
const tidySlice = 16

// Stale tells whether Tidy may have more to do.
func (f *Forest) Stale() bool { return f.stale != "" }

// Tidy removes some of the cgroups of dead daemons, unless processes live in
// them. It is called until nothing is Stale, when nobody waits for anything else.
func (f *Forest) Tidy() {
	if f.stale == "" {
		return
	}
	left := tidySlice
	removeStale(f.own, f.stale, &left)
	if left > 0 {
		f.stale = ""
	}
}

// removeStale removes at most left of the cgroups that no daemon has locked.
func removeStale(own, prefix string, left *int) {
	_ = sys.EachEntry(own, func(entry string) bool {
		if strings.HasPrefix(entry, prefix) {
			clearBase(filepath.Join(own, entry), left)
		}
		return *left > 0
	})
}

// clearBase removes a base cgroup that no daemon has locked. One in which
// programs live is not even touched: it waits for the daemon that comes after its
// own, which must not find it locked.
func clearBase(dir string, left *int) {
	if populated(unix.AT_FDCWD, dir) {
		return
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer sys.Close(fd)
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		removeCgroup(dir, left)
	}
}

// all is the limit of those who remove whatever there is.
func all() *int {
	n := math.MaxInt
	return &n
}

// removeCgroup removes a cgroup and those below it, left at most. The kernel
// refuses to remove one in which anything lives, or that has others below it (EBUSY).
func removeCgroup(dir string, left *int) {
	if *left <= 0 {
		return
	}
	err := unix.Rmdir(dir)
	if err != nil {
		_ = sys.EachEntry(dir, func(entry string) bool {
			if path := filepath.Join(dir, entry); entry != "." && entry != ".." && isDir(path) {
				removeCgroup(path, left)
			}
			return *left > 0
		})
		err = unix.Rmdir(dir)
	}
	if err == nil {
		*left--
	}
}

func isDir(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}
