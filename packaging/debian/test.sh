#!/bin/sh
# Builds two versions of the package, and installs, uses, upgrades and removes it
# on this very system: for a container, as root.
set -eu
cd "$(dirname "$0")/../.."
socket=/run/taskmaster/taskmaster.sock
ctl() { taskmaster ctl -s $socket "$@"; }
# enabled is whether systemd, where there is one, starts the service at the next boot.
enabled() { ! command -v systemctl >/dev/null || systemctl -q is-enabled taskmaster.service 2>/dev/null; }
fail() { echo "FAIL: $*" >&2; exit 1; }
if dpkg -s taskmaster >/dev/null 2>&1; then fail "a package taskmaster is installed already"; fi
[ ! -e /etc/taskmaster ] || fail "/etc/taskmaster is there already"

work=$(mktemp -d)
cleanup() {
	ctl shutdown >/dev/null 2>&1 || true
	dpkg --purge taskmaster >/dev/null 2>&1 || true
	rm -rf "$work" /run/taskmaster /etc/taskmaster
}
trap cleanup EXIT

echo "build"
arch=$(dpkg --print-architecture)
for version in v1.0.0 v1.0.1; do
	make -s build BINARY="$work/taskmaster-$version" VERSION=$version
	sh packaging/debian/build.sh $version "$arch" "$work/taskmaster-$version" "$work/$version.deb" >/dev/null
done
sh packaging/debian/build.sh v1.0.0 "$arch" "$work/taskmaster-v1.0.0" "$work/again.deb" >/dev/null
cmp "$work/v1.0.0.deb" "$work/again.deb" || fail "built twice, it differs"
if dpkg-deb -c "$work/v1.0.0.deb" | grep -v ' root/root '; then fail "something belongs to somebody else"; fi

echo "install"
dpkg -i "$work/v1.0.0.deb" >/dev/null
taskmaster --version | grep -q '^taskmaster v1.0.0 ' || fail "it is $(taskmaster --version)"
enabled || fail "it will not be there after a boot"
taskmaster check /etc/taskmaster/taskmaster.yaml || fail "the configuration it brings is faulty"
[ -e /usr/share/man/man1/taskmaster.1.gz ] && [ -e /usr/lib/systemd/system/taskmaster.service ] || fail "files are missing"

echo "use"
mkdir -p /run/taskmaster /var/log/taskmaster
cat >/etc/taskmaster/conf.d/test.yaml <<'YAML'
programs:
  nap: {cmd: sleep 1000, starttime: 0}
YAML
taskmaster run --detach /etc/taskmaster/taskmaster.yaml
ctl status | grep -q '^nap .*RUNNING' || fail "$(ctl status)"
pid=$(ctl pid) nap=$(ctl pid nap)

echo "upgrade"
echo '# mine' >>/etc/taskmaster/taskmaster.yaml
dpkg -i "$work/v1.0.1.deb" >/dev/null
ctl version | grep -q 'v1.0.1 ' || fail "the daemon is still $(ctl version)"
[ "$(ctl pid)" = "$pid" ] && [ "$(ctl pid nap)" = "$nap" ] || fail "a process was changed for another"
grep -q '^# mine$' /etc/taskmaster/taskmaster.yaml || fail "the configuration was replaced"

echo "remove"
dpkg -r taskmaster >/dev/null
if kill -0 "$pid" 2>/dev/null || kill -0 "$nap" 2>/dev/null; then fail "something still runs"; fi
[ ! -e /usr/bin/taskmaster ] && [ -e /etc/taskmaster/taskmaster.yaml ] || fail "the wrong things were removed"
if command -v systemctl >/dev/null && enabled; then fail "it is enabled still"; fi

echo "install again"
dpkg -i "$work/v1.0.0.deb" >/dev/null
enabled || fail "it will not be there after a boot"

echo "purge"
rm /etc/taskmaster/conf.d/test.yaml
dpkg --purge taskmaster >/dev/null
left=$(find /etc/taskmaster /etc/systemd/system /var/log/taskmaster -name '*taskmaster*' 2>/dev/null) || true
[ -z "$left" ] || fail "something is left: $left"
echo "ok"
