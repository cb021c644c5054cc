#!/bin/sh
# Shows Taskmaster at work, on a copy of demo.yaml in a directory of its own,
# and checks as it goes: exit 0 only when all went as told and nothing is left.
#   TASKMASTER  the binary (default: the one that make builds)
#   DEMO_PAUSE  seconds to read each step (default 2)
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
binary=${TASKMASTER:-$here/../taskmaster}
pause=${DEMO_PAUSE:-2}
dir=$(mktemp -d)
config=$dir/demo.yaml
daemon=

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
fail() {
	echo "demo: $*" >&2
	[ ! -s "$dir/demo.log" ] || tail -n 20 "$dir/demo.log" >&2
	exit 1
}

ctl() { "$binary" ctl -c "$config" "$@"; }

# show types a command and prints what it answers. Status says by its exit code
# that not all is well, as it should here.
show() {
	echo "\$ taskmaster ctl $*"
	ctl "$@" || [ "$1" = status ] || fail "\"$*\" failed"
}

# until_state waits until all of a program is in a state: until_state web RUNNING.
until_state() {
	tries=0
	while ctl status "$1" | sed 1d | grep -qv " $2 "; do # any line that says something else
		tries=$((tries + 1))
		[ $tries -lt 200 ] || fail "$1 did not become $2"
		sleep 0.05
	done
}

pid_of() {
	line=$(ctl pid "$1")
	echo "${line##* }"
}

# ours prints the pids of all that the daemon has started, escaped or not: they
# carry the demo's mark in their environment.
ours() {
	for file in /proc/[0-9]*/environ; do
		if grep -qs "DEMO_MARK=$dir" "$file"; then
			pid=${file#/proc/}
			echo "${pid%/environ}"
		fi
	done
}

tidy() {
	for pid in $(ours); do kill -KILL "$pid" 2>/dev/null || true; done
	rm -rf "$dir"
}
trap tidy EXIT
trap 'exit 130' INT TERM

[ -x "$binary" ] || fail "no binary at $binary: run make first"
cp "$here/demo.yaml" "$config"

say "Is the configuration valid?"
echo "\$ taskmaster check demo.yaml"
"$binary" check "$config"

say "Start it. A moment later: alive, but not yet for starttime (1 s)"
DEMO_MARK=$dir "$binary" --no-shell "$config" </dev/null &
daemon=$!
tries=0
until ctl version >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] && kill -0 $daemon 2>/dev/null || fail "the daemon did not come up"
	sleep 0.02
done
show status
sleep "$pause"

say "All have lived for starttime: RUNNING. The task is done, and broken has used up its tries"
until_state web RUNNING
until_state broken FATAL
until_state migrate EXITED
show status
show tail broken stderr
sleep "$pause"

say "Kill one of the two web servers with SIGKILL: it comes back, the other never notices"
killed=$(pid_of web:0) other=$(pid_of web:1)
echo "\$ kill -KILL $killed"
kill -KILL "$killed"
tries=0
while [ "$(pid_of web:0)" = "$killed" ] || [ "$(pid_of web:0)" = 0 ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || fail "web:0 did not come back"
	sleep 0.05
done
until_state web RUNNING
show status web
[ "$(pid_of web:1)" = "$other" ] || fail "web:1 was restarted too"
sleep "$pause"

say "Edit the file: a third web server, family goes, hello comes; stubborn only gets another stoptime"
stubborn=$(pid_of stubborn)
sed -e '/^  web:/,/^  worker:/s/numprocs: 2/numprocs: 3/' -e 's/stoptime: 2/stoptime: 1/' -e '/^  family:/,$d' \
	"$here/demo.yaml" >"$config.new"
cat >>"$config.new" <<'END'
  hello:
    cmd: sh -c 'echo "hello, $WHOM"; exec sleep 1000'
    env: {WHOM: world}
END
mv "$config.new" "$config"
show reload --dry-run
show reload
until_state web RUNNING
until_state hello RUNNING
show status
[ "$(pid_of web:1)" = "$other" ] || fail "the reload restarted web:1"
[ "$(pid_of stubborn)" = "$stubborn" ] || fail "the reload restarted stubborn"
sleep "$pause"

say "Stop stubborn, which ignores SIGTERM: SIGKILL after its new stoptime of 1 s"
show stop stubborn
show status stubborn
sleep "$pause"

say "Quit: every program is stopped, and the daemon ends"
show shutdown
wait $daemon || fail "the daemon ended with exit code $?"
left=$(ours)
[ -z "$left" ] || fail "left behind:" $left
echo "nothing is left behind"
