package tests

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are how a daemon is started; the zero value is the plain way.
type options struct {
	daemon   fields               // section daemon
	top      fields               // more sections
	flags    []string             // before the configuration
	wrap     []string             // argv of what becomes the daemon by exec
	env      []string             // more of the environment
	attr     *syscall.SysProcAttr // how it is forked
	dir      string               // where it is started, "" is the world
	extra    []*os.File           // more descriptors that it inherits
	binary   string               // "" is the binary under test
	terminal *terminal            // its 0, 1 and 2
	apart    bool                 // the process started is not the daemon itself (--detach, a pid namespace)
}

// daemon is a running one.
type daemon struct {
	*world
	cmd    *exec.Cmd
	ended  chan struct{} // closed once it has ended, err says how
	err    error
	client *client
}

// start runs the daemon with these programs and waits until its socket answers.
func (w *world) start(ps programs, opts ...options) *daemon {
	w.Helper()
	var o options
	if len(opts) > 0 {
		o = opts[0]
	}
	if o.binary == "" {
		o.binary = binary
	}
	return w.up(slices.Concat(o.wrap, []string{o.binary}, o.flags, []string{w.config(ps, o.daemon, o.top)}), o)
}

// up starts argv as a daemon whose socket is the world's, and waits until that answers.
func (w *world) up(argv []string, o options) *daemon {
	w.Helper()
	d := w.launch(argv, o)
	w.until("the socket answers", func() bool {
		select {
		case <-d.ended:
			if !o.apart {
				w.Fatalf("the daemon ended: %v\n%s", d.err, w.logTail())
			}
		default:
		}
		c, err := dial(w.path("s"))
		d.client = c
		return err == nil
	})
	w.Cleanup(func() { _ = d.client.Close() })
	return d
}

// launch starts argv as a daemon, with its output in files of the world.
func (w *world) launch(argv []string, o options) *daemon {
	w.Helper()
	d := &daemon{world: w, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	d.cmd.Dir = w.dir
	if o.dir != "" {
		d.cmd.Dir = o.dir
	}
	d.cmd.Env = append(append(os.Environ(), mark+"="+w.dir, "XDG_STATE_HOME="+w.path("state")), o.env...)
	d.cmd.ExtraFiles, d.cmd.SysProcAttr = o.extra, o.attr
	d.cmd.Stdout, d.cmd.Stderr = w.appending("stdout"), w.appending("stderr")
	if o.terminal != nil {
		d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = o.terminal.slave, o.terminal.slave, o.terminal.slave
	}
	if err := d.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	return d
}

func (w *world) appending(name string) *os.File {
	w.Helper()
	f, err := os.OpenFile(w.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = f.Close() })
	return f
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// send sends the daemon a signal.
func (d *daemon) send(sig syscall.Signal) {
	d.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.Fatal(err)
	}
}

// wait waits for the daemon's end and gives its exit code, -1 for a signal.
func (d *daemon) wait() int {
	d.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.Fatalf("the daemon does not end\n%s", d.logTail())
	}
	return d.cmd.ProcessState.ExitCode()
}

// end shuts the daemon down and checks that nothing of it is left.
func (d *daemon) end() {
	d.Helper()
	d.send(syscall.SIGTERM)
	if code := d.wait(); code != 0 {
		d.Fatalf("exit code %d after SIGTERM\n%s", code, d.logTail())
	}
	if left := d.left(); len(left) > 0 {
		d.Fatalf("left behind: %v", left)
	}
}

// ctl runs `taskmaster ctl` with these words.
func (d *daemon) ctl(words ...string) (stdout, stderr string, code int) {
	d.Helper()
	return d.run(append([]string{"ctl", "-s", d.path("s")}, words...)...)
}

// run runs the binary with these arguments to its end.
func (w *world) run(args ...string) (stdout, stderr string, code int) {
	w.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, &out, &errs
	cmd.Env = append(os.Environ(), mark+"="+w.dir)
	cmd.WaitDelay = patience
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		w.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is a ctl command that has to succeed.
func (d *daemon) must(words ...string) string {
	d.Helper()
	out, errs, code := d.ctl(words...)
	if code != 0 {
		d.Fatalf("ctl %q: exit code %d\n%s%s", words, code, out, errs)
	}
	return out
}

// row is one instance in status.
type row struct {
	Name, Program, State, Reason, Note string
	Instance, PID, Restarts            int
	Uptime                             float64
	ExitCode                           *int
	Signal                             *string
}

// status asks over the socket for the rows of these targets, by name.
func (d *daemon) status(targets ...string) map[string]row {
	d.Helper()
	rows := map[string]row{}
	for _, r := range d.call("status", targets...).replies {
		for _, one := range r.Rows {
			rows[one.Name] = one
		}
	}
	return rows
}

// await waits until an instance is in one of the states.
func (d *daemon) await(name string, states ...string) (r row) {
	d.Helper()
	d.until(fmt.Sprintf("%s in %v", name, states), func() bool {
		r = d.status(name)[name]
		return slices.Contains(states, r.State)
	})
	return r
}

// awaitAll waits until every instance is in one of the states.
func (d *daemon) awaitAll(states ...string) (rows map[string]row) {
	d.Helper()
	d.until(fmt.Sprintf("all in %v", states), func() bool {
		rows = d.status()
		for _, r := range rows {
			if !slices.Contains(states, r.State) {
				return false
			}
		}
		return true
	})
	return rows
}

// call is one request over the daemon's own connection of this test.
func (d *daemon) call(command string, args ...string) answer {
	d.Helper()
	a, err := d.client.call(command, args...)
	if err != nil {
		d.Fatalf("%s %q: %v\n%s", command, args, err, d.logTail())
	}
	return a
}

// client is one connection to a daemon.
type client struct {
	net.Conn
	r *bufio.Reader
}

// dial connects to a daemon's socket.
func dial(socket string) (*client, error) {
	conn, err := net.DialTimeout("unix", socket, patience)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 1<<16)}, nil
}

// reply is one line of the protocol.
type reply struct {
	ID          json.RawMessage
	Text, Error string
	Rows        []row
	Data        []byte
	Done        bool
	Exit        *int
}

// answer is all that came for one request.
type answer struct {
	replies []reply
	exit    int
}

// String is the text of the answer, errors too.
func (a answer) String() string {
	var out []string
	for _, r := range a.replies {
		if s := r.Text + r.Error; s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

// call sends one request and reads its replies to the last one.
func (c *client) call(command string, args ...string) (a answer, err error) {
	if args == nil {
		args = []string{}
	}
	line, err := json.Marshal(fields{"id": 1, "command": command, "args": args})
	if err != nil {
		return a, err
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	if _, err := c.Write(append(line, '\n')); err != nil {
		return a, err
	}
	return c.answer()
}

// answer reads the replies to one request to the last one.
func (c *client) answer() (a answer, err error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	for {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			return a, err
		}
		var r reply
		if err := json.Unmarshal(line, &r); err != nil {
			return a, fmt.Errorf("%w in %q", err, line)
		}
		a.replies = append(a.replies, r)
		if r.Done {
			if r.Exit == nil {
				return a, fmt.Errorf("no exit in the last reply: %q", line)
			}
			a.exit = *r.Exit
			return a, nil
		}
	}
}
