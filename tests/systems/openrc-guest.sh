#!/bin/sh
# In the chroot that tests/systems/openrc.sh makes: does with the init script what an
# administrator does.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
bad=0
config=/etc/taskmaster/taskmaster.yaml
fail() { echo "FAIL: $*"; bad=1; }
# says runs a command of the script, whose exit code must be the first word.
says() {
	want=$1
	shift
	rc-service taskmaster "$@" >/tmp/out 2>&1
	code=$?
	echo "$*: $code"
	cat /tmp/out
	[ $code -eq "$want" ] || fail "$*: exit code $code, not $want"
}
ctl() { taskmaster ctl -s /run/taskmaster/taskmaster.sock "$@"; }
running() { ctl status "$1" | grep -q RUNNING; }
# until_running waits for a reload, which nobody tells the end of.
until_running() {
	for _ in $(seq 600); do running "$1" 2>/dev/null && return; sleep 0.1; done
	fail "$1 never ran"
}

# OpenRC has not booted this system, and is told so.
mkdir -p /run/openrc && touch /run/openrc/softlevel
rc-service --version
rc-update add taskmaster default || fail rc-update
echo '  nap: {cmd: sleep 1000, starttime: 0}' >>$config
says 0 check
says 3 status
says 0 start
says 0 status
pid=$(cat /run/taskmaster/taskmaster.pid)
[ "$(ctl pid)" = "$pid" ] || fail "the pid file has $pid"
running nap || fail "$(ctl status)"

echo '  more: {cmd: sleep 1000, starttime: 0}' >>$config
says 0 reload
until_running more
[ "$(ctl pid)" = "$pid" ] || fail "a reload is no restart"

cp $config /tmp/good
echo '  bad: {' >>$config
says 1 check
says 1 reload
says 1 restart
says 0 status
[ "$(ctl pid)" = "$pid" ] || fail "a faulty configuration has cost the daemon"
cp /tmp/good $config

says 0 restart
running more || fail "$(ctl status)"
[ "$(ctl pid)" != "$pid" ] || fail "not restarted"

pid=$(ctl pid) nap=$(ctl pid nap)
ctl upgrade || fail upgrade
says 0 status
[ "$(ctl pid) $(ctl pid nap)" = "$pid $nap" ] || fail "the upgrade changed a process"

kill -KILL "$pid"
until ! kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
says 32 status
says 0 zap
says 0 start
[ "$(ctl pid nap)" = "$nap" ] || fail "nap was not taken over"
says 0 stop
says 3 status
pgrep -x sleep && fail "a program runs still"
pgrep -x taskmaster && fail "a daemon runs still"
[ $bad -ne 0 ] || echo "openrc: ok"
exit $bad
