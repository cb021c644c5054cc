package spawn

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// The stage is this binary, executed in the child under stageName, between fork
// and the program: it sets what has to hold before the program's first
// instruction and then executes it, so pid and parent stay the same.
//
// Two other ways were weighed. The child could be stopped at its exec by ptrace
// and changed by prlimit(2) from outside. That costs next to nothing where the
// stage costs two to three milliseconds, but a set-user-ID program or one with
// file capabilities loses them under ptrace, RLIMIT_STACK comes too late for the
// layout of memory, containers may forbid it, and the stop is one more wait.
// And the daemon could lower its own limits around the fork, but cannot raise
// hard limits again unless it is root, and lives dangerously meanwhile. So the
// robust way was taken; only the programs that ask for it pay.
//
// /proc/self/exe is resolved in the vfork child, which still shares the
// daemon's memory: it is the very binary that the daemon runs, also when that
// was deleted or replaced.
const (
	stageName = "taskmaster: stage"
	stageExe  = "/proc/self/exe"
)

// Descriptors of the stage, beside 0, 1 and 2: a memfd with the order, after it a
// pipe that takes the failing step, and what is held until the program is
// executed (Command.Hold). The final exec closes all of them. Where the program
// has a descriptor of such a number they make room, under another name.
const (
	stageOrder    = 3
	stageCount    = 3
	stageElse     = stageOrder + stageCount
	stageElseName = stageName + ", elsewhere"
)

// startStaged starts the stage and waits for its end of the report pipe to
// close: by the exec of the program, or after a report. The settings travel in
// a file, not in argv or environ: these are readable, limited in size, and the
// environment (GODEBUG) would steer the stage's own runtime.
func startStaged(s *sys.Signals, c *Command, file string) (pid int, err error) {
	order, err := orderFile(encodeOrder(c, file))
	if err != nil {
		return 0, err
	}
	defer sys.Close(order)
	var report [2]int
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		return 0, &Error{Step: "pipe", Err: err}
	}
	defer sys.Close(report[0])
	attr := c.attr()
	name, at := stageName, stageOrder
	if c.ExtraAt >= stageOrder && c.ExtraAt < stageElse {
		name, at = stageElseName, stageElse
	}
	attr.Files = place(place(attr.Files, order, at), report[1], at+1)
	if c.Hold > 0 {
		attr.Files = place(attr.Files, c.Hold, at+2)
	}
	pid, err = c.fork(s, stageExe, []string{name}, attr)
	sys.Close(report[1])
	if err != nil {
		return 0, explainStage(c, err)
	}
	if fault := readReport(report[0]); fault != nil {
		reap(pid)
		return 0, fault.explained(c, file)
	}
	return pid, nil
}

// orderFile puts the order into a file without a name, to be read from its start.
func orderFile(text []byte) (fd int, err error) {
	if fd, err = sys.SealedFile("order", text); err != nil {
		return -1, &Error{Step: "write", Thing: "the order of the stage", Err: err}
	}
	return fd, nil
}

// explainStage is explain for the stage itself, which has no directory, user
// or program that could fail.
func explainStage(c *Command, err error) error {
	return explain(&Command{CgroupFD: c.CgroupFD}, stageExe, err)
}

// readReport waits for the failing step, nil when the program was executed.
func readReport(fd int) *Error {
	var text []byte
	var buf [512]byte
	for {
		n, err := unix.Read(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return decodeReport(text)
		}
		text = append(text, buf[:n]...)
	}
}

// explained adds to an exec that failed in the stage what explain adds.
func (e *Error) explained(c *Command, file string) error {
	if e.Step == "exec" {
		return explainExec(c, file, e.Err)
	}
	return e
}

// reap collects a stage that has reported and is about to exit.
func reap(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// Stage is the first thing in main. It returns at once, unless this process is
// the stage of a start: then it becomes the program, or exits.
func Stage() {
	if len(os.Args) != 1 {
		return
	}
	switch os.Args[0] {
	case stageName:
		stage(stageOrder)
	case stageElseName:
		stage(stageElse)
	}
}

// stage does what the order says, and does not return. Its descriptors begin at order.
func stage(order int) {
	runtime.LockOSThread() // nice values and credentials belong to a thread, and exec keeps those of its caller
	for fd := order; fd < order+stageCount; fd++ {
		unix.CloseOnExec(fd)
	}
	report := order + 1
	fault := &Error{Step: "read", Thing: "the order of the stage", Err: unix.EINVAL}
	if text, err := sys.ReadFile("/proc/self/fd/" + strconv.Itoa(order)); err == nil {
		if o, ok := decodeOrder(text); ok {
			fault = o.run()
		}
	}
	_, _ = unix.Write(report, encodeReport(fault)) // whoever would read it is gone when this fails
	os.Exit(1)
}

// run does everything in the order that privileges need, and returns only when
// a step failed. Memory is limited last, as this runtime reserves a lot of it.
func (o *order) run() *Error {
	steps := []func() *Error{o.setNice, o.setOOM, func() *Error { return o.setLimits(false) }, o.dropPrivileges, o.chdir, func() *Error { return o.setLimits(true) }}
	for _, step := range steps {
		if fault := step(); fault != nil {
			return fault
		}
	}
	return &Error{Step: "exec", Thing: o.file, Err: syscall.Exec(o.file, o.argv, o.env)}
}

func (o *order) setNice() *Error {
	if o.nice == nil {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, *o.nice); err != nil {
		return &Error{Step: "nice", Thing: strconv.Itoa(*o.nice), Err: err}
	}
	return nil
}

func (o *order) setOOM() *Error {
	if o.oom == nil {
		return nil
	}
	value := strconv.Itoa(*o.oom)
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(value))
		sys.Close(fd)
	}
	if err != nil {
		return &Error{Step: "oom_score_adj", Thing: value, Err: err}
	}
	return nil
}

// setLimits sets the limits that are due: those of memory at last, unless they
// raise a hard limit, for which privileges are needed and which do no harm.
// syscall.Exec then leaves a RLIMIT_NOFILE alone that was set here, and puts
// the original back where the runtime had raised it.
func (o *order) setLimits(last bool) *Error {
	for _, l := range o.limits {
		if lowersMemory(l) != last {
			continue
		}
		if err := unix.Prlimit(0, l.Resource, &unix.Rlimit{Cur: l.Value, Max: l.Value}, nil); err != nil {
			return &Error{Step: "setrlimit", Thing: limitName(l.Resource) + " " + limitValue(l.Value), Err: err}
		}
	}
	return nil
}

func lowersMemory(l Rlimit) bool {
	if l.Resource != unix.RLIMIT_AS && l.Resource != unix.RLIMIT_DATA {
		return false
	}
	var now unix.Rlimit
	return unix.Getrlimit(l.Resource, &now) == nil && l.Value <= now.Max
}

// dropPrivileges becomes the user, and makes sure of it: with the right bits
// missing some kernels and security modules let setuid(2) succeed half-way.
func (o *order) dropPrivileges() *Error {
	if o.cred == nil {
		return nil
	}
	uid, gid := int(o.cred.UID), int(o.cred.GID)
	groups := make([]int, len(o.cred.Groups))
	for i, g := range o.cred.Groups {
		groups[i] = int(g)
	}
	if err := unix.Setgroups(groups); err != nil {
		return &Error{Step: "setgroups", Thing: fmt.Sprint(groups), Err: err}
	}
	if err := unix.Setresgid(gid, gid, gid); err != nil {
		return &Error{Step: "setgid", Thing: strconv.Itoa(gid), Err: err}
	}
	if err := unix.Setresuid(uid, uid, uid); err != nil {
		return &Error{Step: "setuid", Thing: strconv.Itoa(uid), Err: err}
	}
	r, e, s := unix.Getresuid()
	rg, eg, sg := unix.Getresgid()
	if r != uid || e != uid || s != uid || rg != gid || eg != gid || sg != gid {
		return &Error{Step: "setuid", Thing: strconv.Itoa(uid), Err: unix.EPERM, Hint: "the kernel did not keep to it"}
	}
	return nil
}

func (o *order) chdir() *Error {
	if o.dir == "" {
		return nil
	}
	if err := unix.Chdir(o.dir); err != nil {
		return &Error{Step: "chdir", Thing: o.dir, Err: err}
	}
	return nil
}

func limitValue(v uint64) string {
	if v == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

// limitName is the name of a resource as in setrlimit(2), in small letters.
func limitName(resource int) string {
	names := [...]string{
		"cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile",
		"memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
	}
	if resource < 0 || resource >= len(names) {
		return strconv.Itoa(resource)
	}
	return names[resource]
}
