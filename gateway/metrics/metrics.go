// Package metrics tells Prometheus how the daemon and its programs fare. Everything is
// asked for when it is asked for; nothing is kept here.
package metrics

import (
	"context"
	"net/http"
	"strings"
	"time"

	"taskmaster/control"
	"taskmaster/gateway/link"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// patience is how long the daemon may take to answer.
const patience = 10 * time.Second

var process = []string{"program", "process"}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("taskmaster_"+name, help, labels, nil)
}

var (
	up        = desc("up", "Whether the daemon answers.")
	build     = desc("daemon_info", "The daemon's version.", "version")
	started   = desc("daemon_start_time_seconds", "When the daemon was started, in seconds since 1970.")
	closing   = desc("daemon_shutting_down", "Whether a shutdown has begun.")
	clients   = desc("daemon_clients", "Clients on the control socket.")
	roundtrip = desc("control_roundtrip_seconds", "How long the daemon took to answer for this scrape.")
	turns     = desc("loop_turns_total", "Turns of the daemon's loop: it has none while nothing happens.")
	lateness  = desc("loop_lateness_seconds", "How late the loop's timer was seen after it was due.")

	state    = desc("process_state", "1 for the state that the process is in, 0 for the others.", "program", "process", "state")
	restarts = desc("process_restarts_total", "Automatic launches after the first.", process...)
	exits    = desc("process_exits_total", "How often the process has ended, by exit code or signal.", "program", "process", "code")
	uptime   = desc("process_uptime_seconds", "Seconds since the launch, 0 without a process.", process...)
	pid      = desc("process_pid", "The pid, 0 without a process.", process...)
	since    = desc("process_state_since_seconds", "When the state was entered, in seconds since 1970.", process...)
	cpu      = desc("process_cpu_seconds_total", "Processor time of all that belongs to the process.", process...)
	memory   = desc("process_memory_bytes", "Memory of all that belongs to the process.", process...)
	count    = desc("process_processes", "How many processes belong to it.", process...)
	output   = desc("process_output_bytes_total", "Bytes the process has written.", "program", "process", "stream")
	dropped  = desc("process_output_dropped_bytes_total", "Bytes of these that could not be kept.", "program", "process", "stream")
)

var states = []string{"STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN"}

// Handler serves the metrics of one daemon, and those of the gateway itself beside them.
func Handler(l *link.Client) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{l})
	own := prometheus.WrapRegistererWithPrefix("taskmaster_gateway_", r)
	own.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * patience})
}

type collector struct{ link *link.Client }

// Describe gives what there can be.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		up, build, started, closing, clients, roundtrip, turns, lateness,
		state, restarts, exits, uptime, pid, since, cpu, memory, count, output, dropped,
	} {
		ch <- d
	}
}

// Collect asks the daemon.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := c.link.Snapshot(ctx)
	if err != nil {
		gauge(ch, up, 0)
		return
	}
	if err := s.AddUsage(ctx, c.link); err != nil { // it has gone in between
		gauge(ch, up, 0)
		return
	}
	gauge(ch, up, 1)
	daemon(ch, s)
	for i := range s.Processes {
		one(ch, &s.Processes[i])
	}
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, valid(labels)...)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, valid(labels)...)
}

// valid makes labels that the library takes for certain: it panics at broken UTF-8.
func valid(labels []string) []string {
	for n, l := range labels {
		labels[n] = strings.ToValidUTF8(l, "\uFFFD")
	}
	return labels
}

func daemon(ch chan<- prometheus.Metric, s *link.Snapshot) {
	d := &s.Daemon
	gauge(ch, build, 1, d.Version)
	gauge(ch, started, unix(d.Started))
	gauge(ch, closing, truth(d.Closing))
	gauge(ch, clients, float64(d.Clients))
	gauge(ch, roundtrip, s.Took.Seconds())
	counter(ch, turns, float64(d.Turns))
	below, total := map[float64]uint64{}, uint64(0)
	for n, times := range d.Late {
		total += uint64(times)
		if n < len(d.LateBound) {
			below[d.LateBound[n]] = total
		}
	}
	ch <- prometheus.MustNewConstHistogram(lateness, total, d.LateSum, below)
}

func one(ch chan<- prometheus.Metric, p *link.Process) {
	for _, name := range states {
		gauge(ch, state, truth(p.State == name), p.Program, p.Name, name)
	}
	gauge(ch, uptime, p.Uptime, p.Program, p.Name)
	gauge(ch, pid, float64(p.PID), p.Program, p.Name)
	gauge(ch, since, unix(p.Since), p.Program, p.Name)
	counter(ch, restarts, float64(p.Restarts), p.Program, p.Name)
	for code, times := range p.Stats.Exits {
		counter(ch, exits, float64(times), p.Program, p.Name, code)
	}
	if u := p.Stats.Usage; u != nil {
		counter(ch, cpu, u.CPU, p.Program, p.Name)
		gauge(ch, memory, float64(u.Memory), p.Program, p.Name)
		gauge(ch, count, float64(u.Processes), p.Program, p.Name)
	}
	for name, s := range map[string]*control.StreamStats{"stdout": &p.Stats.Stdout, "stderr": &p.Stats.Stderr} {
		counter(ch, output, float64(s.Bytes), p.Program, p.Name, name)
		counter(ch, dropped, float64(s.Dropped), p.Program, p.Name, name)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(stamp string) float64 {
	t, err := time.Parse(control.Stamp, stamp)
	if err != nil {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
