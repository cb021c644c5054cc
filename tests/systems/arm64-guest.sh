#!/bin/busybox sh
# shellcheck shell=dash
# The first process of the system that tests/systems/arm64.sh boots: it runs the tests and
# says how they went, and the power goes off.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /tmp
chmod 1777 /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up

bad=0
fail() { echo "FAIL: $*"; bad=1; }
ctl() { taskmaster ctl -s /tmp/daemon/s "$@"; }

rooms() {
	cd /tests || return
	for room in $(cat rooms); do
		"./$room" -test.count=1 -test.timeout=0 >/tmp/out 2>&1 || { cat /tmp/out; fail "$room"; }
		echo "$room: $(tail -n 1 /tmp/out)"
	done
}

# daemon is one in its own cgroup, from its start over an upgrade to its end.
daemon() {
	mkdir /tmp/daemon && cd /tmp/daemon || return
	cat >a.yaml <<'YAML'
daemon: {socket: s, log: log}
programs:
  nap: {cmd: sleep 1000, starttime: 0, user: nobody, nice: 5, umask: "077"}
  tree: {cmd: "sh -c 'sleep 1000 & setsid sleep 1000 & wait'", starttime: 0}
  once: {cmd: "echo hello", oneshot: true, stdout: once}
YAML
	taskmaster check a.yaml || fail check
	taskmaster run --detach a.yaml || { fail run; return; }
	grep -q 'trees="cgroup ' log || fail "no cgroups: $(head -n 1 log)"
	ctl status || fail status
	[ "$(cat once)" = hello ] || fail output
	nap=$(ctl pid nap) pid=$(ctl pid)
	[ "$(stat -c %u "/proc/$nap")" = 65534 ] || fail user
	ctl upgrade || fail upgrade
	[ "$(ctl pid nap) $(ctl pid)" = "$nap $pid" ] || fail "the upgrade changed a process"
	ctl stop tree || fail stop
	ctl shutdown || fail shutdown
	[ -z "$(pidof sleep)" ] || fail "left behind: $(ps)"
	grep -E ' (WARN|ERROR) ' log && fail "the log complains"
}

uname -a
taskmaster --version
daemon
rooms
[ $bad -ne 0 ] || echo "arm64: ok"
poweroff -f
