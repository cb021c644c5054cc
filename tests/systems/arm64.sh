#!/bin/sh
# Boots a Linux for arm64 in an emulator, with little in it but busybox, and runs
# there what depends on the processor: the tests of the rooms that talk to the
# kernel, and a daemon with programs from start to end. On a Debian, as root or with
# qemu-system-aarch64 and cpio at hand; a few minutes, and most of them for the
# room reaper, as processes are slow to start there: ROOMS names fewer.
#   tests/systems/arm64.sh
set -eu
cd "$(dirname "$0")/../.."
rooms=${ROOMS:-epoll journal logfile process spawn state sys reaper}
sh tests/packages.sh qemu-system-aarch64=qemu-system-arm cpio=cpio
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT

# The kernel and busybox are those of the distribution, fetched past what this
# machine knows of its own packages.
arm_apt() {
	apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root \
		-o Dir::State="$work/apt" -o Dir::State::lists="$work/apt/lists" -o Dir::State::status="$work/apt/status" \
		-o Dir::Cache="$work/apt/cache" "$@"
}
fetch() {
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
	: >"$work/apt/status"
	arm_apt update
	kernel=$(arm_apt -s install --no-install-recommends linux-image-cloud-arm64 | sed -n 's/^Inst \(linux-image-[0-9][^ ]*\) .*/\1/p')
	(cd "$work" && arm_apt download "$kernel" busybox-static bash libc6 libtinfo6)
	for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
}

build() {
	root=$work/root
	for dir in usr/bin usr/lib proc sys dev tmp etc tests docs; do mkdir -p "$root/$dir"; done
	for dir in bin lib; do
		ln -s "usr/$dir" "$root/$dir"
		cp -a "$work/unpacked/$dir/." "$root/usr/$dir/"
		[ ! -d "$work/unpacked/usr/$dir" ] || cp -a "$work/unpacked/usr/$dir/." "$root/usr/$dir/"
	done
	rm -rf "$root/usr/lib/modules" "$root/usr/lib"/linux-image-*
	ln -s bash "$root/bin/sh"
	printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	export CGO_ENABLED=0 GOOS=linux GOARCH=arm64
	"${GO:-go}" build -trimpath -o "$root/bin/taskmaster" .
	for room in $rooms; do
		"${GO:-go}" test -c -trimpath -o "$root/tests/$room" "./$room"
		[ ! -d "$room/testdata" ] || cp -r "$room/testdata" "$root/tests/"
	done
	echo "$rooms" >"$root/tests/rooms"
	cp docs/states.md "$root/docs/" # a test reads it
	cp tests/systems/arm64-guest.sh "$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd"
}

# The emulator cannot say how the system in it fared, so that says it itself.
boot() {
	timeout 3600 qemu-system-aarch64 -M virt -cpu max -smp 2 -m 1024 -display none -serial stdio -monitor none -no-reboot -nic none \
		-kernel "$work"/unpacked/boot/vmlinuz-* -initrd "$work/initrd" -append 'quiet panic=-1' </dev/null | tee "$work/console"
	tr -d '\r' <"$work/console" | grep -qx 'arm64: ok'
}

fetch
build
boot
