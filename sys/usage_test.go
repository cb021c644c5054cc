package sys

import (
	"os"
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	line := []byte("7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 5 6 20 0 1 0 5000 9000000 250 18446744073709551615 1 1")
	if resident, cpu := parseUsage(line, 4096); resident != 250*4096 || cpu != 530*time.Millisecond {
		t.Errorf("%d bytes, %v", resident, cpu)
	}
	if resident, _ := ReadUsage(os.Getpid()); resident < 1<<20 {
		t.Errorf("%d bytes of our own", resident)
	}
}

func TestHeldByV1(t *testing.T) {
	text := []byte("9:name=systemd:/\n4:memory:/x\n3:cpu,cpuacct:/\n0::/\n")
	for controller, want := range map[string]bool{"memory": true, "cpu": true, "pids": false} {
		if heldByV1(text, controller) != want {
			t.Errorf("%s: %v", controller, !want)
		}
	}
}
