# bash completion for taskmaster. The words come from the binary itself, and the
# names of programs from the daemon that runs.
_taskmaster() {
	local line=${COMP_LINE:0:COMP_POINT} current word
	current=${line##*[[:space:]]}
	# Where a colon ends a word (web:1), bash replaces what stands behind it only.
	local before=
	if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
		before=${current%"${current##*:}"}
	fi
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		if [[ $word == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
		else
			COMPREPLY+=("${word#"$before"}")
		fi
	done < <("${COMP_WORDS[0]}" __complete "$line" 2>/dev/null)
}
complete -F _taskmaster taskmaster
