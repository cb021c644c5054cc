package sys

import "os"

// ResumeVariable is the environment variable of a process that goes on with
// what it did before it executed this binary.
const ResumeVariable = "TASKMASTER_RESUME"

// The deadly signals are caught in the first moment that is ours, in a process
// that goes on. They are noted until OpenSignals delivers them.
func init() {
	if os.Getenv(ResumeVariable) == "" {
		return
	}
	for _, sig := range deadly {
		_, _ = setAction(sig, handledBy(addressOfPassOn)) // cannot fail with these
	}
}
