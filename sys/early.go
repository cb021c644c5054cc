package sys

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// ResumeVariable is the environment variable of a process that goes on with
// what it did before it executed this binary.
const ResumeVariable = "TASKMASTER_RESUME"

// early are the queues of the deadly signals in a process that goes on: they are
// caught in the first moment that is ours, and wait until OpenSignals takes the
// queues over.
var early = catchEarly()

func catchEarly() map[unix.Signal]chan os.Signal {
	if os.Getenv(ResumeVariable) == "" {
		return nil
	}
	out := map[unix.Signal]chan os.Signal{}
	for _, sig := range deadly {
		out[sig] = make(chan os.Signal, 1)
		signal.Notify(out[sig], sig)
	}
	return out
}
