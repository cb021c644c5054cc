#!/bin/sh
# Makes a small Debian with OpenRC, and has its init script at work there:
# tests/systems/openrc-guest.sh. On a Debian, as root; about a minute.
#   tests/systems/openrc.sh
set -eu
cd "$(dirname "$0")/../.."
sh tests/packages.sh debootstrap=debootstrap unshare=util-linux
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# ROOTFS names one that debootstrap has made before.
if [ -n "${ROOTFS:-}" ]; then
	cp -a "$ROOTFS" "$root"
else
	debootstrap --variant=minbase --include=openrc,procps "${SUITE:-bookworm}" "$root" \
		"${MIRROR:-http://deb.debian.org/debian}" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
fi
make -s build BINARY="$work/taskmaster"
make -s install BINARY="$work/taskmaster" DESTDIR="$root" INIT=openrc
install -m 755 tests/systems/openrc-guest.sh "$root/root/test"
mkdir -p "$root/proc"
unshare -pfm --kill-child --mount-proc="$root/proc" chroot "$root" /root/test
