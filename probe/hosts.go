package probe

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"taskmaster/sys"
)

// hostsFile says which names have which addresses (hosts(5)).
const hostsFile = "/etc/hosts"

// maxHosts is how large that file may be, in bytes: it is read for every check.
const maxHosts = 1 << 20

var (
	loopback6 = address{text: "::1", ip: [16]byte{15: 1}}
	loopback4 = address{text: "127.0.0.1", ip: [16]byte{127, 0, 0, 1}, four: true}
)

// lookup gives the addresses of a host: its own if it is one, both of the
// loopback for localhost (RFC 6761, 6.3), and else those in the file of hosts.
func lookup(host string) ([]address, error) {
	if a, ok := parseAddress(host); ok {
		return []address{a}, nil
	}
	if strings.EqualFold(host, "localhost") {
		return []address{loopback6, loopback4}, nil
	}
	return lookupIn(hostsFile, host)
}

// Find tells why the host of a target would not be found now, nil when it would.
func (t Target) Find() error {
	_, err := lookup(t.host)
	return err
}

func lookupIn(file, host string) ([]address, error) {
	var st unix.Stat_t
	switch err := unix.Stat(file, &st); {
	case err != nil:
		return nil, fmt.Errorf("look %s up in %s: %w", host, file, err)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("look %s up in %s: not a regular file", host, file)
	case st.Size > maxHosts:
		return nil, fmt.Errorf("look %s up in %s: larger than 1 MiB", host, file)
	}
	text, err := sys.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("look %s up in %s: %w", host, file, err)
	}
	if out := inHosts(text, host); len(out) > 0 {
		return out, nil
	}
	return nil, fmt.Errorf("%s is not in %s (DNS is not asked: it would block)", host, file)
}

// inHosts gives the addresses of a name in the order of the file.
func inHosts(text []byte, host string) (out []address) {
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		words := bytes.Fields(line)
		if len(words) < 2 || !names(words[1:], host) {
			continue
		}
		if a, ok := parseAddress(string(words[0])); ok {
			out = append(out, a)
		}
	}
	return out
}

func names(words [][]byte, host string) bool {
	for _, w := range words {
		if strings.EqualFold(string(w), host) {
			return true
		}
	}
	return false
}
