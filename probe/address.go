package probe

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// address is an IP address. It is parsed here because net/netip would cost every
// process of ours 0.1 MB before it does anything.
type address struct {
	text string // as it was written
	ip   [16]byte
	four bool // IPv4, in the first four bytes
}

func (a address) family() int {
	if a.four {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (a address) socket(port uint16) unix.Sockaddr {
	if a.four {
		return &unix.SockaddrInet4{Port: int(port), Addr: [4]byte(a.ip[:4])}
	}
	return &unix.SockaddrInet6{Port: int(port), Addr: a.ip}
}

// sameSocket tells whether two addresses with ports are the same.
func sameSocket(a, b unix.Sockaddr) bool {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		b, ok := b.(*unix.SockaddrInet4)
		return ok && a.Addr == b.Addr && a.Port == b.Port
	case *unix.SockaddrInet6:
		b, ok := b.(*unix.SockaddrInet6)
		return ok && a.Addr == b.Addr && a.Port == b.Port
	}
	return false
}

// parseAddress takes 127.0.0.1 and ::1, an IPv6 address without brackets and
// zone.
func parseAddress(s string) (a address, ok bool) {
	a.text = s
	if !strings.Contains(s, ":") {
		var four [4]byte
		four, a.four = parseIPv4(s)
		copy(a.ip[:], four[:])
		return a, a.four
	}
	a.ip, ok = parseIPv6(s)
	return a, ok
}

func parseIPv4(s string) (ip [4]byte, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != len(ip) {
		return ip, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 1 && part[0] == '0' { // which some read as octal
			return ip, false
		}
		ip[i] = byte(n)
	}
	return ip, true
}

// parseIPv6 takes the text of RFC 4291, 2.2: groups of up to four hexadecimal
// digits, once "::" for the zeros that are missing, and an IPv4 address for the
// last two groups.
func parseIPv6(s string) (ip [16]byte, ok bool) {
	head, tail, gap := strings.Cut(s, "::")
	front, ok1 := groups(head, !gap)
	back, ok2 := groups(tail, true)
	n := len(front) + len(back)
	if !ok1 || !ok2 || gap && n > len(ip)-2 || !gap && n != len(ip) {
		return ip, false
	}
	copy(ip[:], front)
	copy(ip[len(ip)-len(back):], back)
	return ip, true
}

// groups are the bytes of groups with colons between them.
func groups(s string, last bool) (out []byte, ok bool) {
	if s == "" {
		return nil, true
	}
	parts := strings.Split(s, ":")
	for i, part := range parts {
		if last && i == len(parts)-1 && strings.Contains(part, ".") {
			four, ok := parseIPv4(part)
			return append(out, four[:]...), ok
		}
		n, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 {
			return nil, false
		}
		out = append(out, byte(n>>8), byte(n))
	}
	return out, true
}
