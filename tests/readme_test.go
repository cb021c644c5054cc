package tests

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Who knows only the README gets a program supervised: its first configuration,
// and all that its blocks say to type, in a network of its own, as the ports of
// an example are anybody's.
func TestReadme(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	if err := exec.Command("unshare", "-n", "true").Run(); err != nil {
		t.Skip("needs network namespaces: ", err)
	}
	w := newWorld(t)
	w.write("app.yaml", firstConfiguration(w))
	typed := 0
	for _, b := range parsePage("README.md", readFile(w, "../README.md")).blocks {
		if b.info != "sh" {
			continue
		}
		lines, _ := b.shown()
		for _, line := range lines {
			if strings.TrimSpace(line) == "" {
				continue
			}
			typed++
			w.typeReadme(line)
		}
	}
	if typed < 5 {
		t.Errorf("only %d lines to type: the pattern is wrong, or the page is", typed)
	}
	w.until("nothing is left", func() bool { return len(w.left()) == 0 })
}

// typeReadme types one line of the README. Where it leads into the shell, the
// commands that the text names are typed there.
func (w *world) typeReadme(line string) {
	w.Helper()
	cmd := exec.Command("unshare", "-n", "sh", "-c", line)
	cmd.Env = append(os.Environ(), mark+"="+w.dir, "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"))
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader("wait web\nstatus\nrestart web:1\nreload\nquit\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	starting := strings.Contains(line, "status") && cmd.ProcessState.ExitCode() == 3 // right after the start
	if err != nil && !starting {
		w.Errorf("%s: %v\n%s", line, err, out.String())
	}
	for _, told := range map[string][]string{
		"taskmaster app.yaml":               {"web:0: RUNNING", "web:1: started", "web: unchanged"},
		"taskmaster ctl -c app.yaml status": {"web:0", "web:1", "migrate"},
	}[strings.TrimSpace(strings.SplitN(line, " #", 2)[0])] {
		if !strings.Contains(out.String(), told) {
			w.Errorf("%s: no %q in\n%s", line, told, out.String())
		}
	}
}
