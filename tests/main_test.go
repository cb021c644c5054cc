// Package tests drives the built binary against the real kernel. Nothing here
// knows how the daemon is made: what it says is asked over its socket or by
// `taskmaster ctl`, and what is true is read from /proc and from files that the
// programs under test write themselves.
//
// The test binary is also those programs: as `tests.test child ROLE …` it
// crashes, spams, ignores signals or forks, see child_test.go.
//
// TASKMASTER_BINARY names the binary under test; without it one is built.
package tests

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// binary is the program under test, self the test binary.
var binary, self string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2], os.Args[3:])
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if self, err = os.Executable(); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "tm-bin-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err = os.Chmod(dir, 0o755); err != nil { // other users run what lies there
		return 0, err
	}
	if self, err = copied(self, filepath.Join(dir, "child")); err != nil {
		return 0, err
	}
	if binary, err = underTest(dir); err != nil {
		return 0, err
	}
	flag.Parse()
	if err = flag.Set("test.parallel", "6"); err != nil { // they wait more than they work
		return 0, err
	}
	return m.Run(), nil
}

// underTest gives a copy of the binary that TASKMASTER_BINARY names, or builds
// one: with the race detector when the tests have it.
func underTest(dir string) (string, error) {
	path := filepath.Join(dir, "taskmaster")
	if named := os.Getenv("TASKMASTER_BINARY"); named != "" {
		if err := os.Unsetenv("TASKMASTER_BINARY"); err != nil { // such names are the daemon's to give
			return "", err
		}
		return copied(named, path)
	}
	args := []string{"build", "-trimpath", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "taskmaster")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// copied puts an executable where every user may run it.
func copied(from, to string) (string, error) {
	b, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	return to, executable(to, b)
}

// executable writes a file that is to be executed. Nothing is forked meanwhile:
// until its own exec the child would hold the file open for writing, and who
// executes it in that moment is told ETXTBSY.
func executable(path string, content []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, content, 0o755)
}
