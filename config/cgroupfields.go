package config

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The limits of a program's cgroup, as indexes of Cgroup.Max.
const (
	MemoryMax = iota
	CPUMax
	PidsMax
	numCgroupLimits
)

// CgroupFields are the names of these limits, as the file calls them.
var CgroupFields = [numCgroupLimits]string{"memory_max", "cpu_max", "pids_max"}

// Cgroup is what the cgroup of each instance of a program is held to, in the
// words of the kernel (cgroup-v2.rst); "" is no limit.
type Cgroup struct {
	Max [numCgroupLimits]string
	At  [numCgroupLimits]Fault // where it stands, without a message
}

// CgroupMax gives what the program's cgroups are held to; nothing is what most say.
func (p *Program) CgroupMax() (limits [numCgroupLimits]string) {
	if p.Cgroup != nil {
		return p.Cgroup.Max
	}
	return limits
}

// Bounds of the limits: the kernel takes a quota of a thousandth of a second
// and more, periods from that to a second, and no more pids than there can be.
const (
	minMemoryMax = 4096
	maxPids      = 1 << 22
	minQuota     = 1000    // microseconds
	cpuPeriod    = 100_000 // likewise: the kernel's own
	maxPeriod    = 1_000_000
	maxCores     = 10_000
)

// cgroupMax reads one of the limits; parse gives it in the words of the kernel.
func (a at) cgroupMax(n *yaml.Node, p *Program, which int, parse func(string) (string, bool)) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	value := ""
	if s != "max" && s != "unlimited" {
		if value, ok = parse(s); !ok {
			a.reject(n)
			return
		}
	}
	c := Cgroup{}
	if p.Cgroup != nil {
		c = *p.Cgroup // perhaps of the defaults, which are not to be changed
	}
	at := deref(n)
	c.Max[which], c.At[which] = value, Fault{File: a.r.src.name, Line: at.Line, Col: at.Column, Field: a.path}
	p.Cgroup = &c
}

func parseMemoryMax(s string) (string, bool) {
	v, ok := parseSize(s)
	return strconv.FormatInt(v, 10), ok && v >= minMemoryMax
}

func parsePidsMax(s string) (string, bool) {
	v, ok := parseInt(s)
	return s, ok && v >= 1 && v <= maxPids
}

// parseCPUMax takes cores (0.5, 2), percent of one (50%), or a quota and a
// period in microseconds, as the kernel writes them ("50000 100000").
func parseCPUMax(s string) (string, bool) {
	if quota, period, two := strings.Cut(s, " "); two {
		q, ok := parseInt(quota)
		p, ok2 := parseInt(period)
		return s, ok && ok2 && q >= minQuota && p >= minQuota && p <= maxPeriod && q <= p*maxCores
	}
	num, percent := strings.CutSuffix(s, "%")
	cores, ok := parseFloat(num)
	if percent {
		cores /= 100
	}
	quota := int64(min(cores, 2*maxCores)*cpuPeriod + 0.5)
	return strconv.FormatInt(quota, 10) + " " + strconv.Itoa(cpuPeriod), ok && quota >= minQuota && cores <= maxCores
}

// WarnCgroups adds a warning for each limit that cannot be had where lack,
// asked for the controller, gives a reason.
func (c *Config) WarnCgroups(lack func(controller string) string) {
	for _, p := range c.Programs {
		for i, value := range p.CgroupMax() {
			if value == "" {
				continue
			}
			controller, _, _ := strings.Cut(CgroupFields[i], "_")
			if why := lack(controller); why != "" {
				f := p.Cgroup.At[i]
				f.Msg = warningPrefix + p.Name + ": " + CgroupFields[i] + ": will not be in force: " + why
				c.Warnings = append(c.Warnings, f)
			}
		}
	}
}

// stageThreads is how many threads the first stage of a start may need.
const stageThreads = 16

// checkStage refuses a limit of pids that the first stage of a start breaks.
func (l *loader) checkStage(p *Program) {
	pids := p.CgroupMax()[PidsMax]
	if n, ok := parseInt(pids); !ok || n >= stageThreads || len(p.Limits) == 0 && p.Nice == nil && p.OOMScoreAdj == nil || l.full() {
		return
	}
	f := p.Cgroup.At[PidsMax]
	f.Msg = fmt.Sprintf("%s: pids_max: must be at least %d with limits, nice or oom_score_adj (the stage that sets them has threads of its own), not %s", p.Name, stageThreads, pids)
	l.faults = append(l.faults, f)
}
