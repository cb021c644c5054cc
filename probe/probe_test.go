package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"taskmaster/epoll"
	"taskmaster/sys"
)

// patience is how long something may take on a busy machine.
const patience = 20 * time.Second

func newLoop(t *testing.T) *epoll.Loop {
	t.Helper()
	l, err := epoll.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// listen serves each connection with serve, on a port of its own.
func listen(t testing.TB, network, addr string, serve func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// closedPort is one that nobody listens on, and nobody else is given.
func closedPort(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return addr.(*unix.SockaddrInet4).Port
}

func tcp(t testing.TB, s string) Target {
	t.Helper()
	target, err := ParseTCP(s)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func http(t testing.TB, s string) Target {
	t.Helper()
	target, err := ParseHTTP(s)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// alarm is a descriptor that wakes the loop after a while, as the daemon's timer does.
func alarm(t *testing.T, l *epoll.Loop, after time.Duration, ring func()) {
	t.Helper()
	r, w, err := sys.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Add(r, unix.EPOLLIN, epoll.Deadline, bell(func() { l.Remove(r); ring() })); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _, _ = unix.Write(w, []byte{0}) })
	t.Cleanup(func() {
		timer.Stop()
		l.Remove(r)
		sys.Close(r)
		sys.Close(w)
	})
}

type bell func()

func (b bell) Ready(uint32) { b() }

var errHung = errors.New("hung")

// check is the result of a check; one that takes longer than it may ends with
// the error of Timeout.
func check(t *testing.T, target Target, may time.Duration) error {
	t.Helper()
	l := newLoop(t)
	over, result := false, errHung
	c, err := Start(l, target, func(err error) {
		if over {
			t.Error("done was called twice")
		}
		over, result = true, err
	})
	if err != nil {
		return err
	}
	late := false
	alarm(t, l, may, func() { late = true })
	for !over && !late {
		if err := l.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if !over {
		result = c.Timeout()
	}
	if c.fd != -1 {
		t.Error("the connection is still open")
	}
	return result
}

// answers is a server that reads a request and gives these bytes.
func answers(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, text)
	}
}

func hangs(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestTCP(t *testing.T) {
	t.Parallel()
	port := listen(t, "tcp4", "127.0.0.1:0", func(net.Conn) {})
	port6 := listen(t, "tcp6", "[::1]:0", hangs)
	closed := closedPort(t)
	for _, c := range []struct{ target, want string }{
		{fmt.Sprintf("127.0.0.1:%d", port), ""},
		{fmt.Sprintf("[::1]:%d", port6), ""},
		{fmt.Sprintf("[::ffff:127.0.0.1]:%d", port), ""},
		{fmt.Sprintf("0.0.0.0:%d", port), ""},
		{fmt.Sprintf("localhost:%d", port), ""},
		{fmt.Sprintf("localhost:%d", port6), ""},
		{fmt.Sprintf("LocalHost:%d", port6), ""},
		{fmt.Sprintf("127.0.0.1:%d", closed), "127.0.0.1:PORT: connect: connection refused"},
		{fmt.Sprintf("localhost:%d", closed), "localhost:PORT: connect to 127.0.0.1: connection refused"},
		{fmt.Sprintf("no-such-host.invalid:%d", closed), "no-such-host.invalid:PORT: no-such-host.invalid is not in /etc/hosts (DNS is not asked: it would block)"},
	} {
		want := strings.ReplaceAll(c.want, "PORT", fmt.Sprint(closed))
		if got := said(check(t, tcp(t, c.target), patience)); got != want {
			t.Errorf("%s: said %q, want %q", c.target, got, want)
		}
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A listener whose queue is full answers nobody.
func TestTimeoutNamesTheStep(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	full := fmt.Sprintf("127.0.0.1:%d", addr.(*unix.SockaddrInet4).Port)
	if err := check(t, tcp(t, full), patience); err != nil {
		t.Fatal(err)
	}
	if got, want := said(check(t, tcp(t, full), 50*time.Millisecond)), full+": connect: timed out"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestTimeoutOfAnAnswer(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	silent := fmt.Sprintf("http://localhost:%d/x", listen(t, "tcp4", "127.0.0.1:0", hangs))
	c, err := Start(l, http(t, silent), func(err error) { t.Errorf("done was called: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	late := false
	alarm(t, l, patience, func() { late = true })
	for c.step != receiving && !late {
		if err := l.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := said(c.Timeout()), silent+": read the answer: timed out"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// rubbish is longer than what is read of an answer.
var rubbish = strings.Repeat("x", 5000)

// odd are servers, and what a check says of them after the target; "" when all is well.
var odd = map[string]struct {
	serve func(net.Conn)
	want  string
}{
	"200":                {answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), ""},
	"1.0 and 302":        {answers("HTTP/1.0 302 X\r\n\r\n"), ""},
	"204 without reason": {answers("HTTP/1.1 204\r\n\r\n"), ""},
	"bare newline":       {answers("HTTP/1.1 200 OK\n\n"), ""},
	"399":                {answers("HTTP/1.1 399 ?\r\n"), ""},
	"400":                {answers("HTTP/1.1 400 Bad\r\n\r\n"), ": HTTP 400"},
	"500":                {answers("HTTP/1.1 500 Internal Server Error\r\n\r\n"), ": HTTP 500"},
	"503":                {answers("HTTP/1.0 503 X\r\n\r\n"), ": HTTP 503"},
	"999":                {answers("HTTP/1.0 999 X\r\n\r\n"), ": HTTP 999"},
	"interim":            {answers("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), ""},
	"interim, then 500":  {answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 X\r\n\r\n"), ": HTTP 500"},
	"only interim":       {answers("HTTP/1.1 100 Continue\r\n\r\n"), `: read the answer: the connection was closed after "HTTP/1.1 100 Continue"`},
	"99":                 {answers("HTTP/1.1 099 X\r\n\r\n"), `: read the answer: "HTTP/1.1 099 X" is no HTTP`},
	"-20":                {answers("HTTP/1.1 -20 X\r\n\r\n"), `: read the answer: "HTTP/1.1 -20 X" is no HTTP`},
	"2000":               {answers("HTTP/1.1 2000 X\r\n\r\n"), `: read the answer: "HTTP/1.1 2000 X" is no HTTP`},
	"HTTP/2":             {answers("HTTP/2 200\r\n\r\n"), `: read the answer: "HTTP/2 200" is no HTTP`},
	"SSH":                {answers("SSH-2.0-OpenSSH\r\n"), `: read the answer: "SSH-2.0-OpenSSH" is no HTTP`},
	"an escape":          {answers("\x1b[2J\n"), `: read the answer: "\x1b[2J" is no HTTP`},
	"long rubbish":       {answers(rubbish), `: read the answer: "` + rubbish[:40] + `"… is no HTTP`},
	"endless line":       {answers("HTTP/1.1 200 " + rubbish), ": read the answer: no status within its first 4096 bytes"},
	"10 MB of head":      {answers("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 10<<20)), ""},
	"half a line":        {answers("HTTP/1.1 20"), `: read the answer: the connection was closed after "HTTP/1.1 20"`},
	"nothing":            {answers(""), ": read the answer: the connection was closed without one"},
	"byte by byte": {func(c net.Conn) {
		for _, b := range []byte("HTTP/1.1 200 OK\r\n") {
			_, _ = c.Write([]byte{b})
			time.Sleep(time.Millisecond)
		}
		hangs(c)
	}, ""},
	"the end is never closed": {func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		hangs(c)
	}, ""},
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range odd {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := fmt.Sprintf("http://127.0.0.1:%d/", listen(t, "tcp4", "127.0.0.1:0", c.serve))
			want := c.want
			if want != "" {
				want = url + want
			}
			if got := said(check(t, http(t, url), patience)); got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

// A server that closes at once resets the connection, if it has not read what
// had come; which step sees it depends on who is faster.
func TestHTTPClosedAtOnce(t *testing.T) {
	t.Parallel()
	url := fmt.Sprintf("http://127.0.0.1:%d/", listen(t, "tcp4", "127.0.0.1:0", func(net.Conn) {}))
	for range 20 {
		got := said(check(t, http(t, url), patience))
		if !strings.HasPrefix(got, url+": send the request: ") && !strings.HasPrefix(got, url+": read the answer: ") {
			t.Errorf("said %q", got)
		}
	}
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	port := listen(t, "tcp6", "[::1]:0", func(c net.Conn) {
		buf := make([]byte, 4096)
		n := 0
		for !bytes.Contains(buf[:n], []byte("\r\n\r\n")) {
			m, err := c.Read(buf[n:])
			if err != nil {
				break
			}
			n += m
		}
		got <- string(buf[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	})
	if err := check(t, http(t, fmt.Sprintf("HTTP://[::1]:%d/a%%20b?c=d&e", port)), patience); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("GET /a%%20b?c=d&e HTTP/1.1\r\nHost: [::1]:%d\r\nUser-Agent: taskmaster/dev\r\nAccept: */*\r\nConnection: close\r\n\r\n", port)
	if got := <-got; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

// Both ends of localhost listen: the one that is well counts, and of two that
// are not the one that answered is named.
func TestEitherAddressOfAName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ six, four, want string }{
		{"500", "200", ""},
		{"200", "500", ""},
		{"500", "503", "HTTP 503"},
		{"500", "", "HTTP 500"},
		{"", "404", "HTTP 404"},
	} {
		port := listen(t, "tcp4", "127.0.0.1:0", answers("HTTP/1.1 "+c.four+" X\r\n\r\n"))
		if c.four == "" {
			port = closedPort(t)
		}
		if c.six != "" {
			listen(t, "tcp6", fmt.Sprintf("[::1]:%d", port), answers("HTTP/1.1 "+c.six+" X\r\n\r\n"))
		}
		url, want := fmt.Sprintf("http://localhost:%d/", port), ""
		if c.want != "" {
			want = url + ": " + c.want
		}
		if got := said(check(t, http(t, url), patience)); got != want {
			t.Errorf("%+v: said %q", c, got)
		}
	}
}

// A request that the kernel takes only in pieces goes out whole.
func TestLongRequest(t *testing.T) {
	t.Parallel()
	path := "/" + strings.Repeat("y", 8<<20)
	port := listen(t, "tcp4", "127.0.0.1:0", func(c net.Conn) {
		n, _ := io.CopyN(io.Discard, c, int64(len(path)))
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d X\r\n\r\n", 200+n-int64(len(path)))
		hangs(c)
	})
	if err := check(t, http(t, fmt.Sprintf("http://127.0.0.1:%d%s", port, path)), patience); err != nil {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	port := listen(t, "tcp4", "127.0.0.1:0", answers("HTTP/1.1 200 OK\r\n\r\n"))
	var checks []*Check
	for _, target := range []Target{tcp(t, fmt.Sprintf("127.0.0.1:%d", port)), http(t, fmt.Sprintf("http://127.0.0.1:%d/", port))} {
		c, err := Start(l, target, func(error) { t.Error("done was called after Cancel") })
		if err != nil {
			t.Fatal(err)
		}
		checks = append(checks, c)
	}
	for _, c := range checks {
		c.Cancel()
		c.Cancel()
		if c.fd != -1 {
			t.Error("the connection is still open")
		}
	}
	if err := l.Poll(); err != nil {
		t.Fatal(err)
	}
}

// What done does, another check among it, is its own affair.
func TestDoneStartsTheNextCheck(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	target := http(t, fmt.Sprintf("http://127.0.0.1:%d/", listen(t, "tcp4", "127.0.0.1:0", answers("HTTP/1.1 200 OK\r\n\r\n"))))
	n := 0
	var begin func()
	var c *Check
	begin = func() {
		var err error
		c, err = Start(l, target, func(err error) {
			c.Cancel()
			if n++; err == nil && n < 10 {
				begin()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	begin()
	late := false
	alarm(t, l, patience, func() { late = true })
	for n < 10 && !late {
		if err := l.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if n != 10 {
		t.Errorf("%d checks", n)
	}
}

// A connection of a port to itself is no server.
func TestConnectionToItself(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	self, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, self); err != nil {
		t.Fatalf("the kernel does not connect a port to itself: %v", err)
	}
	if err := connected(fd); err != unix.ECONNREFUSED {
		t.Errorf("said %v, want %v", err, unix.ECONNREFUSED)
	}
}

// Without descriptors the check has failed, and nothing else has.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv("PROBE_EMFILE") == "" {
		rerun(t, "PROBE_EMFILE=1")
		return
	}
	l := newLoop(t)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []Target{tcp(t, "127.0.0.1:1"), http(t, "http://localhost/")} {
		c, err := Start(l, target, func(error) { t.Error("done was called") })
		if c != nil || !errors.Is(err, unix.EMFILE) || !strings.HasPrefix(err.Error(), target.String()+": connect") {
			t.Errorf("Start(%s) = %v, %v", target, c, err)
		}
	}
	_, err := Start(l, tcp(t, "somewhere:1"), nil)
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("said %v", err)
	}
}

// Many checks leave no descriptor behind, however they end.
func TestNothingIsLeftOpen(t *testing.T) {
	if os.Getenv("PROBE_LEAK") == "" {
		rerun(t, "PROBE_LEAK=1")
		return
	}
	port := listen(t, "tcp4", "127.0.0.1:0", answers("HTTP/1.1 200 OK\r\n\r\n"))
	targets := []Target{
		tcp(t, fmt.Sprintf("127.0.0.1:%d", port)), tcp(t, fmt.Sprintf("localhost:%d", closedPort(t))),
		http(t, fmt.Sprintf("http://localhost:%d/", port)), tcp(t, "nobody.invalid:1"),
	}
	l := newLoop(t)
	started, over := 0, 0
	one := func(i int) {
		c, err := Start(l, targets[i%len(targets)], func(error) { over++ })
		if err != nil {
			return
		}
		if started++; i%7 == 0 {
			c.Cancel()
			over++
		}
	}
	late := false
	alarm(t, l, patience, func() { late = true })
	before := -1
	for round := range 3 {
		for i := range 200 {
			one(i)
		}
		for over < started && !late {
			if err := l.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		now := openSockets(t, port)
		if round > 0 && now > before {
			t.Errorf("%d connections to the server are open, %d were before", now, before)
		}
		before = now
	}
	if late || started < 300 {
		t.Errorf("%d checks were started, %d are over", started, over)
	}
}

// openSockets counts our own ends of connections to port.
func openSockets(t *testing.T, port int) (n int) {
	t.Helper()
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		t.Fatal(err)
	}
	for fd := range int(min(lim.Cur, 4096)) {
		peer, err := unix.Getpeername(fd)
		if err != nil {
			continue
		}
		if p, ok := peer.(*unix.SockaddrInet4); ok && p.Port == port {
			n++
		}
	}
	return n
}
