package config

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Identity is whom a program runs as.
type Identity struct {
	UID, GID uint32
	Groups   []uint32 // supplementary groups, GID first
	Home     string   // "" when only a group was configured
	Name     string   // likewise
}

// The account files; a test has its own.
var (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

// maxAccounts is the size past which an account file is refused, in bytes.
const maxAccounts = 64 << 20

// Identity looks the fields user and group up in /etc/passwd and /etc/group,
// anew at each call; nil when neither is configured. A name is looked for
// before a number. With group alone the user stays the daemon's and there are
// no supplementary groups. The error names the user or group that is not there.
func (p *Program) Identity() (*Identity, error) {
	if p.User == "" && p.Group == "" {
		return nil, nil
	}
	id := &Identity{UID: uint32(os.Geteuid())}
	hasGroup := p.Group != ""
	if p.User != "" {
		found, err := id.findUser(p.User)
		if err != nil {
			return nil, stepError{"user " + p.User, err}
		}
		if !found && !hasGroup {
			return nil, fmt.Errorf("user %s: not in %s, so group must be set", p.User, passwdFile)
		}
	}
	if err := id.findGroups(p.User, p.Group); err != nil {
		return nil, err
	}
	return id, nil
}

// accounts reads an account file: lines of fields between colons.
func accounts(path string, each func(fields []string) (more bool)) error {
	data, err := readFile(path, maxAccounts)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(fields) >= 4 && fields[0] != "" && !each(fields) {
			break
		}
	}
	return nil
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1
}

// findUser looks a user up. A number that is nobody's is taken as it is: not
// found, and no error.
func (id *Identity) findUser(user string) (found bool, err error) {
	number, isNumber := parseID(user)
	err = accounts(passwdFile, func(f []string) bool {
		uid, ok := parseID(f[2])
		gid, ok2 := parseID(f[3])
		byName := f[0] == user
		if !ok || !ok2 || len(f) < 6 || !byName && (found || !isNumber || uid != number) {
			return true
		}
		id.UID, id.GID, id.Name, id.Home, found = uid, gid, f[0], f[5], true
		return !byName
	})
	switch {
	case err != nil || found:
	case isNumber:
		id.UID, id.Name, id.Home = number, user, "/"
	default:
		err = fmt.Errorf("no such user in %s", passwdFile)
	}
	return found, err
}

// findGroups sets the group, when one is configured, and the supplementary
// ones, when a user is.
func (id *Identity) findGroups(user, group string) error {
	number, isNumber := parseID(group)
	found := group == ""
	var extra []uint32
	err := accounts(groupFile, func(f []string) bool {
		gid, ok := parseID(f[2])
		if !ok {
			return true
		}
		if group != "" && f[0] == group {
			id.GID, found = gid, true
		}
		if user != "" && slices.Contains(strings.Split(f[3], ","), id.Name) {
			extra = append(extra, gid)
		}
		return true
	})
	switch {
	case err != nil:
		return err
	case !found && isNumber:
		id.GID = number
	case !found:
		return fmt.Errorf("group %s: no such group in %s", group, groupFile)
	}
	id.Groups = append([]uint32{id.GID}, slices.DeleteFunc(extra, func(g uint32) bool { return g == id.GID })...)
	return nil
}
