package probe

import (
	"bytes"
	"fmt"
	"strconv"
)

// Version is what a check's User-Agent says after "taskmaster/". Whoever wants
// another sets it before the first check.
var Version = "dev"

// maxHead is how many bytes of an answer are looked at.
const maxHead = 4096

// httpError is an answer that is none of 2xx and 3xx.
type httpError int

func (e httpError) Error() string { return "HTTP " + strconv.Itoa(int(e)) }

// judge is what a status code says of the program.
func judge(code int) error {
	if code >= 200 && code < 400 {
		return nil
	}
	return httpError(code)
}

// request is the request of an HTTP check.
func (t Target) request() []byte {
	return []byte("GET " + t.path + " HTTP/1.1\r\n" +
		"Host: " + t.authority + "\r\n" +
		"User-Agent: taskmaster/" + Version + "\r\n" +
		"Accept: */*\r\n" +
		"Connection: close\r\n\r\n")
}

// status gives the status code of an answer, once its line is complete. Interim
// answers (1xx, RFC 9110, 15.2) are passed over.
func status(head []byte) (code int, known bool, err error) {
	for {
		line, _, complete := bytes.Cut(head, []byte("\n"))
		if !complete {
			return 0, false, plausible(line)
		}
		if code, err = statusLine(line); err != nil || code >= 200 {
			return code, err == nil, err
		}
		if _, head, complete = bytes.Cut(head, []byte("\r\n\r\n")); !complete {
			return 0, false, nil
		}
	}
}

const protocol = "HTTP/1."

// plausible refuses the beginning of a line that can become no status line.
func plausible(line []byte) error {
	n := min(len(line), len(protocol))
	if string(line[:n]) != protocol[:n] {
		return notHTTP(line)
	}
	return nil
}

func notHTTP(line []byte) error { return fmt.Errorf("%s is no HTTP", beginning(line)) }

// statusLine is "HTTP/1.1 200 OK"; the reason may be missing, and its space.
func statusLine(line []byte) (code int, err error) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	const start, end = len(protocol) + 2, len(protocol) + 5
	if plausible(line) != nil || len(line) < end || len(line) > end && line[end] != ' ' {
		return 0, notHTTP(line)
	}
	minor, space := line[len(protocol)], line[start-1]
	code, err = strconv.Atoi(string(line[start:end]))
	if minor < '0' || minor > '9' || space != ' ' || err != nil || code < 100 {
		return 0, notHTTP(line)
	}
	return code, nil
}
