package config

import "golang.org/x/sys/unix"

// limitKind is one resource limit that can be set (getrlimit(2)).
type limitKind struct {
	name     string
	resource int
	bytes    bool // a size
	doc      string
}

var limitTable = []limitKind{
	{"as", unix.RLIMIT_AS, true, "address space"},
	{"core", unix.RLIMIT_CORE, true, "size of a core file"},
	{"cpu", unix.RLIMIT_CPU, false, "processor time, in seconds"},
	{"data", unix.RLIMIT_DATA, true, "data segment"},
	{"fsize", unix.RLIMIT_FSIZE, true, "size of a file it writes"},
	{"locks", unix.RLIMIT_LOCKS, false, "file locks"},
	{"memlock", unix.RLIMIT_MEMLOCK, true, "locked memory"},
	{"msgqueue", unix.RLIMIT_MSGQUEUE, true, "POSIX message queues"},
	{"nice", unix.RLIMIT_NICE, false, "ceiling of priority, 20 - nice"},
	{"nofile", unix.RLIMIT_NOFILE, false, "open files"},
	{"nproc", unix.RLIMIT_NPROC, false, "processes of its user"},
	{"rss", unix.RLIMIT_RSS, true, "resident memory (no effect on Linux)"},
	{"rtprio", unix.RLIMIT_RTPRIO, false, "real-time priority"},
	{"rttime", unix.RLIMIT_RTTIME, false, "real-time processor time without a system call, in microseconds"},
	{"sigpending", unix.RLIMIT_SIGPENDING, false, "queued signals"},
	{"stack", unix.RLIMIT_STACK, true, "stack"},
}

func lookupLimit(name string) *limitKind {
	for i := range limitTable {
		if limitTable[i].name == name {
			return &limitTable[i]
		}
	}
	return nil
}
