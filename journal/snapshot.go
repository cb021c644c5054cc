package journal

import "taskmaster/logfile"

// SavedField is a Field as plain values.
type SavedField struct {
	Key, Value string
	Number     int64
	Kind       uint8
}

// Save gives the field as values.
func (f Field) Save() SavedField { return SavedField{f.Key, f.Value, f.number, uint8(f.kind)} }

// RestoreField makes the field that Save told of.
func RestoreField(v SavedField) Field { return Field{v.Key, v.Value, v.Number, kind(v.Kind)} }

// Save gives what Tail remembers as values.
func (j *Journal) Save() *logfile.SavedRing { return j.kept.Save() }

// Restore takes what another journal remembered.
func (j *Journal) Restore(from *logfile.SavedRing) { j.kept = logfile.RestoreRing(from) }
