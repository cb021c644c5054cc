package sys

import "golang.org/x/sys/unix"

// SavedPidfile is a Pidfile as values: its descriptor stays open, and with it
// the lock.
type SavedPidfile struct {
	FD   int
	Path string
}

// Save gives the pid file as values.
func (p *Pidfile) Save() *SavedPidfile { return &SavedPidfile{p.fd, p.path} }

// RestorePidfile makes a Pidfile of what Save gave.
func RestorePidfile(from *SavedPidfile) *Pidfile { return &Pidfile{from.FD, from.Path} }

// SavedTerm is a TermState as values.
type SavedTerm struct {
	Old, Raw unix.Termios
	Thru     bool
}

// Save gives the settings as values.
func (t *TermState) Save() *SavedTerm { return &SavedTerm{t.old, t.rawT, t.thru} }

// RestoreTerm makes the TermState of the terminal fd of what Save gave.
func RestoreTerm(fd int, from *SavedTerm) *TermState {
	return &TermState{fd, from.Old, from.Raw, from.Thru}
}

// SavedNotify is a NotifySocket as values: its descriptor stays open.
type SavedNotify struct {
	FD   int
	Name string
}

// Save gives the socket as values.
func (s *NotifySocket) Save() *SavedNotify { return &SavedNotify{s.FD, s.name} }

// RestoreNotify makes a NotifySocket of what Save gave.
func RestoreNotify(from *SavedNotify) *NotifySocket { return &NotifySocket{from.FD, from.Name} }
