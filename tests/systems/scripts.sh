#!/bin/sh
# Has shellcheck read every script of the repository.
#   tests/systems/scripts.sh
set -eu
cd "$(dirname "$0")/../.."
sh tests/packages.sh shellcheck=shellcheck
git ls-files -z '*.sh' .ci/run packaging/debian/preinst packaging/debian/postinst packaging/debian/prerm packaging/debian/postrm |
	xargs -0 shellcheck -S warning
# OpenRC reads the variables that the script only sets.
shellcheck -S warning -s sh -e SC2034 packaging/taskmaster.openrc
echo "scripts: ok"
