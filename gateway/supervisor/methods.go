package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"taskmaster/gateway/link"
)

// Service answers calls.
type Service struct {
	Identifier string
	link       *link.Client
	methods    map[string]entry
}

type method func(ctx context.Context, a args) (any, error)

// args are the parameters of a call, already of the right number and types.
type args []any

func (a args) text(n int) string { s, _ := a[n].(string); return s }
func (a args) number(n int) int  { i, _ := a[n].(int); return i }

// word is a text that may have come as a number.
func (a args) word(n int) string { return fmt.Sprint(a[n]) }

func (a args) flag(n int, otherwise bool) bool {
	if n >= len(a) {
		return otherwise
	}
	switch v := a[n].(type) {
	case bool:
		return v
	case int:
		return v != 0
	}
	return otherwise
}

// entry is one method: its signature as "result param…", where "[boolean]" may be left
// out and "signal" is a string or an int.
type entry struct {
	signature string
	help      string
	changes   bool // it does more than look
	call      method
}

func (e *entry) params() []string { return strings.Fields(e.signature)[1:] }

// NewService makes the service for one daemon. identifier is what getIdentification gives.
func NewService(l *link.Client, identifier string) *Service {
	s := &Service{Identifier: identifier, link: l, methods: map[string]entry{}}
	for name, e := range s.looking() {
		s.methods["supervisor."+name] = e
	}
	for name, e := range s.changing() {
		e.changes = true
		s.methods["supervisor."+name] = e
	}
	for name, e := range s.system() {
		s.methods["system."+name] = e
	}
	return s
}

func (s *Service) looking() map[string]entry {
	stdout, stderr := s.readProcessLog("stdout"), s.readProcessLog("stderr")
	tailOut, tailErr := s.tailProcessLog("stdout"), s.tailProcessLog("stderr")
	return map[string]entry{
		"getAPIVersion":        {"string", "The version of this interface.", false, s.getAPIVersion},
		"getVersion":           {"string", "The version of this interface.", false, s.getAPIVersion},
		"getSupervisorVersion": {"string", "The version of the supervisord that this server is like.", false, s.getSupervisorVersion},
		"getIdentification":    {"string", "The name this server was given.", false, s.getIdentification},
		"getState":             {"struct", "The state of the daemon: statecode and statename.", false, s.getState},
		"getPID":               {"int", "The pid of the daemon.", false, s.getPID},
		"readLog":              {"string int int", "Bytes of the daemon's log: offset (negative counts from the end) and length (0 is all).", false, s.readLog},
		"readMainLog":          {"string int int", "The same as readLog.", false, s.readLog},
		"getProcessInfo":       {"struct string", "All about one process (name, or group:name).", false, s.getProcessInfo},
		"getAllProcessInfo":    {"array", "All about all processes.", false, s.getAllProcessInfo},
		"getAllConfigInfo":     {"array", "What the configuration file says of each process.", false, s.getAllConfigInfo},
		"readProcessStdoutLog": {"string string int int", "Bytes of a process' stdout: name, offset, length.", false, stdout},
		"readProcessLog":       {"string string int int", "The same as readProcessStdoutLog.", false, stdout},
		"readProcessStderrLog": {"string string int int", "Bytes of a process' stderr: name, offset, length.", false, stderr},
		"tailProcessStdoutLog": {"array string int int", "The end of a process' stdout: bytes, the next offset, whether something was skipped.", false, tailOut},
		"tailProcessLog":       {"array string int int", "The same as tailProcessStdoutLog.", false, tailOut},
		"tailProcessStderrLog": {"array string int int", "The end of a process' stderr: bytes, the next offset, whether something was skipped.", false, tailErr},
	}
}

func (s *Service) changing() map[string]entry {
	return map[string]entry{
		"clearLog":            {"boolean", "Empties the daemon's log.", false, s.clearLog},
		"shutdown":            {"boolean", "Stops every program and ends the daemon.", false, s.shutdown},
		"restart":             {"boolean", "Reads the configuration anew, stops everything and starts what has autostart.", false, s.restart},
		"reloadConfig":        {"array", "What is different in the configuration file: [[added, changed, removed]]. Takes nothing over.", false, s.reloadConfig},
		"addProcessGroup":     {"boolean string", "Takes over one program that is new in the configuration file.", false, s.addProcessGroup},
		"removeProcessGroup":  {"boolean string", "Forgets one program that is stopped.", false, s.removeProcessGroup},
		"startProcess":        {"boolean string [boolean]", "Starts a process (name, group:name or group:*), and waits until it runs.", false, s.startProcess},
		"startProcessGroup":   {"array string [boolean]", "Starts all processes of a group.", false, s.startProcessGroup},
		"startAllProcesses":   {"array [boolean]", "Starts all processes.", false, s.startAllProcesses},
		"stopProcess":         {"boolean string [boolean]", "Stops a process (name, group:name or group:*), and waits until it is gone.", false, s.stopProcess},
		"stopProcessGroup":    {"array string [boolean]", "Stops all processes of a group.", false, s.stopProcessGroup},
		"stopAllProcesses":    {"array [boolean]", "Stops all processes.", false, s.stopAllProcesses},
		"signalProcess":       {"boolean string signal", "Sends a signal, by name or number, to a process.", false, s.signalProcess},
		"signalProcessGroup":  {"array string signal", "Sends a signal to all processes of a group.", false, s.signalProcessGroup},
		"signalAllProcesses":  {"array signal", "Sends a signal to all processes.", false, s.signalAllProcesses},
		"clearProcessLogs":    {"boolean string", "Empties the output of a process.", false, s.clearProcessLogs},
		"clearProcessLog":     {"boolean string", "The same as clearProcessLogs.", false, s.clearProcessLogs},
		"clearAllProcessLogs": {"array", "Empties the output of all processes.", false, s.clearAllProcessLogs},
		"sendProcessStdin":    {"boolean string string", "Types into a process that has a terminal (tty: true); the others have /dev/null as their standard input.", false, s.sendProcessStdin},
		"sendRemoteCommEvent": {"boolean string string", "Accepted, and without effect: there are no event listeners.", false, s.sendRemoteCommEvent},
	}
}

func (s *Service) system() map[string]entry {
	return map[string]entry{
		"listMethods":     {"array", "The names of all methods.", false, s.listMethods},
		"methodHelp":      {"string string", "What a method does.", false, s.methodHelp},
		"methodSignature": {"array string", "The types of a method's result and parameters.", false, s.methodSignature},
		"multicall":       {"array array", "Carries several calls out, one after the other: structs with methodName and params.", false, nil},
	}
}

// Caller is who calls, and what he may do.
type Caller struct {
	Control bool                              // he may do more than look
	Refusal string                            // why not
	Note    func(method string, params []any) // is told of each call that does more than look; may be nil
}

// Call carries one call out. The error is a *xmlrpc.Fault, or that there is no answer.
func (s *Service) Call(ctx context.Context, who Caller, name string, params []any) (any, error) {
	if name == "system.multicall" {
		return s.multicall(ctx, who, params)
	}
	return s.call(ctx, who, name, params)
}

func (s *Service) call(ctx context.Context, who Caller, name string, params []any) (any, error) {
	e, ok := s.methods[name]
	if !ok {
		return nil, fault(UnknownMethod, "")
	}
	if !fits(e.params(), params) {
		return nil, fault(IncorrectParameters, "")
	}
	if e.changes && !who.Control {
		return nil, fault(Failed, who.Refusal)
	}
	if e.changes && who.Note != nil {
		who.Note(name, params)
	}
	return e.call(ctx, params)
}

// fits tells whether these are the parameters that are asked for.
func fits(kinds []string, params []any) bool {
	if len(params) > len(kinds) {
		return false
	}
	for n, kind := range kinds {
		if n >= len(params) {
			return kind[0] == '['
		}
		if !isA(kind, params[n]) {
			return false
		}
	}
	return true
}

func isA(kind string, v any) bool {
	switch v.(type) {
	case string:
		return kind == "string" || kind == "signal"
	case int:
		return kind == "int" || kind == "signal" || kind == "[boolean]"
	case bool:
		return kind == "[boolean]"
	case []any:
		return kind == "array"
	}
	return false
}

func (s *Service) multicall(ctx context.Context, who Caller, params []any) (any, error) {
	if !fits([]string{"array"}, params) {
		return nil, fault(IncorrectParameters, "")
	}
	results := []any{}
	for _, item := range params[0].([]any) {
		v, err := s.nested(ctx, who, item)
		if f := asFault(err); f != nil {
			results = append(results, f.Struct())
			continue
		}
		if err != nil {
			return nil, err
		}
		results = append(results, v)
	}
	return results, nil
}

func (s *Service) nested(ctx context.Context, who Caller, item any) (any, error) {
	call, _ := item.(map[string]any)
	name, ok := call["methodName"].(string)
	switch {
	case !ok:
		return nil, fault(IncorrectParameters, "No methodName")
	case name == "system.multicall":
		return nil, fault(IncorrectParameters, "Recursive system.multicall forbidden")
	}
	params, _ := call["params"].([]any)
	return s.call(ctx, who, name, params)
}

func (s *Service) listMethods(context.Context, args) (any, error) {
	out := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.methods)) {
		out = append(out, name)
	}
	return out, nil
}

func (s *Service) methodHelp(_ context.Context, a args) (any, error) {
	e, ok := s.methods[a.text(0)]
	if !ok {
		return nil, fault(SignatureUnsupported, "")
	}
	return e.help, nil
}

func (s *Service) methodSignature(_ context.Context, a args) (any, error) {
	e, ok := s.methods[a.text(0)]
	if !ok {
		return nil, fault(SignatureUnsupported, "")
	}
	out := []any{}
	for kind := range strings.FieldsSeq(e.signature) {
		kind = strings.TrimFunc(kind, func(r rune) bool { return !unicode.IsLetter(r) })
		if kind == "signal" {
			kind = "string"
		}
		out = append(out, kind)
	}
	return out, nil
}
