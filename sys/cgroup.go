package sys

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// OwnCgroup finds the directory of the cgroup (v2) that this process is in,
// also where v1 is mounted beside it. An error says why there is none.
func OwnCgroup() (dir string, err error) {
	text, err := ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("read /proc/self/cgroup: %w", err)
	}
	own, ok := unifiedPath(text)
	if !ok {
		return "", errors.New("the process is in no cgroup of version 2")
	}
	mounts, err := ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("read /proc/self/mountinfo: %w", err)
	}
	if dir, ok = cgroupDir(mounts, own); !ok {
		return "", fmt.Errorf("no mounted cgroup2 file system shows the cgroup %s", own)
	}
	return dir, nil
}

// unifiedPath takes the path from the line "0::PATH" (cgroups(7)). A cgroup
// that was removed under the process is none.
func unifiedPath(text []byte) (path string, ok bool) {
	for line := range bytes.Lines(text) {
		if rest, found := bytes.CutPrefix(bytes.TrimRight(line, "\n"), []byte("0::")); found {
			return string(rest), !bytes.HasSuffix(rest, []byte(" (deleted)"))
		}
	}
	return "", false
}

// cgroupDir finds the cgroup own below a mount of cgroup2 in the text of
// mountinfo (proc_pid_mountinfo(5)). A mount may show only part of the tree:
// its fourth field is the cgroup that its mount point stands for.
func cgroupDir(mountinfo []byte, own string) (dir string, ok bool) {
	for line := range bytes.Lines(mountinfo) {
		before, after, _ := strings.Cut(string(line), " - ")
		mount, kind := strings.Fields(before), strings.Fields(after)
		if len(mount) < 6 || len(kind) < 1 || kind[0] != "cgroup2" {
			continue
		}
		root, point := unescape(mount[3]), unescape(mount[4])
		if rel, err := filepath.Rel(root, own); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.Join(point, rel), true
		}
	}
	return "", false
}

// unescape undoes \040 and the like, with which mountinfo writes white space.
func unescape(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// CgroupLack says why the cgroups that a daemon makes below its own, here and
// now, could not have a controller; "" when nothing speaks against it. Nothing is tried.
func CgroupLack(controller string) string {
	own, err := OwnCgroup()
	if err != nil {
		return "no cgroups: " + err.Error()
	}
	if err := unix.Access(own, unix.W_OK); err != nil {
		return "the cgroup " + own + " cannot be written: " + err.Error()
	}
	text, err := ReadFile(own + "/cgroup.controllers")
	if err != nil || !slices.Contains(strings.Fields(string(text)), controller) {
		return NoController(own, controller).Error()
	}
	return ""
}

// NoController is the error of a cgroup that does not have a controller, with
// the reason where it is known.
func NoController(dir, controller string) error {
	why := "the cgroup " + dir + " does not have the controller " + controller
	if text, err := ReadFile("/proc/self/cgroup"); err == nil && heldByV1(text, controller) {
		why += ": cgroups of version 1 have it"
	}
	return errors.New(why)
}

// heldByV1 is whether a line "N:CONTROLLERS:PATH" of /proc/PID/cgroup names a controller.
func heldByV1(text []byte, controller string) bool {
	for line := range bytes.Lines(text) {
		parts := strings.SplitN(string(line), ":", 3)
		if len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), controller) {
			return true
		}
	}
	return false
}
