package vt

// SavedModes is Modes as plain values, but for a sequence that has not ended.
type SavedModes struct {
	Changed                      map[int]bool
	Region, Keypad, Insert, Keys bool
	Pushed                       int
	Cursor, Charset, Written     bool
}

// Save gives the modes as values.
func (m *Modes) Save() SavedModes {
	return SavedModes{m.changed, m.region, m.keypad, m.insert, m.keys, m.pushed, m.cursor, m.charset, m.written}
}

// RestoreModes makes the Modes that Save told of.
func RestoreModes(v SavedModes) Modes {
	return Modes{
		changed: v.Changed, region: v.Region, keypad: v.Keypad, insert: v.Insert, keys: v.Keys, pushed: v.Pushed,
		cursor: v.Cursor, charset: v.Charset, written: v.Written,
	}
}
