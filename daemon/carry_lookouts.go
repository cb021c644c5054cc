package daemon

import "taskmaster/process"

// carriedLookout is a change that was not heeded yet. What is watched is made
// anew, of the configuration.
type carriedLookout struct {
	At         process.Place
	Path, What string
}

// carry gives the changes that wait to be heeded.
func (w *lookouts) carry() (out []carriedLookout) {
	if w != nil {
		for _, o := range w.changed {
			out = append(out, carriedLookout{o.on.Place(), o.path, o.what})
		}
	}
	return out
}

// lookouts watches anew, and heeds a moment later what had changed.
func (u *unpacking) lookouts() {
	d := u.d
	d.configureLookouts()
	for _, c := range u.Lookouts {
		i := d.set.At(c.At)
		if w := d.lookouts; w != nil && i != nil && w.of[i] != nil {
			w.touch(w.of[i], c.Path, c.What, d.now)
		}
	}
}
