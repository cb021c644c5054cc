#!/bin/sh
# Boots a Debian of its own with systemd in an emulator, and has the package
# installed, reloaded, upgraded, removed and purged there: tests/systems/systemd-guest.sh.
# On a Debian, as root; a few minutes, and 2 GB below TMPDIR.
#   tests/systems/systemd.sh
set -eu
cd "$(dirname "$0")/../.."
sh tests/packages.sh qemu-system-x86_64=qemu-system-x86 debootstrap=debootstrap mke2fs=e2fsprogs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# ROOTFS names one that debootstrap has made before.
if [ -n "${ROOTFS:-}" ]; then
	cp -a "$ROOTFS" "$root"
else
	debootstrap --variant=minbase --include=systemd-sysv,dbus,udev,kmod,procps,linux-image-cloud-amd64 \
		"${SUITE:-bookworm}" "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
fi
for version in v1.0.0 v1.0.1; do
	GOARCH=amd64 make -s build BINARY="$work/taskmaster" VERSION=$version
	sh packaging/debian/build.sh $version amd64 "$work/taskmaster" "$root/root/$version.deb" >/dev/null
done
install -m 755 tests/systems/systemd-guest.sh "$root/root/test"
cat >"$root/etc/systemd/system/test.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStart=/root/test
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../test.service "$root/etc/systemd/system/default.target.wants/test.service"
ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service" # it would hang up on the test
echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
mke2fs -q -t ext4 -d "$root" "$work/disk" 1500M

timeout 3600 qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 -display none -serial stdio -monitor none -no-reboot -nic none \
	-kernel "$root"/boot/vmlinuz-* -initrd "$root"/boot/initrd.img-* -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
	-append 'root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=false' </dev/null | tee "$work/console"
tr -d '\r' <"$work/console" | grep -qx 'systemd: ok'
