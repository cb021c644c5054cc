package daemon

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"taskmaster/config"
	"taskmaster/epoll"
	"taskmaster/journal"
	"taskmaster/process"
	"taskmaster/spawn"
	"taskmaster/sys"
	"taskmaster/text"

	"golang.org/x/sys/unix"
)

// calm is how long after the last change of its files a program is restarted.
const calm = time.Second

// Changes of a directory that are told: those of names, and the end of writing.
// Reading is none, and the beginning of writing says too little.
const (
	vanishing = unix.IN_DELETE | unix.IN_MOVED_FROM
	ownEnd    = unix.IN_MOVE_SELF | unix.IN_IGNORED // of the directory itself, or of its watch
	told      = unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_MOVED_TO | vanishing | unix.IN_MOVE_SELF | unix.IN_ATTRIB | unix.IN_EXCL_UNLINK
)

// lookouts is what is watched for the programs with the field watch. Only
// directories are: so a file that is replaced is seen as one that is written.
type lookouts struct {
	inotify *sys.Inotify         // nil when there was no descriptor for it
	dirs    map[int32][]*lookout // who looks at a directory, by its watch
	of      map[*process.Instance]*lookout
	changed []*lookout // those with a due
}

// lookout is what one instance is restarted for. It is made at the first launch.
type lookout struct {
	on    *process.Instance
	spots []spot
	what  string // that has changed last, as it is said
	path  string // that it belongs to; "" when it is not known
	due   time.Time
	said  string // why something could not be watched
}

// spot is an entry of a directory, or all of them.
type spot struct {
	dir  int32  // its watch
	at   string // its path, without symbolic links
	name string // "" is every entry
	path string // what it is looked at for
}

// configureLookouts takes over what the configuration says is watched, for
// those that run; others look when they are launched.
func (d *Daemon) configureLookouts() {
	watched := func(i *process.Instance) bool {
		p := d.programs[i.Group().Name]
		return p != nil && p.Watch != nil && i.Want() != process.Gone
	}
	if w := d.lookouts; w != nil {
		for i, o := range w.of {
			if !watched(i) {
				w.drop(o)
			}
		}
	}
	for i := range d.set.All() {
		if watched(i) && i.Heeds() {
			d.lookAnew(i)
		}
	}
	if w := d.lookouts; w != nil && len(w.of) == 0 {
		if w.inotify != nil {
			d.loop.Remove(w.inotify.Fd())
			w.inotify.Close()
		}
		d.lookouts = nil
	}
}

// lookAnew is lookOut for an instance that was launched some time ago. When its
// launch can not even be made, it looks at what it looked at before.
func (d *Daemon) lookAnew(i *process.Instance) {
	if l, err := d.programs[i.Group().Name].Launch(i.Num); err == nil {
		d.lookOut(i, l)
	}
}

// lookOut watches what an instance is to be restarted for, as it stands now: for
// a launch that is about to happen. What has changed until now counts no more.
func (d *Daemon) lookOut(i *process.Instance, l *config.Launch) {
	p := d.programs[i.Group().Name]
	if p.Watch == nil {
		return
	}
	w := d.openLookouts()
	if w.inotify == nil {
		return
	}
	o := w.of[i]
	if o == nil {
		o = &lookout{on: i}
		w.of[i] = o
	}
	w.calm(o)
	before := o.spots
	o.spots = nil
	paths, fault := watchedPaths(p, l)
	for _, path := range paths {
		if err := w.place(o, path); err != nil {
			fault = err
		}
	}
	w.leave(o, before)
	d.sayUnwatched(o, fault)
}

// watchedPaths is what a launch watches. The error is why its binary cannot be.
func watchedPaths(p *config.Program, l *config.Launch) (paths []string, err error) {
	paths = slices.Clone(l.Watch)
	if p.Watch.Binary {
		file, err := spawn.LookPath(l.Argv[0], l.Path, l.Dir)
		if err != nil {
			return paths, err
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(l.Dir, file)
		}
		paths = append(paths, file)
	}
	return paths, nil
}

// sayUnwatched says what cannot be watched, once until it is something else.
func (d *Daemon) sayUnwatched(o *lookout, err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	if why != o.said && err != nil {
		d.log(journal.Warn, "watch", journal.Str("name", o.on.Name), journal.Err(err))
	}
	o.said = why
}

// openLookouts opens what tells of changes, at its first use; again after a
// failure, which is said and counted.
func (d *Daemon) openLookouts() *lookouts {
	if d.lookouts == nil {
		d.lookouts = &lookouts{dirs: map[int32][]*lookout{}, of: map[*process.Instance]*lookout{}}
	}
	w := d.lookouts
	if w.inotify != nil {
		return w
	}
	n, err := sys.OpenInotify()
	if err == nil {
		// Before signals: what prestart has written counts before its end.
		if err = d.loop.Add(n.Fd(), unix.EPOLLIN, epoll.Output, readable(d.readChanges)); err == nil {
			w.inotify = n
			return w
		}
		n.Close()
	}
	d.fault("watch", err)
	return w
}

// place looks at path from now on. What is not there yet is waited for where
// the way to it ends, and the error says so.
func (w *lookouts) place(o *lookout, path string) error {
	entries, file, isDir, missing := sys.Entries(path)
	for _, e := range entries {
		if err := w.look(o, spot{at: e.Dir, name: e.Name, path: path}); err != nil {
			return err
		}
	}
	if isDir {
		return w.look(o, spot{at: file, path: path})
	}
	return missing
}

func (w *lookouts) look(o *lookout, s spot) (err error) {
	if s.dir, err = w.inotify.Watch(s.at, told); err != nil {
		return err
	}
	o.spots = append(o.spots, s)
	if !slices.Contains(w.dirs[s.dir], o) {
		w.dirs[s.dir] = append(w.dirs[s.dir], o)
	}
	return nil
}

// leave ends the watches of directories that o does not look at any more, and
// nobody else does.
func (w *lookouts) leave(o *lookout, before []spot) {
	for _, s := range before {
		if slices.ContainsFunc(o.spots, func(now spot) bool { return now.dir == s.dir }) {
			continue
		}
		rest := slices.DeleteFunc(w.dirs[s.dir], func(x *lookout) bool { return x == o })
		if _, known := w.dirs[s.dir]; known && len(rest) == 0 {
			w.inotify.Forget(s.dir)
			delete(w.dirs, s.dir)
		} else if known {
			w.dirs[s.dir] = rest
		}
	}
}

// drop forgets a lookout.
func (w *lookouts) drop(o *lookout) {
	w.calm(o)
	before := o.spots
	o.spots = nil
	w.leave(o, before)
	delete(w.of, o.on)
}

// calm forgets the changes that o has seen.
func (w *lookouts) calm(o *lookout) {
	if !o.due.IsZero() {
		o.due = time.Time{}
		w.changed = slices.DeleteFunc(w.changed, func(x *lookout) bool { return x == o })
	}
}

// readChanges takes in what has changed.
func (d *Daemon) readChanges(uint32) {
	w := d.lookouts
	if err := w.inotify.Read(func(ch sys.Change) { d.notice(w, ch) }); err != nil {
		d.fault("watch", err)
	}
}

// notice is one change.
func (d *Daemon) notice(w *lookouts, ch sys.Change) {
	if ch.Mask&unix.IN_Q_OVERFLOW != 0 { // anything may have changed
		for _, o := range w.of {
			w.touch(o, "", "more has changed than the kernel could tell", d.now)
		}
		return
	}
	for _, o := range w.dirs[ch.Watch] {
		for _, s := range o.spots {
			if s.dir == ch.Watch && d.counts(o, &s, ch) {
				d.touched(w, o, &s, ch)
			}
		}
		if ch.Mask&unix.IN_IGNORED != 0 {
			o.spots = slices.DeleteFunc(o.spots, func(s spot) bool { return s.dir == ch.Watch })
		}
	}
	if ch.Mask&unix.IN_IGNORED != 0 {
		delete(w.dirs, ch.Watch)
	}
}

// counts tells whether a change in its directory is one of what is looked at.
func (d *Daemon) counts(o *lookout, s *spot, ch sys.Change) bool {
	switch {
	case ch.Mask&ownEnd != 0:
		return true
	case ch.Name == "", s.name != "" && s.name != ch.Name, s.name == "" && editors(ch.Name):
		return false
	case ch.Mask&unix.IN_ATTRIB != 0 && (o.on.PID() != 0 || s.name == ""):
		return false // permission to execute it is news for what could not be started
	case ch.Mask&unix.IN_CREATE != 0 && sys.BeingWritten(filepath.Join(s.at, ch.Name)):
		return false // the end of it is told
	}
	return !d.isLog(s.at, ch.Name)
}

// editors tells of files that editors make beside those that they edit.
func editors(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~")
}

// isLog tells whether an entry is a log that the daemon writes, or one of its
// rotated files: those change when a program stops, and would restart it for ever.
func (d *Daemon) isLog(dir, name string) bool {
	is := func(log string) bool {
		rest, ok := strings.CutPrefix(name, filepath.Base(log))
		return ok && log != "" && (rest == "" || rest[0] == '.') && sys.SameFile(filepath.Dir(log), dir)
	}
	if is(d.cfg.Daemon.Log) {
		return true
	}
	for _, c := range d.children {
		if is(c.out.path) || is(c.err.path) {
			return true
		}
	}
	return false
}

func (d *Daemon) touched(w *lookouts, o *lookout, s *spot, ch sys.Change) {
	gone := ch.Mask&(vanishing|ownEnd) != 0
	if gone && !o.due.IsZero() {
		w.touch(o, o.path, o.what, d.now) // what has come counts for more than what has gone
		return
	}
	what := s.path
	if s.name == "" && ch.Name != "" {
		what = filepath.Join(s.path, ch.Name)
	}
	w.touch(o, s.path, text.Visible(what)+" changed", d.now)
}

// touch takes note of a change; once it is calm it is heeded.
func (w *lookouts) touch(o *lookout, path, what string, now time.Time) {
	if o.due.IsZero() {
		w.changed = append(w.changed, o)
	}
	o.path, o.what, o.due = path, what, now.Add(calm)
}

// deadline is when the first change is heeded; the zero time is never.
func (w *lookouts) deadline() (first time.Time) {
	if w != nil {
		for _, o := range w.changed {
			first = earliest(first, o.due)
		}
	}
	return first
}

// heedChanges restarts those whose files have changed, and are calm again.
func (d *Daemon) heedChanges() {
	w := d.lookouts
	if w == nil || len(w.changed) == 0 {
		return
	}
	for _, o := range slices.Clone(w.changed) {
		if !o.due.After(d.now) {
			w.calm(o)
			d.heedChange(o)
		}
	}
}

// heedChange restarts an instance, unless what has changed is gone: then it is
// waited for. What is not to run stays as it is.
func (d *Daemon) heedChange(o *lookout) {
	if d.set.Closing() || !o.on.Heeds() {
		return
	}
	name := journal.Str("name", o.on.Name)
	if o.path != "" && !sys.Exists(o.path) {
		d.log(journal.Info, "watch", name, journal.Str("gone", o.path))
		d.lookAnew(o.on)
		return
	}
	d.log(journal.Info, "watch", name, journal.Str("reason", o.what))
	d.set.Step(o.on, process.Event{Kind: process.OnRestart, By: "watch: " + o.what}, d.now)
}

// describe is what status -v says of it.
func (o *lookout) describe() string {
	var paths []string
	for _, s := range o.spots {
		if !slices.Contains(paths, s.path) {
			paths = append(paths, s.path)
		}
	}
	out := strings.Join(paths, ", ")
	if o.said != "" {
		out = strings.TrimPrefix(out+"; "+o.said, "; ")
	}
	return out
}
