# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases that look at hookctl's verbs: sourced by them, on top of hookd.sh.

AS=()   # what hookctl is run under
SAID=   # what it said last, with every run of blanks and newlines as one blank: columns wrap sentences

# As it is after an install: nothing of hookd is switched on.
hookd_fresh() {
	bounded 30 systemctl disable -q --now hookd.socket
	bounded 30 systemctl stop hookd.service
	rm -rf /etc/hookd/profiles/* /run/hookd-txn/* # the last failures, too
	libvirt_up # it ends by itself when nobody has asked it anything for two minutes
}

as_nobody() {
	AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"$@"
	AS=()
}

# ctl STATUS PATTERN VERB...: hookctl's exit status, and what it says (a bash pattern); as it said it in $LAB_STATE/ctl
ctl() {
	local wanted=$1 pattern=$2 rc=0
	shift 2
	bounded 60 "${AS[@]}" hookctl "$@" >"$LAB_STATE/ctl" 2>&1 || rc=$?
	SAID=$(tr -s ' \n' '  ' <"$LAB_STATE/ctl")
	# shellcheck disable=SC2053  # a pattern
	if [[ $rc -eq $wanted && $SAID == $pattern ]]; then
		ok "hookctl $*: $rc"
	else
		not_ok "hookctl $*" "exit status $rc, expected $wanted and $pattern" "$(<"$LAB_STATE/ctl")"
	fi
	if [[ " $* " != *' --json '* && $1 != capture && -n $(awk 'length > 80' "$LAB_STATE/ctl") ]]; then
		not_ok "hookctl $*: fits 80 columns" "$(awk 'length > 80' "$LAB_STATE/ctl")"
	fi
}

# ctl_json STATUS VERB...: the output is JSON, as far as brackets can tell
ctl_json() {
	local wanted=$1 text
	shift
	ctl "$wanted" '[[{]*[]}] ' "$@" --json
	text=$(sed 's/\\.//g; s/"[^"]*"//g' "$LAB_STATE/ctl" | tr -d '[:space:]')
	expect "  its brackets" "$(tr -cd '[{' <<<"$text" | wc -c)" "$(tr -cd ']}' <<<"$text" | wc -c)"
}

# json KEY: the values of that key in what hookctl said, a line each, strings without their quotes
json() {
	sed -n "s/^ *\"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" "$LAB_STATE/ctl" | sed 's/^"\(.*\)"$/\1/'
}

# plan_lines [FILE]: a plan as hookctl prints it, from the standard input or a file: one line a target, without the reasons
plan_lines() {
	awk 'function out() { sub(/: [a-z].*/, "", line); if (line) print line; line = "" }
		/^          / { sub(/^ +/, " "); line = line $0; next }
		{ out(); line = $0; gsub(/  +/, " ", line) }
		END { out() }' "$@" | grep '^ '
}

# audit_targets EVENT: the steps that were taken since the case began, as "STEP TARGET", in their order
audit_targets() {
	journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" -o json --output-fields=HOOKD_STEP,HOOKD_TARGET \
		"HOOKD_EVENT=$1" | awk '
			function value(name,   s) { s = $0; if (!sub(".*\"" name "\":\"", "", s)) return ""; sub("\".*", "", s); return s }
			value("HOOKD_STEP") != "" { print value("HOOKD_STEP"), value("HOOKD_TARGET") }'
}

# expect_as_planned PLAN: the start since the case began took the steps that PLAN (of plan_lines) has for it, in that order
expect_as_planned() {
	local planned did i same=1
	mapfile -t planned < <(grep -v 'on the way back$' "$1")
	mapfile -t did < <(audit_targets prepare/begin)
	for i in "${!planned[@]}"; do
		[[ ${planned[i]} == " ${did[i]-nothing} "* ]] || same=0
	done
	if ((same && ${#planned[@]} > 0 && ${#planned[@]} == ${#did[@]})); then
		ok "the start took the ${#did[@]} steps that were planned, in that order"
	else
		not_ok 'the start took the steps that were planned' "$(diff <(printf '%s\n' "${planned[@]}") <(printf ' %s\n' "${did[@]}"))"
	fi
}
