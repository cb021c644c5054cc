package process

import (
	"flag"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of the machine into docs/states.md")

// says is what each cell of the table does, in the words of the documentation.
var says = map[string]string{
	"start":         "launch, with a fresh budget of tries → STARTING; STOPPED while it waits for what it depends on",
	"restart":       "as stop, then launch again",
	"stop":          "stopsignal, SIGCONT → STOPPING; put off until those that depend on it are down",
	"stopNow":       "SIGKILL → STOPPING",
	"calm":          "drop the retry or the launch on its way → STOPPED",
	"giveUp":        "→ STOPPED",
	"forget":        "forgotten once nothing is left",
	"keepUp":        "refused: already running",
	"wantUp":        "remembered: launched again once STOPPED",
	"wantDown":      "joins the stop under way",
	"noChange":      "takes the new values at its next start",
	"tryAnew":       "launch if autostart → STARTING",
	"spawned":       "→ STARTING (RUNNING at once with starttime 0 and nothing to be ready for)",
	"spawnFailed":   "failed start → BACKOFF, or FATAL when the tries are used up",
	"lost":          "→ UNKNOWN",
	"endedStarting": "failed start → BACKOFF or FATAL; a oneshot that succeeded → EXITED; after starttime, and ready, as in RUNNING",
	"endedRunning":  "→ EXITED; then STARTING if autorestart says so, through BACKOFF when it would spin",
	"endedStopping": "all of it gone → STOPPED, else stays",
	"stopped":       "→ STOPPED, then STARTING if a start came meanwhile",
	"cleared":       "the launch that waited for it → STARTING",
	"killRest":      "SIGKILL again to what is left",
	"kill":          "SIGKILL, and again every 2 s",
	"retryNow":      "next try → STARTING",
	"progress":      "lived for starttime, and ready → RUNNING; not ready within readytime → STOPPING, then a failed start; else another check",
	"ready":         "remembered; lived for starttime → RUNNING",
	"askedReady":    "as ready, or another check after a while",
	"askedHealth":   "counted; too many failures in a row → STOPPING, then launch again",
	"watch":         "another check of health; the watchdog's time is over → STOPPING, then launch again",
	"ping":          "the watchdog's time begins anew",
	"renew":         "→ STOPPING, then launch again",
	"rewatch":       "in force from now on",
	"prepared":      "the process is launched",
	"stopcmdFailed": "the stopsignal after all",
	"late":          "changes nothing",
	"reconsider":    "the launch that waited for it → STARTING, or another reason to wait",
	"release":       "the stop that was put off begins → STOPPING",
}

// Table prints the machine as Markdown: one section a state, from the very
// table that decides.
func markdown(t *testing.T) string {
	var b strings.Builder
	for s := range table {
		b.WriteString("\n### " + State(s).String() + "\n\n| event | what it does |\n|---|---|\n")
		for k, do := range table[s] {
			if do == nil {
				continue
			}
			name := runtime.FuncForPC(reflect.ValueOf(do).Pointer()).Name()
			name = name[strings.LastIndexByte(name, '.')+1:]
			if says[name] == "" {
				t.Errorf("no words for %s", name)
			}
			b.WriteString("| " + Kind(k).String() + " | " + says[name] + " |\n")
		}
	}
	return b.String()
}

func TestDocumentedTable(t *testing.T) {
	const path, mark = "../docs/states.md", "<!-- the table, generated: go test ./process -update -->\n"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, old, ok := strings.Cut(string(b), mark)
	if !ok {
		t.Fatalf("%s has no line %q", path, mark)
	}
	now := markdown(t)
	if *update {
		if err := os.WriteFile(path, []byte(head+mark+now), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != now {
		t.Errorf("%s is not what the table says: go test ./process -update", path)
	}
}

// Every state must have an answer to what a user or a reload may ask at any time.
func TestCommandsAreAnsweredInEveryState(t *testing.T) {
	for s := range table {
		for _, k := range []Kind{OnStart, OnStop, OnRestart, OnChange, OnRemove, OnKillNow} {
			if table[s][k] == nil {
				t.Errorf("%s has no answer to %s", State(s), k)
			}
		}
	}
}
