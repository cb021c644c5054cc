#!/bin/sh
# Builds a Debian package of what `make install` installs, with dpkg-deb:
#   packaging/debian/build.sh VERSION ARCH BINARY OUT.deb
# VERSION is that of the tag (v1.2.3, or what git describe makes of it). The same
# input gives the same bytes.
set -eu
cd "$(dirname "$0")/../.."
[ $# -eq 4 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
version=$1 arch=$2 binary=$3 out=$4

# v1.2.3-4-gabc is four commits after 1.2.3; what has no tag is before all that have.
debian=$(printf %s "$version" | sed -E 's/^v//; s/-([0-9]+)-g([0-9a-f]+)/+git\1.\2/; s/-dirty$/+dirty/; s/-/~/g')
case $debian in [0-9]*.*) ;; *) debian=0~$debian ;; esac

# One time for every file: that of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 755 "$root"
make -s install BINARY="$binary" DESTDIR="$root" PREFIX=/usr INIT=systemd
gzip -9n "$root"/usr/share/man/man*/*
mkdir -p "$root/usr/share/zsh/vendor-completions"
mv "$root/usr/share/zsh/site-functions/_taskmaster" "$root/usr/share/zsh/vendor-completions/"
rmdir "$root/usr/share/zsh/site-functions"
install -D -m 644 LICENSE "$root/usr/share/doc/taskmaster/copyright"
gzip -9nc CHANGELOG.md >"$root/usr/share/doc/taskmaster/changelog.gz"
install -d "$root/usr/share/doc/taskmaster/examples"
install -m 644 examples/*.yaml "$root/usr/share/doc/taskmaster/examples/"

mkdir "$root/DEBIAN"
sed "s/@VERSION@/$debian/; s/@ARCH@/$arch/; s/@SIZE@/$(du -sk --apparent-size "$root/usr" | cut -f1)/" packaging/debian/control >"$root/DEBIAN/control"
echo /etc/taskmaster/taskmaster.yaml >"$root/DEBIAN/conffiles"
for script in preinst postinst prerm postrm; do
	install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$out" >/dev/null
echo "$out"
