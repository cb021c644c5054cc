#!/bin/sh
# Runs every fuzz target of the repository for a while, one after the other:
#   tests/fuzz.sh 10s
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# fuzz runs one target, in its own folder, as the gateway is a module of its own; what it has to say is in $out.
fuzz() { (cd "$1" && "${GO:-go}" test -run='^$' -fuzz="^$2\$" -fuzztime="$time" .) >"$out" 2>&1; }

# overtime tells that nothing was found but that the time was over: up to Go 1.26,
# go test may take that for a failure (go.dev/issue/75804). A real one is written
# down and said.
overtime() {
	grep -q 'context deadline exceeded' "$out" && ! grep -qE 'Failing input|panic:|\.go:[0-9]+:' "$out"
}

time=${1:-10s}
grep -rl '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
	dir=$(dirname "$file")
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		if ! fuzz "$dir" "$target" && ! overtime; then
			cat "$out"
			exit 1
		fi
		echo "$dir $target $(sed -n 's/^fuzz: elapsed: [^,]*, \(execs: [0-9]*\).*/\1/p' "$out" | tail -n 1)"
	done
done
