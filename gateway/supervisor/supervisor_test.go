package supervisor

import (
	"context"
	"slices"
	"testing"
	"time"

	"taskmaster/control"
	"taskmaster/gateway/link"
	"taskmaster/gateway/xmlrpc"
)

func row(name, program string, n int) link.Process {
	return link.Process{Row: control.Row{Name: name, Program: program, Instance: n, State: "RUNNING", PID: 7}}
}

func TestNames(t *testing.T) {
	s := &link.Snapshot{Processes: []link.Process{row("one", "one", 0), row("web:0", "web", 0), row("web:12", "web", 12)}}
	for name, want := range map[string]string{
		"one": "one", "one:one": "one", "one:0": "one", "one:one_00": "one", "web:0": "web:0", "web:12": "web:12", "web:web_12": "web:12",
		"web:web_00": "web:0", "web:_0": "web:0", "web": "", "web:*": "", "web:": "", "web:1": "", "web:-0": "", "web:x": "", "": "", "one:one:0": "",
	} {
		got := ""
		if p := find(s, name); p != nil {
			got = p.Name
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	if p := s.Processes[1]; join(p.Program, p.Short()) != "web:0" {
		t.Error(p.Short())
	}
	if p := s.Processes[0]; join(p.Program, p.Short()) != "one" {
		t.Error(p.Short())
	}
}

// What supervisord's tailFile gives, by its own code.
func TestWindow(t *testing.T) {
	for _, c := range []struct {
		offset, length, size int64
		from, n              int64
		overflow             bool
	}{
		{0, 100, 10, 0, 100, false},
		{0, 10, 10, 0, 10, false},
		{0, 5, 10, 5, 5, true},
		{10, 5, 10, 10, 0, false},
		{8, 5, 10, 5, 5, false},
		{0, 0, 0, 0, 0, false},
		{0, 0, 10, 9, 0, true},
		{99, 10, 10, 10, 0, false},
		{1 << 62, 1 << 62, 10, 10, 0, false},
	} {
		from, n, overflow := window(c.offset, c.length, c.size)
		if from != c.from || n != c.n || overflow != c.overflow {
			t.Errorf("%+v: %d %d %v", c, from, n, overflow)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00:00", 5 * time.Second: "0:00:05", 3723 * time.Second: "1:02:03",
		25 * time.Hour: "1 day, 1:00:00", 50*time.Hour + time.Minute: "2 days, 2:01:00",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

func TestFaults(t *testing.T) {
	for message, want := range map[string]int{
		"ERROR (no such program: x)":            BadName,
		"web:1: ERROR (already running)":        AlreadyStarted,
		"web: ERROR (not running)":              NotRunning,
		"ERROR (shutting down)":                 ShutdownState,
		"x: ERROR (still running)":              StillRunning,
		"x: ERROR (FATAL: no such program: y)":  Failed,
		"web: ERROR (something new altogether)": Failed,
	} {
		if got := refused(message, Failed); got != want {
			t.Errorf("%s: %d, want %d", message, got, want)
		}
	}
	for reason, want := range map[string]int{
		"exited too quickly (exit code 3), try 1 of 4": AbnormalTermination,
		"exec /nope: no such file or directory":        NoFile,
		"exec x: not found in PATH":                    NoFile,
		"exec /etc/passwd: permission denied":          NotExecutable,
		"chdir /nope: no such file or directory":       SpawnError,
		"fork: resource temporarily unavailable":       SpawnError,
	} {
		if got := failedStart(reason); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}

// The methods that supervisord 4.2.5 publishes.
var published = []string{
	"addProcessGroup", "clearAllProcessLogs", "clearLog", "clearProcessLog", "clearProcessLogs", "getAPIVersion", "getAllConfigInfo",
	"getAllProcessInfo", "getIdentification", "getPID", "getProcessInfo", "getState", "getSupervisorVersion", "getVersion", "readLog",
	"readMainLog", "readProcessLog", "readProcessStderrLog", "readProcessStdoutLog", "reloadConfig", "removeProcessGroup", "restart",
	"sendProcessStdin", "sendRemoteCommEvent", "shutdown", "signalAllProcesses", "signalProcess", "signalProcessGroup", "startAllProcesses",
	"startProcess", "startProcessGroup", "stopAllProcesses", "stopProcess", "stopProcessGroup", "tailProcessLog", "tailProcessStderrLog",
	"tailProcessStdoutLog",
}

func TestMethods(t *testing.T) {
	s := NewService(&link.Client{Socket: "/nowhere"}, "here")
	for _, name := range published {
		if e, ok := s.methods["supervisor."+name]; !ok || e.help == "" || e.call == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if want := len(published) + 4; len(s.methods) != want {
		t.Errorf("%d methods, want %d", len(s.methods), want)
	}
	for name, e := range s.methods {
		looks := slices.ContainsFunc([]string{"get", "read", "tail", "list", "method", "multicall"}, func(verb string) bool {
			_, after, _ := cutDot(name)
			return len(after) >= len(verb) && after[:len(verb)] == verb
		})
		if looks == e.changes {
			t.Errorf("%s: changes %v", name, e.changes)
		}
	}
}

func cutDot(s string) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// code is the fault that a call without a daemon gives, 0 for none, -1 where one
// would have been asked.
func (s *Service) code(who Caller, name string, params ...any) int {
	_, err := s.Call(context.Background(), who, name, params)
	if f := asFault(err); f != nil {
		return f.Code
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestCall(t *testing.T) {
	s := NewService(&link.Client{Socket: "/nowhere"}, "here")
	for _, c := range []struct {
		want   int
		name   string
		params []any
	}{
		{0, "supervisor.getIdentification", nil},
		{0, "system.listMethods", nil},
		{-1, "supervisor.getPID", nil},
		{-1, "supervisor.startProcess", []any{"a"}},
		{-1, "supervisor.startProcess", []any{"a", false}},
		{-1, "supervisor.startProcess", []any{"a", 1}},
		{-1, "supervisor.signalProcess", []any{"a", 1}},
		{UnknownMethod, "supervisor.nosuch", nil},
		{UnknownMethod, "nosuch", nil},
		{UnknownMethod, "supervisor.getPID.x", nil},
		{UnknownMethod, "supervisor._update", nil},
		{IncorrectParameters, "supervisor.getPID", []any{1}},
		{IncorrectParameters, "supervisor.startProcess", nil},
		{IncorrectParameters, "supervisor.startProcess", []any{1}},
		{IncorrectParameters, "supervisor.startProcess", []any{"a", true, 1}},
		{IncorrectParameters, "supervisor.readLog", []any{0}},
		{IncorrectParameters, "supervisor.readLog", []any{"0", 0}},
		{BadArguments, "supervisor.readLog", []any{-1, 1}},
		{BadArguments, "supervisor.readLog", []any{0, -1}},
		{BadSignal, "supervisor.signalAllProcesses", []any{"-v"}},
		{SignatureUnsupported, "system.methodHelp", []any{"x.y"}},
		{SignatureUnsupported, "system.methodSignature", []any{"x.y"}},
		{IncorrectParameters, "system.multicall", nil},
	} {
		if got := s.code(Caller{Control: true}, c.name, c.params...); got != c.want {
			t.Errorf("%s%v: %d, want %d", c.name, c.params, got, c.want)
		}
	}
}

func TestCallWithoutTheRight(t *testing.T) {
	s := NewService(&link.Client{Socket: "/nowhere"}, "here")
	for name, e := range s.methods {
		if !e.changes {
			continue
		}
		params := []any{"a", "b"}[:len(e.params())]
		if e.params(); len(params) > 1 && e.params()[1][0] == '[' || len(params) == 1 && e.params()[0][0] == '[' {
			params = params[:len(params)-1]
		}
		if got := s.code(Caller{}, name, params...); got != Failed {
			t.Errorf("%s without the right to: %d", name, got)
		}
	}
}

func TestMulticall(t *testing.T) {
	s := NewService(&link.Client{Socket: "/nowhere"}, "here")
	one := func(name string, params ...any) map[string]any {
		return map[string]any{"methodName": name, "params": params}
	}
	v, err := s.Call(context.Background(), Caller{}, "system.multicall", []any{[]any{
		one("supervisor.getIdentification"), one("supervisor.nosuch"), one("supervisor.shutdown"), one("system.multicall", []any{}), "x",
		map[string]any{},
		map[string]any{"methodName": "supervisor.getAPIVersion"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	codes := []int{0, UnknownMethod, Failed, IncorrectParameters, IncorrectParameters, IncorrectParameters, 0}
	for n, item := range v.([]any) {
		f, isFault := item.(map[string]any)
		if isFault != (codes[n] != 0) || isFault && f["faultCode"] != codes[n] {
			t.Errorf("%d: %v", n, item)
		}
	}
	xmlrpc.Response(v, nil)
}
