package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The configurations that come with the packages are valid.
func TestPackagedConfigurationsAreValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"taskmaster.yaml", "container.yaml"} {
		abs, err := filepath.Abs("../packaging/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if out, errs, code := w.run("check", abs); code != 0 {
			t.Errorf("%s: %s%s", name, out, errs)
		}
	}
}

// tool gives the path of a tool that not every machine has.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// With a gateway that has been built its unit comes, too, and starts what was installed.
func TestMakeInstallGateway(t *testing.T) {
	t.Parallel()
	tool(t, "make")
	built := filepath.Join(t.TempDir(), "taskmaster")
	install := func(args ...string) string {
		root := t.TempDir()
		cmd := exec.Command("make", append([]string{"-s", "-C", "..", "install", "BINARY=" + built, "DESTDIR=" + root}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return root
	}
	const bin, unit = "opt/tm/bin/taskmaster-gateway", "opt/tm/lib/systemd/system/taskmaster-gateway.service"
	there := func(root, path string) bool { return exists(filepath.Join(root, path)) }
	if _, err := copied(binary, built); err != nil {
		t.Fatal(err)
	}
	if root := install("PREFIX=/opt/tm"); there(root, bin) || there(root, unit) {
		t.Error("what has not been built is installed")
	}
	if _, err := copied(binary, built+"-gateway"); err != nil { // any binary will do
		t.Fatal(err)
	}
	root := install("PREFIX=/opt/tm")
	if !there(root, bin) || !strings.Contains(readFile(t, filepath.Join(root, unit)), "\nExecStart=/opt/tm/bin/taskmaster-gateway -s ") {
		t.Error("the gateway or its unit is not as installed")
	}
	if root := install("PREFIX=/opt/tm", "INIT=openrc"); !there(root, bin) || there(root, unit) {
		t.Error("OpenRC gets a unit for systemd, or no gateway")
	}
}

func TestMakeInstall(t *testing.T) {
	t.Parallel()
	tool(t, "make")
	root := t.TempDir()
	install := func(args ...string) {
		cmd := exec.Command("make", append([]string{"-s", "-C", "..", "install", "BINARY=" + binary, "DESTDIR=" + root}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	install("PREFIX=/opt/tm")
	unit := filepath.Join(root, "opt/tm/lib/systemd/system/taskmaster.service")
	for path, mode := range map[string]os.FileMode{filepath.Join(root, "opt/tm/bin/taskmaster"): 0o755, unit: 0o644, filepath.Join(root, "etc/taskmaster/taskmaster.yaml"): 0o644} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want mode %v", path, st, err, mode)
		}
	}
	for _, path := range []string{"bash-completion/completions/taskmaster", "zsh/site-functions/_taskmaster", "fish/vendor_completions.d/taskmaster.fish", "man/man1/taskmaster.1", "man/man5/taskmaster.yaml.5"} {
		if _, err := os.Stat(filepath.Join(root, "opt/tm/share", path)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(unit)
	if err != nil || !strings.Contains(string(text), "\nExecStart=/opt/tm/bin/taskmaster run --no-shell /etc/taskmaster/taskmaster.yaml\n") {
		t.Errorf("%v: the unit starts something else:\n%s", err, text)
	}
	// A configuration that is there stays; the other service manager gets its script.
	if err := os.WriteFile(filepath.Join(root, "etc/taskmaster/taskmaster.yaml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	install("PREFIX=/usr", "INIT=openrc")
	if text, err := os.ReadFile(filepath.Join(root, "etc/taskmaster/taskmaster.yaml")); err != nil || string(text) != "mine" {
		t.Errorf("%v: the configuration was replaced by %q", err, text)
	}
	script := filepath.Join(root, "etc/init.d/taskmaster")
	if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(script); err != nil || !strings.Contains(string(text), `command="/usr/bin/taskmaster"`) {
		t.Errorf("%v: the script starts something else:\n%s", err, text)
	}
}

// systemd itself finds nothing wrong with the units.
func TestSystemdAcceptsTheUnit(t *testing.T) {
	t.Parallel()
	analyze := tool(t, "systemd-analyze")
	for _, name := range []string{"taskmaster", "taskmaster-gateway"} {
		text := readFile(t, "../packaging/"+name+".service")
		unit := filepath.Join(t.TempDir(), name+".service")
		local := strings.ReplaceAll(text, "=/usr/local/bin/"+name+" ", "="+binary+" ")
		if err := os.WriteFile(unit, []byte(local), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", unit)
		cmd.Env = append(os.Environ(), "SYSTEMD_LOG_LEVEL=warning")
		out, err := cmd.CombinedOutput()
		if complaints := strings.TrimSpace(string(out)); err != nil || complaints != "" {
			t.Errorf("%s: %v: %s", name, err, complaints)
		}
	}
}

// In an image with nothing but the binary the daemon is process 1: programs
// start, orphans are reaped, SIGTERM ends all.
func TestScratchContainer(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, for namespaces and chroot")
	}
	if raceEnabled {
		t.Skip("the race detector's binary is not static, and nothing else is in the container")
	}
	unshare := tool(t, "unshare")
	w := newWorld(t)
	image(w)
	d := w.launch([]string{unshare, "-pf", "--root=" + w.path("root"), "--mount-proc", "--kill-child", "/taskmaster", "run", "--no-shell", "/etc/taskmaster/taskmaster.yaml"}, options{apart: true})
	ctl := func(words ...string) (string, int) {
		out, _, code := w.run(append([]string{"ctl", "-s", w.path("root/run/taskmaster.sock")}, words...)...)
		return out, code
	}
	w.until("all is up", func() bool { _, code := ctl("status"); return code == 0 })
	if got := w.lines("root/out/version"); len(got) != 1 || !strings.HasPrefix(got[0], "taskmaster ") {
		t.Errorf("version says %q", got)
	}
	if out, _ := ctl("pid"); strings.TrimSpace(out) != "1" {
		t.Errorf("the daemon is process %s", out)
	}
	if out, code := ctl("shutdown"); code != 0 {
		t.Errorf("shutdown: %d %s", code, out)
	}
	if code := d.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// image makes what the Dockerfile makes, and programs in it that need nothing but the binary.
func image(w *world) {
	w.Helper()
	if err := exec.Command("unshare", "-pf", "true").Run(); err != nil {
		w.Skip("no pid namespaces here:", err)
	}
	for _, dir := range []string{"root", "root/proc", "root/dev", "root/run", "root/etc", "root/etc/taskmaster", "root/etc/taskmaster/conf.d", "root/out"} {
		if err := os.Mkdir(w.path(dir), 0o755); err != nil {
			w.Fatal(err)
		}
	}
	// What a container's runtime brings.
	if err := syscall.Mknod(w.path("root/dev/null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		w.Skip("no device files here:", err)
	}
	text, err := os.ReadFile("../packaging/container.yaml")
	if err != nil {
		w.Fatal(err)
	}
	w.write("root/etc/taskmaster/taskmaster.yaml", string(text))
	w.write("root/etc/taskmaster/conf.d/a.yaml", "programs:\n  inner:\n    cmd: [/taskmaster, run, --no-shell, /etc/inner.yaml]\n    stdout: /out/inner\n    stderr: stdout\n  version:\n    cmd: [/taskmaster, version]\n    oneshot: true\n    stdout: /out/version\n")
	w.write("root/etc/inner.yaml", "daemon: {log: stderr, socket: none}\nprograms: {}\n")
	if _, err := copied(binary, w.path("root/taskmaster")); err != nil {
		w.Fatal(err)
	}
}
