package daemon

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"taskmaster/journal"
	"taskmaster/state"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

// handover is what the state itself cannot hold. It goes over in the environment
// (sys.ResumeVariable), where no child ever sees it.
type handover struct {
	memfd   int
	base    time.Duration // CLOCK_MONOTONIC, to which the times in the state are relative
	signals []unix.Signal // that were not obeyed yet
}

func (h *handover) variable() string {
	out := sys.ResumeVariable + "=" + itoa(h.memfd) + " " + strconv.FormatInt(int64(h.base), 10)
	for _, sig := range h.signals {
		out += " " + itoa(int(sig))
	}
	return out
}

// Inherited is what this process was before it executed this binary.
type Inherited struct {
	handover
	arrived []int // descriptors that came over
}

// Inherit takes what an upgrade has handed to this process, nil when it was
// started afresh. It is called first of all, before a descriptor is opened, on
// the thread that main runs on.
func Inherit() *Inherited {
	text := os.Getenv(sys.ResumeVariable)
	_ = os.Unsetenv(sys.ResumeVariable) // cannot fail with this name
	words := strings.Fields(text)
	if len(words) < 2 {
		return nil
	}
	fd, err := strconv.Atoi(words[0])
	base, err2 := strconv.ParseInt(words[1], 10, 64)
	if errors.Join(err, err2) != nil || !sys.IsSealed(fd) {
		return nil
	}
	in := &Inherited{handover{memfd: fd, base: time.Duration(base)}, sys.HandedDown()}
	for _, w := range words[2:] {
		if sig, err := strconv.Atoi(w); err == nil {
			in.signals = append(in.signals, unix.Signal(sig))
		}
	}
	in.signals = append(in.signals, sys.TakePending(handled...)...)
	return in
}

// CanResume is the trial of a new binary: whether it understands the state on
// standard input, which a daemon that runs wants to go on with. It prints the
// promise, or the error says why not. Without a file there it is only asked for
// the version.
func CanResume(stateVersion, version string) error {
	if stateVersion != itoa(state.Version) {
		return fmt.Errorf("it understands state %d, not %s", state.Version, stateVersion)
	}
	if sys.IsSealed(0) {
		if _, err := readCarried(0, time.Time{}); err != nil {
			return err
		}
	}
	_, err := os.Stdout.WriteString(Promise(version) + "\n")
	return err
}

func readCarried(fd int, base time.Time) (*carried, error) {
	data, err := sys.ReadAll(fd)
	if err != nil {
		return nil, err
	}
	c := &carried{}
	if err := state.Decode(data, c, base); err != nil {
		return nil, err
	}
	if c.Config == nil {
		return nil, errors.New("state: it has no configuration")
	}
	return c, nil
}

// takeOver is begin for a daemon that goes on with the state of another binary.
func (d *Daemon) takeOver(in *Inherited) error {
	if err := d.openBase(); err != nil {
		return err
	}
	if err := d.openLoop(); err != nil {
		return err
	}
	d.tick()
	c, err := readCarried(in.memfd, d.now.Add(in.base-sys.Monotonic()))
	if err != nil {
		return err
	}
	u, err := d.unpack(c)
	if err != nil {
		return err
	}
	u.claimed[in.memfd] = true
	sys.Close(in.memfd)
	for _, fd := range u.stray(in.arrived) {
		d.log(journal.Warn, "upgrade", journal.Int("descriptor", fd), journal.Str("fault", "nobody knows it: closed"))
	}
	d.log(journal.Info, "upgraded", journal.Str("from", c.Version), journal.Str("to", d.opts.Version), journal.Int("pid", os.Getpid()))
	d.upgraded(c.Version)
	d.book.Unfinished(d.compressing())
	d.askAnew()
	u.lookouts()
	d.zombies = true
	for _, sig := range in.signals {
		d.take(sig, 0, 0)
	}
	debug.FreeOSMemory() // what the state took on its way
	d.loadedAt = d.now
	d.openManager()
	d.settle()
	return nil
}

// askAnew begins the checks anew that were under way.
func (d *Daemon) askAnew() {
	for i := range d.set.All() {
		if i.Asking() {
			d.ask(d.childOf(i))
		}
	}
}

// upgraded answers those who asked for it.
func (d *Daemon) upgraded(from string) {
	for r := range d.requests {
		if r.upgrade {
			r.upgrade = false
			r.text("upgraded: " + from + " -> " + d.opts.Version)
			r.settle()
		}
	}
}

// unpacked shows the prompt again, after a pack that nothing came of.
func (t *terminal) unpacked() {
	if t != nil && t.session != nil {
		t.session.Resume()
		t.out.flush()
	}
}
