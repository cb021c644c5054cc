#!/bin/bash
# In the system that tests/systems/systemd.sh boots: installs the package and does
# with the service what an administrator does. Its last line on the console says
# how that went, and the power goes off.
exec >/dev/ttyS0 2>&1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
bad=0
socket=/run/taskmaster/taskmaster.sock
step() { echo "=== $*"; }
fail() { echo "FAIL: $*"; bad=1; }
ctl() { taskmaster ctl -s $socket "$@"; }
show() { systemctl show -P "$1" taskmaster.service; }
is() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"; }
active() { systemctl is-active taskmaster.service; }
install_package() { dpkg -i "/root/v$1.deb" >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail "dpkg -i $1"; }; }
# until_true waits for what systemd or the daemon does by itself.
until_true() {
	for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
	fail "never: $*"
}
running() { ctl status | grep -q "^$1 .*RUNNING"; }
replaced() { [ "$(show MainPID)" != "$1" ] && [ "$(show MainPID)" != 0 ] && running nap; }
# files lists what a package may leave; what dpkg, systemd and this test keep is theirs.
files() {
	find / -xdev \( -path /root -o -path /tmp -o -path /proc -o -path /sys -o -path /dev -o -path /var/lib/dpkg \
		-o -path /var/log/dpkg.log -o -path /var/log/journal -o -path /var/cache/man -o -path /var/lib/systemd -o -path /var/tmp \) -prune -o -print
	find /run -name '*taskmaster*'
	ls -d /sys/fs/cgroup/system.slice/*taskmaster* 2>/dev/null
}

files | sort >/tmp/before
step "install: $(systemctl --version | head -n 1), $(uname -r)"
install_package 1.0.0
is state "$(active)" active
is type "$(show Type)" notify
is enabled "$(systemctl is-enabled taskmaster.service)" enabled
is watchdog "$(show WatchdogUSec)" 30s
is "the main process" "$(show MainPID)" "$(ctl pid)"
ctl version
ls -ld /run/taskmaster /var/log/taskmaster /etc/taskmaster

step "reload"
cat >/etc/taskmaster/conf.d/a.yaml <<'YAML'
programs:
  nap: {cmd: sleep 1000, starttime: 0, user: nobody, memory_max: 16MiB}
  tree: {cmd: "sh -c 'sleep 1000 & setsid sleep 1000 & wait'", starttime: 0}
YAML
taskmaster check /etc/taskmaster/taskmaster.yaml || fail check
systemctl reload taskmaster.service || fail reload
until_true running nap
until_true running tree
is state "$(active)" active
cgroup=$(cut -d: -f3- "/proc/$(ctl pid nap)/cgroup")
echo "cgroup of nap: $cgroup"
case $cgroup in /system.slice/taskmaster.service/*) ;; *) fail "nap is outside the unit" ;; esac
is memory.max "$(cat "/sys/fs/cgroup$cgroup/memory.max")" 16777216
systemctl status --no-pager taskmaster.service

step "upgrade"
daemon=$(show MainPID) nap=$(ctl pid nap)
install_package 1.0.1
until_true sh -c "taskmaster ctl -s $socket version | grep -q 'v1.0.1 '"
is "the daemon" "$(show MainPID)" "$daemon"
is nap "$(ctl pid nap)" "$nap"
is state "$(active)" active
is "what systemd restarted" "$(show NRestarts)" 0

step "a daemon that hangs"
mkdir -p /run/systemd/system/taskmaster.service.d
printf '[Service]\nWatchdogSec=3\n' >/run/systemd/system/taskmaster.service.d/short.conf
systemctl daemon-reload
systemctl restart taskmaster.service || fail restart
until_true running nap
daemon=$(show MainPID)
kill -STOP "$daemon"
until_true replaced "$daemon"
is "what systemd restarted" "$(show NRestarts)" 1
journalctl -q --no-pager -u taskmaster.service | grep -q 'Watchdog timeout' || fail "no word of the watchdog"

step "a daemon that is killed"
daemon=$(show MainPID)
kill -KILL "$daemon"
until_true replaced "$daemon"
is "what runs twice" "$(pgrep -c -x sleep)" 3
rm -r /run/systemd/system/taskmaster.service.d
systemctl daemon-reload

step "stop"
systemctl stop taskmaster.service || fail stop
is state "$(active)" inactive
is result "$(show Result)" success
pgrep -x sleep && fail "something runs still"

step "an upgrade leaves a daemon that was stopped alone"
install_package 1.0.0
is state "$(active)" inactive
systemctl start taskmaster.service || fail start

step "remove"
dpkg -r taskmaster >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail "dpkg -r"; }
pgrep -x sleep && fail "something runs still"
is state "$(active)" inactive
[ -e /etc/taskmaster/conf.d/a.yaml ] || fail "the configuration is gone"

step "install again"
install_package 1.0.1
is state "$(active)" active
is enabled "$(systemctl is-enabled taskmaster.service)" enabled
until_true running nap

step "purge"
rm /etc/taskmaster/conf.d/a.yaml
dpkg --purge taskmaster >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; fail "dpkg --purge"; }
pgrep -x sleep && fail "a program runs still"
pgrep -x taskmaster && fail "a daemon runs still"
files | sort >/tmp/after
diff /tmp/before /tmp/after || fail "something is left"
journalctl -q --no-pager -p warning -u taskmaster.service
[ $bad -ne 0 ] || echo "systemd: ok"
sync
systemctl poweroff --force --force
