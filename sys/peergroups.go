package sys

import (
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PeerInGroup tells whether gid is one of the supplementary groups that the
// process at the other end had when it connected (SO_PEERGROUPS, Linux 4.13).
func PeerInGroup(fd int, gid uint32) bool {
	var groups [512]uint32
	size := uint32(unsafe.Sizeof(groups))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&groups)), uintptr(unsafe.Pointer(&size)), 0)
	return errno == 0 && slices.Contains(groups[:size/4], gid)
}
