# bash completion for hookctl                                    -*- shell-script -*-
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Verbs, options and what the arguments are come from hookctl's own help.

_hookctl_words() {
	case $1 in
	*GUEST*) virsh --readonly --quiet list --all --name 2>/dev/null ;;&
	*GUEST* | *PROFILE*)
		local f
		for f in /etc/hookd/profiles/*.ini; do
			[[ ! -e $f ]] || printf '%s\n' "$(basename "$f" .ini)"
		done
		;;
	*BDF*) ls /sys/bus/pci/devices ;;
	*\|*) tr '|' '\n' <<<"${1//[][]/}" ;;
	esac
}

_hookctl() {
	local cur words cword prev verb='' valued='' i n=0
	_init_completion -n =: || return
	for ((i = 1; i < cword; i++)); do
		[[ ${words[i]} != -* ]] || continue
		if [[ -z $verb ]]; then
			verb=${words[i]}
			valued=$(hookctl "$verb" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\)=.*/\1/p')
		elif ! grep -qxF -e "${words[i - 1]}" <<<"$valued"; then
			((++n))
		fi
	done
	! grep -qxF -e "$prev" <<<"$valued" || cur=$prev=$cur
	case $cur in
	--*=*)
		local option=${cur%%=*}
		cur=${cur#*=}
		case $option in
		--root) _filedir -d ;;
		--event) mapfile -t COMPREPLY < <(compgen -W 'prepare release' -- "$cur") ;;
		*) _filedir ;;
		esac
		return
		;;
	-*)
		local options
		# shellcheck disable=SC2086 # no verb yet: none is given
		options=$(hookctl $verb --help | sed -n 's/^  \(--[a-z-]*=\{0,1\}\).*/\1/p')
		[[ -n $verb ]] || options='--help --version'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		return
		;;
	esac
	if [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(hookctl --help | sed -n 's/^  \([a-z]*\) .*/\1/p')" -- "$cur")
		return
	fi
	local arguments argument
	arguments=$(hookctl "$verb" --help | sed -n '1s/.*\[OPTION\.\.\.\] \{0,1\}//p')
	read -ra arguments <<<"$arguments"
	argument=${arguments[n]-}
	# names may have blanks; compgen -W would run what stands in one
	while read -r i; do
		[[ $i != "$cur"* ]] || COMPREPLY+=("$(printf '%q' "$i")")
	done < <(_hookctl_words "$argument")
	[[ $argument != *BDF* ]] || __ltrim_colon_completions "$cur"
	[[ $argument != *FILE* ]] || _filedir
} &&
	complete -F _hookctl hookctl
