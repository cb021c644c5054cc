package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"taskmaster/journal"
	"taskmaster/spawn"
	"taskmaster/state"
	"taskmaster/sys"

	"golang.org/x/sys/unix"
)

const (
	// CanResumeCommand asks a binary whether it can go on with a state of this
	// version, which it is given on standard input.
	CanResumeCommand = "--can-resume"

	// trialTime is how long the new binary may take to say so.
	trialTime = 10 * time.Second
)

// upgrade is a change of the binary under way.
type upgrade struct {
	binary string
	file   unix.Stat_t // the binary that was tried
	tried  bool        // and can go on
}

// Promise is the first line that a binary prints which can go on with a state of
// this version. That it exits 0 alone would be said by /bin/true as well.
func Promise(version string) string {
	return "taskmaster " + version + " can resume state " + itoa(state.Version)
}

// startUpgrade begins an upgrade, or says why not.
func (d *Daemon) startUpgrade(by string) error {
	d.log(journal.Info, "upgrade", journal.Str("by", by), journal.Str("binary", d.opts.Binary))
	err := d.try()
	if err != nil {
		d.log(journal.Error, "upgrade failed", journal.Err(err))
	}
	return err
}

// try has the binary on disk tried with our very state. Nothing waits for that:
// finishUpgrade goes on when it has answered.
func (d *Daemon) try() error {
	switch {
	case d.set.Closing():
		return errors.New("shutting down")
	case d.upgrade != nil:
		return nil // its answer is this one's, too
	case d.opts.Binary == "":
		return errors.New("the daemon does not know the path of its binary")
	}
	u := &upgrade{binary: d.opts.Binary}
	if err := unix.Stat(u.binary, &u.file); err != nil {
		return &os.PathError{Op: "stat", Path: u.binary, Err: err}
	}
	data, _, err := d.pack()
	d.terminal.unpacked()
	if err != nil {
		return err
	}
	d.upgrade = u
	d.runAside(&aside{
		name: "upgrade", stdin: data, timeout: trialTime, done: d.tried,
		cmd: &spawn.Command{Argv: []string{u.binary, CanResumeCommand, itoa(state.Version)}, Env: os.Environ(), Umask: -1},
	})
	return nil
}

// tried is the answer of the new binary.
func (d *Daemon) tried(o outcome) {
	if d.upgrade == nil {
		return
	}
	line, _, _ := bytes.Cut(o.output, []byte{'\n'})
	switch why := o.fault(); {
	case why != "" && o.said() != "":
		d.upgradeFailed(fmt.Errorf("%s cannot go on: %s (%s)", d.upgrade.binary, o.said(), why))
	case why != "":
		d.upgradeFailed(fmt.Errorf("%s cannot go on: %s", d.upgrade.binary, why))
	case !strings.HasPrefix(string(line), "taskmaster ") || !strings.HasSuffix(string(line), Promise("")[len("taskmaster "):]):
		d.upgradeFailed(fmt.Errorf("%s cannot go on: it does not say that it can resume state %d", d.upgrade.binary, state.Version))
	default:
		d.upgrade.tried = true
	}
}

// upgradeFailed tells those who asked that everything stays as it is.
func (d *Daemon) upgradeFailed(err error) {
	d.upgrade = nil
	d.log(journal.Error, "upgrade failed", journal.Err(err))
	for r := range d.requests {
		if r.upgrade {
			r.upgrade = false
			r.error("ERROR (upgrade: " + err.Error() + ")")
			r.settle()
		}
	}
}

// finishUpgrade is the last step of a turn: the new binary takes this process
// over, once it has said that it can.
func (d *Daemon) finishUpgrade() {
	u := d.upgrade
	if u == nil || !u.tried {
		return
	}
	var now unix.Stat_t
	switch err := unix.Stat(u.binary, &now); {
	case d.set.Closing():
		d.upgradeFailed(errors.New("shutting down"))
	case err != nil:
		d.upgradeFailed(&os.PathError{Op: "stat", Path: u.binary, Err: err})
	case now.Dev != u.file.Dev || now.Ino != u.file.Ino || now.Ctim != u.file.Ctim:
		d.upgradeFailed(fmt.Errorf("%s was changed while it was tried", u.binary))
	default:
		d.endUncarried()
		d.upgradeFailed(d.become(u.binary)) // it returns only when it has failed
		d.flush()
	}
}

// become replaces this program by the binary, which goes on with our state. It
// returns only an error, and then everything is as before.
func (d *Daemon) become(binary string) error {
	d.tick()
	base := sys.Monotonic()
	data, fds, err := d.pack()
	defer d.terminal.unpacked()
	if err != nil {
		return err
	}
	memfd, err := sys.SealedFile("taskmaster-state", data)
	if err != nil {
		return err
	}
	defer sys.Close(memfd)
	fds = append(fds, memfd)
	defer func() { _ = closeOnExec(fds, true) }() // when we go on after all: fails only for what is closed
	if err := closeOnExec(fds, false); err != nil {
		return err
	}
	waiting, err := d.signals.Leave()
	defer d.signals.Stay()
	if err != nil {
		return err
	}
	h := handover{memfd: memfd, base: base, signals: waiting}
	err = sys.Exec(binary, os.Args, append(os.Environ(), h.variable()))
	for _, sig := range waiting {
		d.take(sig, 0, 0)
	}
	return err
}

func closeOnExec(fds []int, on bool) (err error) {
	for _, fd := range fds {
		err = errors.Join(err, sys.SetCloseOnExec(fd, on))
	}
	return err
}

// upgradeCommand is the command.
func upgradeCommand(d *Daemon, r *request) {
	if err := d.startUpgrade("command of " + r.peer.who()); err != nil {
		r.error("ERROR (upgrade: " + err.Error() + ")")
		return
	}
	r.upgrade = true
}
