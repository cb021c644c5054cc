package manual

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"taskmaster/control"
)

var update = flag.Bool("update", false, "write the manual pages")

var files = map[string]func() []byte{"../packaging/man/taskmaster.1": Commands, "../packaging/man/taskmaster.yaml.5": Configuration}

// The pages say what the tables say.
func TestGenerated(t *testing.T) {
	for path, write := range files {
		want := write()
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the tables say (%v): run go generate ./manual", path, err)
		}
	}
}

// Neither of the two readers of manual pages finds anything wrong.
func TestReadersFindNothingWrong(t *testing.T) {
	for _, reader := range [][]string{{"mandoc", "-Tlint", "-Wwarning"}, {"man", "--warnings", "-Tutf8", "-l"}} {
		if _, err := exec.LookPath(reader[0]); err != nil {
			t.Logf("%s is not installed", reader[0])
			continue
		}
		for path := range files {
			cmd := exec.Command(reader[0], append(reader[1:], path)...)
			cmd.Env = append(os.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8", "PAGER=cat", "MANROFFSEQ=")
			var said bytes.Buffer
			if cmd.Stderr = &said; reader[0] == "mandoc" {
				cmd.Stdout = &said
			}
			if err := cmd.Run(); err != nil || said.Len() > 0 {
				t.Errorf("%s of %s: %v\n%s", reader[0], path, err, said.Bytes())
			}
		}
	}
}

// Nothing of the tables is left out, and no Markdown is left over.
func TestPagesAreWhole(t *testing.T) {
	first, second := string(Commands()), string(Configuration())
	for _, c := range control.Commands {
		if !c.Hidden && !strings.Contains(first, "\n\\fB"+c.Name) {
			t.Errorf("no command %s", c.Name)
		}
	}
	for _, field := range []string{"cmd", "numprocs", "stopsignal", "loglevel", "maxbytes", "nofile", "memory_max"} {
		if !strings.Contains(second, "\n\\fB"+field+"\\fR\n") {
			t.Errorf("no field %s", field)
		}
	}
	for _, page := range []string{first, second} {
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "|") || strings.Contains(line, "```") || strings.Contains(line, "](") || strings.HasPrefix(line, "#") && !strings.Contains(line, ":") && !strings.HasPrefix(line, "# ") {
				t.Errorf("left over: %s", line)
			}
		}
	}
}
