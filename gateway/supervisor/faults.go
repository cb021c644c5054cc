// Package supervisor is supervisord's interface: the methods of supervisor.* and
// system.* with its names, states and fault codes, in terms of our daemon's commands.
package supervisor

import (
	"errors"
	"strings"

	"taskmaster/gateway/xmlrpc"
)

// The fault codes of supervisord.
const (
	UnknownMethod        = 1
	IncorrectParameters  = 2
	BadArguments         = 3
	SignatureUnsupported = 4
	ShutdownState        = 6
	BadName              = 10
	BadSignal            = 11
	NoFile               = 20
	NotExecutable        = 21
	Failed               = 30
	AbnormalTermination  = 40
	SpawnError           = 50
	AlreadyStarted       = 60
	NotRunning           = 70
	Success              = 80
	AlreadyAdded         = 90
	StillRunning         = 91
	CantReread           = 92
)

var faultNames = map[int]string{
	UnknownMethod: "UNKNOWN_METHOD", IncorrectParameters: "INCORRECT_PARAMETERS", BadArguments: "BAD_ARGUMENTS",
	SignatureUnsupported: "SIGNATURE_UNSUPPORTED", ShutdownState: "SHUTDOWN_STATE", BadName: "BAD_NAME", BadSignal: "BAD_SIGNAL",
	NoFile: "NO_FILE", NotExecutable: "NOT_EXECUTABLE", Failed: "FAILED", AbnormalTermination: "ABNORMAL_TERMINATION",
	SpawnError: "SPAWN_ERROR", AlreadyStarted: "ALREADY_STARTED", NotRunning: "NOT_RUNNING", Success: "SUCCESS",
	AlreadyAdded: "ALREADY_ADDED", StillRunning: "STILL_RUNNING", CantReread: "CANT_REREAD",
}

// fault is the fault of this code, in supervisord's words.
func fault(code int, extra string) *xmlrpc.Fault {
	text := faultNames[code]
	if extra != "" {
		text += ": " + extra
	}
	return &xmlrpc.Fault{Code: code, Text: text}
}

// refusals tell from the words of the daemon's ERROR (…) which code it is.
// The order counts: a reason may hold several of these.
var refusals = []struct {
	words string
	code  int
}{
	{"no such program", BadName},
	{"no such signal", BadSignal},
	{"shutting down", ShutdownState},
	{"already running", AlreadyStarted},
	{"not running", NotRunning},
	{"already added", AlreadyAdded},
	{"still running", StillRunning},
}

// refused is the code of an error of the daemon's, or otherwise.
func refused(message string, otherwise int) int {
	for _, r := range refusals {
		if strings.Contains(message, "ERROR ("+r.words) {
			return r.code
		}
	}
	return otherwise
}

// failedStart is the code of a start that failed for this reason.
func failedStart(reason string) int {
	lower := strings.ToLower(reason)
	switch {
	case strings.Contains(lower, "exited too quickly"), strings.Contains(lower, "overtaken"):
		return AbnormalTermination
	case !strings.Contains(lower, "exec "):
		return SpawnError
	case strings.Contains(lower, "no such file"), strings.Contains(lower, "not found"):
		return NoFile
	case strings.Contains(lower, "permission denied"):
		return NotExecutable
	}
	return SpawnError
}

// asFault gives err as a fault, nil when it is something else: then there is no answer at all.
func asFault(err error) *xmlrpc.Fault {
	var f *xmlrpc.Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// IsFault tells whether err is an answer rather than the want of one.
func IsFault(err error) bool { return asFault(err) != nil }
