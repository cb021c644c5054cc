//go:build race

package tests

// raceEnabled tells that the race detector is in this binary, and so in the daemon's.
const raceEnabled = true
