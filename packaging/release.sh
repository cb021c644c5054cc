#!/bin/sh
# Builds what is released, into a directory: static binaries for amd64 and arm64,
# a package of each where dpkg-deb is to be had, and their checksums.
#   packaging/release.sh VERSION DIRECTORY
# The same sources and the same Go give the same bytes, wherever they lie:
#   packaging/release.sh --check     builds twice, in two places, and compares
# ARCHES names fewer architectures.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)

release() {
	version=$1 out=$2
	mkdir -p "$out"
	for arch in ${ARCHES:-amd64 arm64}; do
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS='' \
			"${GO:-go}" build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$version" -o "$out/taskmaster-linux-$arch" .
		if command -v dpkg-deb >/dev/null; then
			sh packaging/debian/build.sh "$version" $arch "$out/taskmaster-linux-$arch" "$out/taskmaster-$arch.deb" >/dev/null
		fi
	done
	(cd "$out" && sha256sum taskmaster-* >SHA256SUMS)
}

if [ "${1:-}" = --check ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	SOURCE_DATE_EPOCH=1700000000
	export SOURCE_DATE_EPOCH
	mkdir -p "$work/elsewhere"
	(cd "$top" && tar cf - --exclude=.git --exclude=./taskmaster --exclude=./dist .) | (cd "$work/elsewhere" && tar xf -)
	(cd "$top" && release v0.0.0 "$work/one")
	(cd "$work/elsewhere" && GOCACHE="$work/cache" release v0.0.0 "$work/two")
	cmp "$work/one/SHA256SUMS" "$work/two/SHA256SUMS" || { diff "$work/one/SHA256SUMS" "$work/two/SHA256SUMS"; exit 1; }
	cat "$work/one/SHA256SUMS"
	exit
fi
[ $# -eq 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
cd "$top"
release "$1" "$2"
cat "$2/SHA256SUMS"
