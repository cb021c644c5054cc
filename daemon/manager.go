package daemon

import (
	"os"
	"strconv"
	"strings"
	"time"

	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/sys"
)

// manager is the service manager above us (systemd with Type=notify), told of
// our state as our own programs may tell us of theirs. Nil when there is none.
type manager struct {
	*sys.Manager
	every    time.Duration // between signs of life: half of what it waits for them; 0 when it wants none
	signAt   time.Time     // of the next one
	stale    bool          // a state has changed since the status was told
	statusAt time.Time     // not before then
	status   string
	stopping bool
	failed   bool // the last message did not arrive
}

// statusPause is how long after a status the next is told.
const statusPause = time.Second

// openManager takes from our environment what is for us alone: programs get
// none of it (config).
func (d *Daemon) openManager() {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	m, err := sys.OpenManager(name)
	if err != nil {
		d.log(journal.Warn, "service manager", journal.Err(err))
		return
	}
	d.manager = &manager{Manager: m, statusAt: d.now.Add(statusPause), every: watchdog(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID"), os.Getpid())}
}

// watchdog is how often a sign of life is due when one is waited for every
// usec microseconds, by whoever cares for the process pid.
func watchdog(usec, pid string, own int) time.Duration {
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(time.Hour*24*365/time.Microsecond) || pid != "" && pid != strconv.Itoa(own) {
		return 0
	}
	return max(time.Duration(n)*time.Microsecond/2, time.Millisecond)
}

// ready tells that the start, or a reload, is over.
func (d *Daemon) ready() {
	if m := d.manager; m != nil {
		m.status = d.summary()
		m.statusAt = d.now.Add(statusPause)
		d.tell("READY=1\nMAINPID=" + strconv.Itoa(os.Getpid()) + "\nSTATUS=" + m.status)
	}
}

// reloading tells that a reload begins.
func (d *Daemon) reloading() {
	if d.manager != nil {
		d.tell("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(sys.Monotonic().Microseconds(), 10))
	}
}

// tellManager tells what is due in this turn.
func (d *Daemon) tellManager() {
	m := d.manager
	if m == nil {
		return
	}
	if d.set.Closing() && !m.stopping {
		m.stopping = true
		d.tell("STOPPING=1")
	}
	if m.every > 0 && !m.signAt.After(d.now) {
		m.signAt = d.now.Add(m.every)
		d.tell("WATCHDOG=1")
	}
	if m.stale && !m.statusAt.After(d.now) {
		m.stale, m.statusAt = false, d.now.Add(statusPause)
		if s := d.summary(); s != m.status {
			m.status = s
			d.tell("STATUS=" + s)
		}
	}
}

// managerAt is when the manager is to hear from us.
func (d *Daemon) managerAt() time.Time {
	m := d.manager
	switch {
	case m == nil:
		return time.Time{}
	case m.stale:
		return earliest(m.signAt, m.statusAt)
	}
	return m.signAt
}

// tell sends a message. That none arrives is said once.
func (d *Daemon) tell(lines string) {
	err := d.manager.Tell(lines)
	if err != nil && !d.manager.failed {
		d.log(journal.Warn, "service manager", journal.Err(err))
	}
	d.manager.failed = err != nil
}

// summary is our state in a few words.
func (d *Daemon) summary() string {
	counts := map[process.State]int{}
	total := 0
	for i := range d.set.All() {
		counts[i.State()]++
		total++
	}
	parts := []string{strconv.Itoa(counts[process.Running]) + " of " + strconv.Itoa(total) + " running"}
	for _, s := range []process.State{process.Starting, process.Backoff, process.Stopping, process.Fatal} {
		if counts[s] > 0 {
			parts = append(parts, strconv.Itoa(counts[s])+" "+s.String())
		}
	}
	return strings.Join(parts, ", ")
}
