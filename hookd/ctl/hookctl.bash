# bash completion for hookctl                                    -*- shell-script -*-
# SPDX-License-Identifier: LGPL-2.1-or-later

_hookctl() {
	local cur words cword verb='' i
	# shellcheck disable=SC2034 # _init_completion sets it
	local prev
	_init_completion -n = || return
	for ((i = 1; i < cword; i++)); do
		if [[ ${words[i]} != -* ]]; then
			verb=${words[i]}
			break
		fi
	done
	case $cur in
	--domain-xml=* | --host=* | --profile=* | --shim=* | --socket=*)
		cur=${cur#*=}
		_filedir
		return
		;;
	--root=*)
		cur=${cur#*=}
		_filedir -d
		return
		;;
	-*)
		local options='--help'
		case $verb in
		'') options+=' --version' ;;
		enable) options+=' --root= --shim=' ;;
		disable) options+=' --root= --force --socket=' ;;
		status) options+=' --raw --socket=' ;;
		plan) options+=' --domain-xml= --host= --profile= --socket=' ;;
		devices) options+=' --host= --json --tree' ;;
		holders) options+=' --host= --json' ;;
		capture) options+='' ;;
		release) options+=' --socket=' ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		return
		;;
	esac
	case $verb in
	'') mapfile -t COMPREPLY < <(compgen -W 'enable disable status plan devices holders capture release' -- "$cur") ;;
	plan) mapfile -t COMPREPLY < <(compgen -W "$(virsh --readonly --quiet list --all --name 2>/dev/null)" -- "$cur") ;;
	holders) mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/bus/pci/devices && printf '%s ' *)" -- "${cur//\\:/:}") && __ltrim_colon_completions "$cur" ;;
	release)
		mapfile -t COMPREPLY < <(compgen -W "$(hookctl status --raw 2>/dev/null |
			sed -n 's/^guest\tdomain=\([^\t]*\).*/\1/p')" -- "$cur")
		;;
	esac
} &&
	complete -F _hookctl hookctl
