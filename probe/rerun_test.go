package probe

import (
	"os"
	"os/exec"
	"testing"
)

// rerun runs the calling test alone, in a process of its own, with env.
func rerun(t *testing.T, env string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
