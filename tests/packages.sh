#!/bin/sh
# Installs the Debian packages of tools that are missing; a service among them is
# not started:
#   tests/packages.sh nginx=nginx-light python3=python3
set -eu
PATH=$PATH:/usr/sbin:/sbin
missing=
for pair; do
	command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive

# invoke-rc.d asks this one whether it may start anything.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
apt-get update -qq >/dev/null
# shellcheck disable=SC2086 # names of packages
apt-get install -qq -y --no-install-recommends $missing >/dev/null
