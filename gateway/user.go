package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

var errRoot = errors.New("refusing to run as root: give --user NAME (or --allow-root)")

// checkUser keeps the gateway from being root by accident.
func checkUser(name string, allowRoot bool) error {
	switch {
	case os.Geteuid() != 0 && name != "":
		return errors.New("--user needs root")
	case os.Geteuid() == 0 && name == "" && !allowRoot:
		return errRoot
	}
	return nil
}

// becomeUser gives up root for good, and gives that user the sockets that were opened for it.
func becomeUser(name string, listen []string) error {
	if name == "" {
		return nil
	}
	uid, gid, groups, err := account(name)
	if err != nil {
		return err
	}
	if uid == 0 {
		return errRoot
	}
	for _, address := range listen {
		if path, ok := strings.CutPrefix(address, "unix:"); ok || strings.Contains(address, "/") {
			if err := os.Lchown(strings.TrimPrefix(path, "//"), uid, gid); err != nil {
				return err
			}
		}
	}
	if err := syscall.Setgroups(groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return os.NewSyscallError("setgid", err)
	}
	return os.NewSyscallError("setuid", syscall.Setuid(uid))
}

func account(name string) (uid, gid int, groups []int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, nil, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, nil, err
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return 0, 0, nil, fmt.Errorf("groups of %s: %w", name, err)
	}
	for _, id := range ids {
		n, err := strconv.Atoi(id)
		if err != nil {
			return 0, 0, nil, err
		}
		groups = append(groups, n)
	}
	return uid, gid, groups, nil
}
