package daemon

import (
	"testing"

	"taskmaster/control"
)

// A command of the table that nobody carries out would end the daemon.
func TestEveryCommandIsCarriedOut(t *testing.T) {
	for _, c := range control.Commands {
		if c.Args != control.Message && handlers[c.Name] == nil {
			t.Errorf("%s: control.Commands has it, handlers has not", c.Name)
		}
	}
}
