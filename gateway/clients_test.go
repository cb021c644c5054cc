package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

const more = `  nasty: {cmd: [printf, '\033[31m<&>\000ä\377\n'], oneshot: true}
  talk: {cmd: 'sh -c "read x; echo got $x; exec sleep 1000"', tty: true, starttime: 0.1}
  silent: {cmd: sleep 1000, stdout: none, stderr: none, starttime: 0.1}
`

// Python's xmlrpc.client does what scripts do with supervisord.
func TestPythonsClient(t *testing.T) {
	t.Parallel()
	python := install(t, "python3", "python3")
	w := begin(t, programs+more)
	w.write("auth", "me:a:b/c@d\n")
	w.serve("--listen", "127.0.0.1:PORT", "--auth", "DIR/auth", "--identifier", "box")
	w.awaitState("nasty", "EXITED")
	url := fmt.Sprintf("http://me:%s@%s/RPC2", "a%3Ab%2Fc%40d", w.gateway)
	out, err := exec.Command(python, "testdata/client.py", url).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "all is well") {
		t.Fatalf("%v\n%s\n%s", err, out, w.log)
	}
	w.until("the daemon has ended", func() bool { return !strings.Contains(w.ctl("version"), "protocol") })
}

// Prometheus' own node exporter reads supervisord's interface.
func TestNodeExporter(t *testing.T) {
	t.Parallel()
	exporter := install(t, "prometheus-node-exporter", "prometheus-node-exporter")
	w := begin(t, programs)
	w.serve("--listen", "127.0.0.1:PORT")
	w.awaitState("web:1", "RUNNING")
	port := freePort(t)
	w.run(exporter, "--web.listen-address=127.0.0.1:"+port, "--collector.disable-defaults", "--collector.supervisord",
		"--collector.supervisord.url=http://"+w.gateway+"/RPC2")
	var text string
	w.until("the exporter answers", func() bool {
		text = get(t, http.DefaultClient, "http://127.0.0.1:"+port+"/metrics")
		return strings.Contains(text, "node_supervisord_")
	})
	for _, want := range []string{
		`node_supervisord_up{group="web",name="1"} 1`, `node_supervisord_state{group="web",name="0"} 20`,
		`node_supervisord_up{group="manual",name="manual"} 0`, `node_scrape_collector_success{collector="supervisord"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// get gives a page, "" when it cannot be had.
func get(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		return ""
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := begin(t, programs+more)
	w.ctl("start", "bad")
	w.awaitState("nasty", "EXITED")
	w.awaitState("bad", "FATAL")
	c := w.client()
	text := get(t, c, "http://localhost/metrics")
	for _, want := range []string{
		`taskmaster_up 1`, `taskmaster_process_state{process="bad",program="bad",state="FATAL"} 1`,
		`taskmaster_process_state{process="web:0",program="web",state="RUNNING"} 1`, `taskmaster_process_exits_total{code="3",process="bad",program="bad"} 4`,
		`taskmaster_process_restarts_total{process="bad",program="bad"} 3`, `taskmaster_process_memory_bytes{process="web:1",program="web"} \d`,
		`taskmaster_process_cpu_seconds_total{process="tick",program="tick"} `, `taskmaster_process_output_bytes_total{process="nasty",program="nasty",stream="stdout"} 13`,
		`taskmaster_process_output_dropped_bytes_total{process="nasty",program="nasty",stream="stdout"} 0`, `taskmaster_loop_lateness_seconds_bucket{le="0.001"} \d`,
		`taskmaster_control_roundtrip_seconds `, `taskmaster_loop_turns_total \d`, `taskmaster_process_uptime_seconds{process="hup",program="hup"} [0-9.]+`,
	} {
		pattern := regexp.QuoteMeta(want)
		for _, class := range []string{`\\d`, `\[0-9\.\]\+`} {
			pattern = strings.ReplaceAll(pattern, class, strings.NewReplacer(`\\d`, `\d`, `\[0-9\.\]\+`, `[0-9.]+`).Replace(class))
		}
		if !regexp.MustCompile(`(?m)^` + pattern).MatchString(text) {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	promtool(t, text)
	w.ctl("shutdown")
	w.until("the daemon is missed", func() bool { return strings.Contains(get(t, c, "http://localhost/metrics"), "taskmaster_up 0") })
}

// promtool is Prometheus' own check of form, names and units.
func promtool(t *testing.T, text string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("NOT CHECKED: promtool is not there (Debian's package prometheus has it)")
		return
	}
	check := exec.Command(path, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// Ansible's community.general.supervisorctl drives supervisorctl. It is large, so it is
// used where it is and not installed.
func TestAnsible(t *testing.T) {
	t.Parallel()
	install(t, "supervisorctl", "supervisor")
	ansible, err := exec.LookPath("ansible")
	if err != nil {
		t.Skip("SKIPPED: ansible is not there (Debian's package ansible has it)")
	}
	w := begin(t, programs)
	w.awaitState("web:1", "RUNNING")
	for _, c := range []struct{ args, want string }{
		{"name=manual state=started", "CHANGED"},
		{"name=manual state=started", "SUCCESS"},
		{"name=manual state=restarted", "CHANGED"},
		{"name=web: state=stopped", "CHANGED"},
		{"name=nobody state=started", "no such process"},
	} {
		run := exec.Command(ansible, "localhost", "-c", "local", "-e", "ansible_python_interpreter=/usr/bin/python3",
			"-m", "community.general.supervisorctl", "-a", c.args+" server_url=unix://"+w.path("g.sock"))
		run.Dir, run.Env = w.dir, append(os.Environ(), "HOME="+w.dir, "LANG=C.UTF-8")
		out, err := run.CombinedOutput()
		if !strings.Contains(string(out), c.want) {
			t.Fatalf("%s: no %s: %v\n%s", c.args, c.want, err, out)
		}
	}
	w.awaitState("manual", "RUNNING")
	w.awaitState("web:0", "STOPPED")
}
