package tests

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// child is the test binary in the part of a program under test.
func child(name string, args []string) {
	switch name {
	case "exit": // exit CODE
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "spam": // spam MEBIBYTES: numbered lines to stdout
		spam(args[0])
	case "deaf": // deaf FILE: ignores every signal that can be ignored
		signal.Ignore()
		note(args[0], strconv.Itoa(os.Getpid()))
		sleepForever()
	case "catch": // catch FILE CODE: notes its pid, the first signal, and ends with CODE
		catch(args[0], args[1])
	case "report": // report FILE: what it was given
		publish(args[0], lookAround())
		sleepForever()
	case "wrap": // wrap SETTING ARGV…: becomes ARGV under these circumstances
		wrap(args[0], args[1:])
	case "pour": // pour DIR SEED BUDGET KIND: see pour_test.go
		pour(args)
	case "gated": // gated FIFO SEED SIZE…: writes so many bytes for each that comes through the FIFO
		gated(args[0], args[1], args[2:])
	case "blow": // blow GATE TIMES BYTES SIZE: see bench_output_test.go
		blow(args[0], args[1], args[2], args[3])
	case "last": // last SEED SIZE: so many bytes, then SIGKILL
		last(args[0], args[1])
	case "tell": // tell WORD…: see readiness_test.go
		tell(args)
	case "heir": // heir ARGV…: ends, and leaves ARGV with its stdout
		heir(args)
	case "machine": // machine ROOT ARGV…: becomes ARGV on a copy of this machine, see below
		machine(args[0], args[1:])
	case "tick": // tick FILE INTERVAL LINES: notes its pid; so many numbered lines at once, then a pause, for ever
		tick(args[0], args[1], args[2])
	default:
		fail(fmt.Errorf("no such role: %s", name))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(99)
}

func sleepForever() {
	for {
		_ = unix.Pause()
	}
}

// note appends a line to a file, at once and whole.
func note(file, line string) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		fail(err)
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
		fail(err)
	}
	_ = f.Close()
}

// spamLine is one line of what spam writes, 64 bytes long.
func spamLine(n int) string { return fmt.Sprintf("%012d %s\n", n, strings.Repeat("x", 50)) }

func spam(mebibytes string) {
	m, _ := strconv.Atoi(mebibytes)
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	for n := range m << 20 / 64 {
		if _, err := out.WriteString(spamLine(n)); err != nil {
			fail(err)
		}
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

func tick(file, interval, lines string) {
	note(file, strconv.Itoa(os.Getpid()))
	pause, err := time.ParseDuration(interval)
	if err != nil {
		fail(err)
	}
	many, _ := strconv.Atoi(lines)
	var buf []byte
	for n := 0; ; {
		for range many {
			buf = append(strconv.AppendInt(buf, int64(n), 10), '\n')
			n++
		}
		if _, err := os.Stdout.Write(buf); err != nil {
			fail(err)
		}
		buf = buf[:0]
		time.Sleep(pause)
	}
}

func catch(file, code string) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	note(file, strconv.Itoa(os.Getpid()))
	note(file, unix.SignalName((<-got).(syscall.Signal)))
	n, _ := strconv.Atoi(code)
	os.Exit(n)
}

// circumstances are what a program is given, as it sees them itself.
type circumstances struct {
	Descriptors []int // open ones
	NonBlocking []int
	Stdin       string
	Umask       int
	UID, GID    int
	Groups      []int
	Leader      bool // of its process group
	Terminal    bool // has a controlling one
	Dir         string
	Env         []string // sorted
}

// lookAround must be the first that a program does: what it opens would show.
// Signals and the limit of open files are not in it: Go's runtime has changed
// both before any code of ours runs, so cat has to tell them.
func lookAround() (c circumstances) {
	for fd := range 256 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || ofRuntime(fd) {
			continue
		}
		c.Descriptors = append(c.Descriptors, fd)
		if flags&unix.O_NONBLOCK != 0 {
			c.NonBlocking = append(c.NonBlocking, fd)
		}
	}
	c.Stdin, _ = os.Readlink("/proc/self/fd/0")
	c.Umask = syscall.Umask(0)
	syscall.Umask(c.Umask)
	c.UID, c.GID = os.Getuid(), os.Getgid()
	c.Groups, _ = os.Getgroups()
	c.Leader = syscall.Getpgrp() == os.Getpid()
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
		c.Terminal = true
		_ = tty.Close()
	}
	c.Dir, _ = os.Getwd()
	c.Env = slices.Sorted(slices.Values(os.Environ()))
	return c
}

// ofRuntime tells that a descriptor is one that Go's runtime opens before any
// code of ours: it follows the CPU limit of its cgroup.
func ofRuntime(fd int) bool {
	path, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	return strings.HasPrefix(path, "/sys/fs/cgroup/") && strings.HasPrefix(filepath.Base(path), "cpu.")
}

// publish writes v as JSON, whole or not at all.
func publish(file string, v any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(file+".new", b, 0o644)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		fail(err)
	}
}

// setting is under which circumstances wrap runs a program.
type setting struct {
	NoFile, NProc [2]uint64 // limits, soft and hard; 0, 0 is as it is
	Block, Ignore []int     // signals
	Close         []int     // descriptors
	Umask         *int
	UID           int // 0 is as it is; group likewise, no supplementary ones
	Clone3        int // the error that clone3(2) fails with; 0 is as it is
}

// wrapped is argv under a setting.
func wrapped(s setting) []string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return role("wrap", string(b))
}

// wrap becomes argv, under a setting.
func wrap(text string, argv []string) {
	var s setting
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fail(err)
	}
	runtime.LockOSThread() // a mask is a thread's own
	if err := s.apply(); err != nil {
		fail(err)
	}
	fail(syscall.Exec(argv[0], argv, os.Environ()))
}

func (s setting) apply() error {
	for what, l := range map[int][2]uint64{unix.RLIMIT_NOFILE: s.NoFile, unix.RLIMIT_NPROC: s.NProc} {
		if l == ([2]uint64{}) {
			continue
		}
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: l[0], Max: l[1]}); err != nil {
			return err
		}
	}
	if s.Umask != nil {
		syscall.Umask(*s.Umask)
	}
	for _, sig := range s.Ignore {
		signal.Ignore(syscall.Signal(sig))
	}
	if s.UID != 0 {
		if err := becomes(s.UID); err != nil {
			return err
		}
	}
	for _, fd := range s.Close {
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	if s.Clone3 != 0 {
		if err := forbid(unix.SYS_CLONE3, s.Clone3); err != nil {
			return err
		}
	}
	var mask unix.Sigset_t
	for _, sig := range s.Block {
		mask.Val[(sig-1)/64] |= 1 << ((sig - 1) % 64)
	}
	return unix.PthreadSigmask(unix.SIG_BLOCK, &mask, nil)
}

// forbid has a system call of this thread fail, as the filter of a container does.
func forbid(call, errno int) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(call), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

func becomes(uid int) error {
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(uid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// machine becomes argv on a copy of this machine, which is thrown away with its
// last process: it may write to any file, and has a network of its own. It was
// born into new namespaces; root is an empty directory.
func machine(root string, argv []string) {
	try := func(what string, err error) {
		if err != nil {
			fail(fmt.Errorf("%s: %w", what, err))
		}
	}
	try("private mounts", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	mounts := mountedDirs()
	try("tmpfs", unix.Mount("none", root, "tmpfs", 0, ""))
	top := filepath.Join(root, "top")
	try("mkdir", os.Mkdir(top, 0o755))
	for i, dir := range mounts {
		layers := filepath.Join(root, strconv.Itoa(i))
		try("mkdir", errors.Join(os.Mkdir(layers, 0o755), os.Mkdir(layers+"/upper", 0o755), os.Mkdir(layers+"/work", 0o755)))
		err := unix.Mount("none", top+dir, "overlay", 0, "lowerdir="+dir+",upperdir="+layers+"/upper,workdir="+layers+"/work")
		if dir == "/" { // some others cannot be laid under anything, and are not needed
			try("overlay", err)
		}
	}
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		try("bind "+dir, unix.Mount(dir, top+dir, "", unix.MS_BIND|unix.MS_REC, ""))
	}
	try("/run", unix.Mount("none", top+"/run", "tmpfs", 0, "mode=755"))
	try("loopback", loopbackUp())
	try("chroot", unix.Chroot(top))
	try("chdir", os.Chdir("/"))
	try("exec", unix.Exec(argv[0], argv, os.Environ()))
}

// mountedDirs lists the directories that file systems are mounted on, "/" first,
// without those that are the kernel's own.
func mountedDirs() (out []string) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		fail(err)
	}
	for line := range strings.Lines(string(b)) {
		dir := strings.Fields(line)[4]
		first := strings.SplitN(dir, "/", 3)[1]
		if st, err := os.Stat(dir); err != nil || !st.IsDir() || slices.Contains([]string{"proc", "sys", "dev", "run"}, first) {
			continue
		}
		out = append(out, dir)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// loopbackUp makes 127.0.0.1 reachable in a new network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
