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
	if removeStale(f.own, f.stale, tidySlice) < tidySlice {
		f.stale = ""
	}
}

// removeStale removes about most of the cgroups that no daemon has locked, and
// tells how many it did.
func removeStale(own, prefix string, most int) (n int) {
	_ = sys.EachEntry(own, func(entry string) bool {
		if strings.HasPrefix(entry, prefix) {
			n += clearBase(filepath.Join(own, entry), most-n)
		}
		return n < most
	})
	return n
}

// clearBase removes a base cgroup that no daemon has locked. One in which
// programs live is not even touched: it waits for the daemon that comes after its
// own, which must not find it locked.
func clearBase(dir string, most int) int {
	if populated(unix.AT_FDCWD, dir) {
		return 0
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer sys.Close(fd)
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) != nil {
		return 0
	}
	return removeCgroup(dir, most)
}

// whole is the limit of those who remove all there is.
const whole = math.MaxInt

// removeCgroup removes a cgroup and those below it, about most at a time, and
// tells how many it did. The kernel refuses to remove one in which anything
// lives, or that has others below it (EBUSY).
func removeCgroup(dir string, most int) (n int) {
	if unix.Rmdir(dir) == nil {
		return 1
	}
	eachBelow(dir, func(name string) bool {
		n += removeCgroup(dir+"/"+name, most-n)
		return n < most
	})
	if unix.Rmdir(dir) == nil {
		n++
	}
	return n
}

// eachBelow calls got for the cgroups right below one, as long as it wants more.
func eachBelow(dir string, got func(name string) (more bool)) {
	_ = sys.EachEntry(dir, func(entry string) bool {
		var st unix.Stat_t
		if unix.Lstat(dir+"/"+entry, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return true
		}
		return got(entry)
	})
}
