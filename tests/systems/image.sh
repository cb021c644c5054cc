#!/bin/sh
# Builds the image of packaging/Dockerfile with buildah, and has the daemon at work
# in it as process 1. On a Debian, as root; a few minutes.
#   tests/systems/image.sh
# Where the image golang:1.26 cannot be fetched, GOIMAGE=local makes one of that
# name out of a small Debian and the Go of this machine.
set -eu
cd "$(dirname "$0")/../.."
sh tests/packages.sh buildah=buildah debootstrap=debootstrap unshare=util-linux
work=$(mktemp -d)
storage() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
container=
cleanup() {
	[ -z "$container" ] || storage umount "$container" >/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

go_image() {
	root=$work/go
	if [ -n "${ROOTFS:-}" ]; then
		cp -a "$ROOTFS" "$root"
	else
		debootstrap --variant=minbase --include=ca-certificates "${SUITE:-bookworm}" "$root" \
			"${MIRROR:-http://deb.debian.org/debian}" >"$work/log" 2>&1 || { tail "$work/log"; exit 1; }
	fi
	mkdir -p "$root/usr/local/go" "$root/etc/ssl/certs"
	cp -a "$(go env GOROOT)/." "$root/usr/local/go/"
	cp -aL /etc/ssl/certs/. "$root/etc/ssl/certs/"
	base=$(storage from scratch)
	storage add -q "$base" "$root" /
	storage config --env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		--env GOPROXY="$(go env GOPROXY)" --env GOSUMDB="$(go env GOSUMDB)" --env GOTOOLCHAIN=local "$base"
	storage commit -q "$base" docker.io/library/golang:1.26 >/dev/null
	storage rm "$base" >/dev/null
	rm -rf "$root"
}

echo "build"
pull=--pull
if [ "${GOIMAGE:-}" = local ]; then
	go_image
	pull=--pull-never
fi
git ls-files -z | tar cf - --null -T - | (mkdir "$work/src" && tar xf - -C "$work/src")
storage bud $pull --isolation chroot --build-arg VERSION=v1.0.0 -t taskmaster -f "$work/src/packaging/Dockerfile" "$work/src"
storage inspect --type image --format '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}} {{.OCIv1.Config.StopSignal}}' taskmaster | tee "$work/config"
[ "$(cat "$work/config")" = '[/taskmaster] [run --no-shell /etc/taskmaster/taskmaster.yaml] SIGTERM' ] || fail "the image starts something else"
container=$(storage from taskmaster)
mnt=$(storage mount "$container")
(cd "$mnt" && find . -printf '%m %p\n')
[ "$(stat -c %a "$mnt/tmp")" = 1777 ] || fail "not every user may write to /tmp"

# What a container's runtime brings, and programs that need nothing but the
# binary: one leaves an orphan behind.
echo "run"
mkdir -p "$mnt/proc" "$mnt/dev"
mknod -m 666 "$mnt/dev/null" c 1 3
cat >"$work/orphan.go" <<'GO'
package main

import (
	"os"
	"time"
)

// Without arguments it starts itself again and ends; the other lives a little longer.
func main() {
	if len(os.Args) > 1 {
		time.Sleep(time.Second)
		return
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		panic(err)
	}
	files := []*os.File{null, null, null}
	if _, err := os.StartProcess("/orphan", []string{"/orphan", "child"}, &os.ProcAttr{Files: files}); err != nil {
		panic(err)
	}
}
GO
CGO_ENABLED=0 "${GO:-go}" build -o "$mnt/orphan" "$work/orphan.go"
cat >"$mnt/etc/taskmaster/conf.d/a.yaml" <<'YAML'
programs:
  orphans: {cmd: /orphan, starttime: 0, autorestart: always, killmode: process}
  inner: {cmd: /taskmaster run --no-shell /etc/inner.yaml, stdout: /tmp/inner, stderr: stdout}
YAML
printf 'daemon: {log: stderr, socket: none}\nprograms: {}\n' >"$mnt/etc/inner.yaml"
ctl() { "$mnt/taskmaster" ctl -s "$mnt/run/taskmaster.sock" "$@"; }
# until_true waits for what happens by itself.
until_true() {
	for _ in $(seq 600); do "$@" && return; sleep 0.1; done
	cat "$work/log"
	fail "never: $*"
}
up() {
	kill -0 $shell 2>/dev/null || { cat "$work/log"; fail "the daemon ended"; }
	ctl status >"$work/status" 2>/dev/null
	grep -q '^inner .*RUNNING' "$work/status"
}
# ends is whether the program has ended often enough to leave a few orphans behind.
ends() { [ "$(ctl status orphans | sed -n 's/^orphans .* - *- *\([0-9]*\) .*/\1/p')" -ge 3 ] 2>/dev/null; }
# alone is whether the daemon has one child, and neither orphans nor zombies.
alone() { [ "$(pgrep -c -P "$daemon")" = 1 ]; }

unshare -pf --kill-child --mount-proc="$mnt/proc" chroot "$mnt" /taskmaster run --no-shell /etc/taskmaster/taskmaster.yaml 2>"$work/log" &
shell=$!
until_true up
cat "$work/status"
[ "$(ctl pid)" = 1 ] || fail "the daemon is process $(ctl pid)"
daemon=$(pgrep -P $shell)

echo "orphans"
until_true ends
ctl stop orphans
until_true alone

echo "stop"
kill -TERM "$daemon"
code=0
wait $shell || code=$?
cat "$work/log"
[ $code -eq 0 ] || fail "exit code $code"
echo "image: ok"
