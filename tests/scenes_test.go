package tests

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// letIn lets others than root into the source tree, to type what is built there.
const letIn = `d=$PWD; while [ "$d" != / ]; do chmod a+x "$d"; d=$(dirname "$d"); done`

var theScript = script{
	scenes: map[string]scene{
		"README.md":       {inTree: true, saves: []string{"app.yaml"}},
		"CONTRIBUTING.md": {inTree: true},
		"docs/attach.md": {saves: []string{"page.yaml"}, setup: `
			echo 'include: [page.yaml]
			programs: {minecraft: {cmd: cat, tty: true}}' | sed 's/^\t*//' >app.yaml
			taskmaster run --detach app.yaml
			taskmaster ctl wait all`},
		"docs/commands.md": {setup: `
			cat >page.yaml <<-'END'
			defaults: {starttime: 0.1, backoff: 0.2, autostart: false}
			programs:
			  web: {cmd: sleep 1000, numprocs: 2}
			  broken: {cmd: "false"}
			END
			echo 'programs: {web: {cmd: sleep 1000}}' >app.yaml
			taskmaster run --detach page.yaml
			taskmaster ctl start web:1`},
		"docs/configuration.md": {},
		"docs/from-supervisord.md": {setup: `
			mkdir -p /etc/supervisor/conf.d
			printf '[include]\nfiles=conf.d/*.conf\n' >/etc/supervisor/supervisord.conf
			{ printf '[program:web]\ncommand=sleep 1000\n'; printf ';\n%.0s' 3 4 5 6 7 8 9 10 11
			echo stdout_events_enabled=true; } >/etc/supervisor/conf.d/web.conf`},
		"docs/gateway.md": {inTree: true, saves: []string{""}, setup: letIn + `
			echo 'daemon: {socketmode: "0666"}
			programs: {web: {cmd: sleep 1000}}' | sed 's/^\t*//' >app.yaml # for who types as nobody
			taskmaster run --detach app.yaml
			mkdir -p /etc/taskmaster
			echo 'daemon: {socket: /run/taskmaster/taskmaster.sock, socketmode: "0660"}
			programs: {web: {cmd: sleep 1000}}' | sed 's/^\t*//' >/etc/taskmaster/taskmaster.yaml`},
		"docs/getting-started.md": {inTree: true, saves: []string{"app.yaml"}},
		"docs/operations.md": {setup: `
			mkdir -p /etc/taskmaster
			echo 'programs: {web: {cmd: sleep 1000}}' | tee app.yaml >/etc/taskmaster/taskmaster.yaml
			taskmaster run --detach app.yaml
			taskmaster run --detach /etc/taskmaster/taskmaster.yaml`},
		"docs/recipes.md": {
			saves: []string{"/etc/taskmaster.yaml", "web.yaml", "", "", "", "", "app.yaml", "", "tasks.yaml", "ci.yaml"},
			setup: `
			command() { printf '#!/bin/sh\n%s\n' "$2" >"$1"; chmod 755 "$1"; }
			command /app 'exec sleep 1000'
			command /usr/local/bin/nginx 'exec sleep 1000'
			command /usr/local/bin/php-fpm 'exec sleep 1000'
			command /usr/local/bin/gunicorn 'exec python3 -m http.server --bind 127.0.0.1 "${2#*:}"'
			command /usr/local/bin/redis-server 'exec python3 -m http.server --bind 127.0.0.1 6380'
			command /usr/local/bin/dot 'exec grep digraph'
			command run-tests 'echo "all of $2 is well"'
			printf 'lint test:\n\t@echo $@ is well\n' >Makefile
			mkdir -p /srv/app/current /var/log/app
			touch /srv/app/current/health /etc/app.env
			sed -i "s/65536/$(ulimit -Hn)/" web.yaml # more is not everybody's to give`,
		},
		"docs/schedule.md": {saves: []string{"app.yaml"}, setup: `
			echo '  report: {cmd: "true", oneshot: true, schedule: "@daily"}' >>app.yaml
			taskmaster run --detach app.yaml
			taskmaster ctl start all
			taskmaster ctl wait all
			taskmaster ctl stop report`},
		"docs/service.md": {inTree: true},
		"docs/upgrade.md": {setup: `
			echo 'programs: {web: {cmd: sleep 1000}}' >app.yaml
			taskmaster run --detach app.yaml`},
	},
	turns: []turn{
		{page: "README.md", line: "taskmaster app.yaml", answers: [][2]string{
			{"taskmaster>", "status\r"}, {"migrate", "restart web:1\r"}, {"web:1: started", "reload\r"}, {"web: unchanged", "tail -f migrate\r"}, {"migrating", "\x03"},
		}},
		{page: "README.md", line: "taskmaster ctl -c app.yaml status", again: true},
		{page: "docs/attach.md", line: "taskmaster ctl attach console", answers: [][2]string{{">>>", "6 * 7\r"}, {"42", "\x1d"}}},
		{page: "docs/commands.md", line: "taskmaster ctl -s /run/app.sock status --json", again: true},
		{page: "docs/from-supervisord.md", line: "taskmaster ctl -c taskmaster.yaml status", again: true},
		{
			page: "docs/gateway.md", line: "./taskmaster-gateway -s taskmaster.sock", as: "nobody", never: "served all the same",
			answers: [][2]string{{"serving at 127.0.0.1:9001", "\x03"}},
		},
		{
			page: "docs/gateway.md", line: "taskmaster-gateway -s /run/taskmaster/taskmaster.sock --user taskmaster", never: "served all the same",
			before: "cp taskmaster-gateway /usr/local/bin/", answers: [][2]string{{"serving at 127.0.0.1:9001", "\x03"}},
		},
		{page: "docs/getting-started.md", line: "taskmaster run --autorestart always -- sleep 5", answers: [][2]string{{"sleep", "\x03"}}},
		{page: "docs/getting-started.md", line: "status", again: true},
		{page: "docs/getting-started.md", line: "tail -f api stderr", answers: [][2]string{{"", "\x03"}}},
		{page: "docs/getting-started.md", line: "reload --dry-run", before: "sed -i s/8080/8081/ app.yaml"},
		{page: "docs/getting-started.md", line: "taskmaster ctl -c app.yaml status", again: true},
		{page: "docs/getting-started.md", line: "sudo taskmaster ctl -c /etc/taskmaster/taskmaster.yaml status", again: true, before: `
			mkdir -p /run/taskmaster /var/log/taskmaster # as the unit says
			echo 'programs: {web: {cmd: sleep 1000}}' >/etc/taskmaster/conf.d/web.yaml
			taskmaster run --detach /etc/taskmaster/taskmaster.yaml`},
		{page: "docs/getting-started.md", line: "taskmaster init app.yaml", before: "rm app.yaml"},
		{page: "docs/operations.md", line: "taskmaster ctl status", again: true},
		{page: "docs/recipes.md", line: "taskmaster run --stoptime 8 --autorestart always -- /app --port 8080", answers: [][2]string{{"app", "\x03"}}},
		{page: "docs/recipes.md", line: "taskmaster ctl restart --rolling web", before: "taskmaster run --detach web.yaml; taskmaster ctl wait web"},
		{page: "docs/recipes.md", line: "taskmaster run --detach ci.yaml", before: "taskmaster ctl shutdown"},
		{page: "docs/recipes.md", line: "taskmaster run --no-shell ci.yaml", before: "cp tasks.yaml ci.yaml"},
		{page: "docs/recipes.md", line: "taskmaster run --no-shell /etc/taskmaster.yaml", answers: [][2]string{{"running name=nginx", "\x03"}}},
	},
	untyped: []untyped{
		{"README.md", "make test", "it is what runs this"},
		{"CONTRIBUTING.md", "make test", "it is what runs this"},
		{"CONTRIBUTING.md", "make lint", "fetches the linters"},
		{"docs/getting-started.md", "sudo systemctl enable --now taskmaster", "needs systemd as process 1; TestSystemdAcceptsTheUnit and TestMakeInstall look at the unit"},
		{"docs/log.md", "journalctl -t taskmaster TASKMASTER_NAME=web:1", "needs journald; TestJournald looks at what it would get"},
		{"docs/log.md", "journalctl -t taskmaster TASKMASTER_EVENT=fatal -o json", "needs journald, as above"},
		{"docs/reliability.md", "make stress STRESS=10m", "takes ten minutes and more"},
		{"docs/service.md", "sudo systemctl enable --now taskmaster", "needs systemd as process 1, as above"},
		{"docs/service.md", "docker build -f packaging/Dockerfile -t taskmaster .", "needs docker and its registry; TestScratchContainer makes the same image"},
		{"docs/service.md", "docker run -v ./app.yaml:/etc/taskmaster/taskmaster.yaml taskmaster", "needs docker; TestScratchContainer runs the same image"},
		{"docs/upgrade.md", "dpkg -i taskmaster_2.0_amd64.deb", "installs a package; packaging/debian/test.sh does it where that may be done"},
	},
}

// Whatever the pages say to type can be typed, and does what they show.
func TestTypedAsInTheDocs(t *testing.T) {
	t.Parallel()
	needsMachine(t)
	for _, p := range readPages(t, "..") {
		if lines, _ := p.typings(); len(lines) == 0 {
			continue
		}
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			for _, complaint := range newWorld(t).sit(p, theScript.scenes[p.name()]).page(p, theScript) {
				t.Error(complaint)
			}
		})
	}
}

// needsMachine skips a test where no copy of this machine can be made.
func needsMachine(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, for a file system that may be written to anywhere")
	}
	if raceEnabled {
		t.Skip("what the pages build is built without the race detector: make test has it")
	}
	for _, name := range []string{"git", "make", "python3", "setpriv", "useradd"} {
		tool(t, name)
	}
	cmd := exec.Command(self, "child", "machine", t.TempDir(), "/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("needs namespaces and an overlay file system: %v\n%s", err, out)
	}
}

// The tables say nothing about lines that no page shows.
func TestScenesAreInTheDocs(t *testing.T) {
	t.Parallel()
	for _, complaint := range theScript.stale(readPages(t, "..")) {
		t.Error(complaint)
	}
}

// What is not as a page says is found, and so is what the tables say of nothing.
func TestTypedLiesAreFound(t *testing.T) {
	t.Parallel()
	p := parsePage("../docs/lies.md", "```console\n$ echo yes\nno\n$ false\n$ true\n$ echo pid 12\npid 345\n$ taskmaster run -- sleep 100\ntaskmaster> start nobody\n```\n"+
		"```\nmake nothing\n$ true\n```\n`taskmaster version`, `taskmaster ctl -s none pid`, `taskmaster ctl`, `taskmaster check FILE`\n")
	s := script{
		scenes:  map[string]scene{"docs/none.md": {}},
		turns:   []turn{{page: "docs/lies.md", line: "true", exit: 7}, {page: "docs/lies.md", line: "false", before: "true"}, {page: "docs/lies.md", line: "frue"}},
		untyped: []untyped{{"docs/lies.md", "nothing", "gone"}, {"docs/lies.md", "echo nothing", "gone"}},
	}
	if stale := s.stale([]page{p}); len(stale) != 6 {
		t.Errorf("2 lines are fenced as nothing, 2 excuses, a turn and a scene are of nothing, found: %q", stale)
	}
	needsMachine(t)
	if lies := newWorld(t).sit(p, scene{}).page(p, s); len(lies) != 5 {
		t.Errorf("5 lines do something else, found: %q", lies)
	}
}

// A page is right at any time of the day.
func TestTolerant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page, shown string
		want        bool
	}{
		{"next run 2026-11-26 03:30:00 (in 13h 2m)", "next run 2026-12-01 03:30:00 (in 5h)", true},
		{"next run 2026-11-26 03:30:00 (in 13h 2m)", "next run 03:30:00 (in 59m 58s)", true},
		{"next run 2026-11-26 03:30:00 (in 13h 2m)", "next run 03:30:00 (in 1s)", true},
		{"next run 03:30:00 (in 7s)", "next run 03:30:00 (in 2m 1s)", true},
		{"next run 2026-11-26 03:30:00 (in 13h 2m)", "next run 2026-12-01 03:30:00", false},
		{"web:1  RUNNING  5812  0:04    0", "web:1   RUNNING  97    12d 4h  2 ", false},
		{"web:1  RUNNING  5812  0:04    0", "web:1   RUNNING  97    12:00:04  2 ", true},
		{"web:1  RUNNING  5812  0:04    0", "web:1   RUNNING  97    12:00:04 ", false},
		{"taskmaster 2.0.1 (go1.26)", "taskmaster 2.1-3-gabc (go1.26)", true},
	} {
		if got := tolerant(c.page).MatchString(c.shown); got != c.want {
			t.Errorf("page %q, shown %q: %t, want %t", c.page, c.shown, got, c.want)
		}
	}
}
