package config

import (
	"fmt"
	"strings"
	"testing"
)

// manyPrograms is a file of n programs with the fields that people use.
func manyPrograms(n int) string {
	var b strings.Builder
	b.WriteString("programs:\n")
	for i := range n {
		fmt.Fprintf(&b, "  web-%d:\n    cmd: sh -c 'exec sleep %d'\n    numprocs: 2\n    stdout: {path: \"/tmp/web-%d.{num}.log\", maxbytes: 10MiB}\n    env: {PORT: 8%d, NAME: \"${HOME}/{name}\"}\n    stoptime: 5\n    exitcodes: [0, 2]\n", i, i, i, i)
	}
	return b.String()
}

// BenchmarkLoad10000 is the speed of a file of 10,000 programs: below half a second and 100 MB.
func BenchmarkLoad10000(b *testing.B) {
	path := write(b, b.TempDir(), "c.yaml", manyPrograms(10000))
	b.ReportAllocs()
	for b.Loop() {
		if cfg, err := Load(path); err != nil || len(cfg.Programs) != 10000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkDiff10000 is what a reload adds to that.
func BenchmarkDiff10000(b *testing.B) {
	raw := manyPrograms(10000)
	one, two := load(b, raw), load(b, raw)
	b.ReportAllocs()
	for b.Loop() {
		Diff(one, two)
	}
}

// BenchmarkLaunch is what each start costs before the fork.
func BenchmarkLaunch(b *testing.B) {
	p := load(b, manyPrograms(1)).Programs[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Launch(1); err != nil {
			b.Fatal(err)
		}
	}
}
