#compdef taskmaster
# zsh completion for taskmaster. The words come from the binary itself, and the
# names of programs from the daemon that runs.
_taskmaster() {
	local line="${(j: :)${words[1,CURRENT-1]}} $PREFIX" word files=
	local -a choices
	while IFS=$'\t' read -r word help; do
		if [[ $word == :files ]]; then
			files=yes
		else
			choices+=("${word//:/\\:}${help:+:$help}")
		fi
	done < <("${words[1]}" __complete "$line" 2>/dev/null)
	local found=1
	(( $#choices )) && _describe -V taskmaster choices && found=0
	[[ -n $files ]] && _files && found=0
	return found
}
if [[ $funcstack[1] == _taskmaster ]]; then
	_taskmaster "$@"
else
	compdef _taskmaster taskmaster
fi
