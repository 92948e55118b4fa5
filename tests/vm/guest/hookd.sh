# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases that need hookd in the VM: sourced by them, on top of lib.sh.

if ! command -v hookctl >/dev/null; then
	case_begin "hookd"
	not_run 'hookd is not in this VM (lab run --inst DESTDIR)'
	exit
fi

# lightdm does not always end at SIGTERM, and then systemd kills it: it is down all the same.
DM_DOWN='@(inactive|failed)'

# hookd_up NAME...: the hook installed, the socket listening, an empty profile for each guest
hookd_up() {
	local name
	for name in "$@"; do
		: >"/etc/hookd/profiles/$name.ini"
	done
	check 'hookctl enable' said hookctl enable
	wait_for 'virsh version >/dev/null 2>&1' 30
	check 'the socket listens' wait_for '[[ -S /run/hookd/hookd.sock ]]' 5
}

# said COMMAND...: its exit status; what it said is in $LAB_STATE/said, and printed when it fails
said() {
	local rc=0
	bounded 60 "$@" >"$LAB_STATE/said" 2>&1 || rc=$?
	((rc == 0)) || sed 's/^/      /' "$LAB_STATE/said"
	return "$rc"
}

# profile NAME <<INI
profile() {
	cat >"/etc/hookd/profiles/$1.ini"
}

# No transaction is open.
no_txn() {
	[[ -z $(find /run/hookd-txn -mindepth 1 -maxdepth 1 -type d -name '*-*-*-*-*' 2>/dev/null) ]]
}

expect_no_txn() {
	check 'no transaction is open' wait_for no_txn 30
}

# The host is as saved in "before", and the greeter stands on the screen again. (A greeter that is thrown out while its
# session begins leaves a failed session scope in systemd; a person would not start the next guest before it is there.)
expect_before() {
	if [[ $(systemctl is-active display-manager) != inactive ]]; then
		check 'the greeter is there' wait_for greeter_up 60
	fi
	expect_state before 60
}

# The start is refused, virsh shows the sentence, the host is as it was.
expect_refused() {
	local name=$1 text=$2 before
	before=$(date +%s)
	guest_start "$name"
	expect "virsh start $name" $? 1
	expect 'what virsh says' "$(virsh_said)" "*$text*"
	expect 'the guest' "$(virsh domstate "$name" 2>&1)" 'shut off*'
	[[ $(virsh domstate "$name" 2>&1) == shut* ]] || guest_destroy "$name" # the cases after this one want a chance
	expect_no_txn
	expect_before
	check 'the journal has it' wait_for "journalctl -q -t hookd --since=@$before HOOKD_RESULT=refused -n 1 --no-pager | grep -q ." 5
}

# A whole round; the host is as before it.
expect_round() {
	local name=$1
	check "$name starts" guest_start "$name" 120 || virsh_said | sed 's/^/      /'
	expect_drivers vfio-pci vfio-pci
	expect 'the display manager' "$(systemctl is-active display-manager)" "${2:-$DM_DOWN}"
	check "$name is destroyed" guest_destroy "$name" 120 || virsh_said | sed 's/^/      /'
	expect_no_txn
	expect_before
}

# What the audit says of a case: how many entries match.
audited() {
	journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" "$@" | grep -c .
}

# figures EVENT MESSAGE: what the hand-over took by the audit since the case began, in all and outside of the steps, whose
# time is the kernel's and systemd's
figures() {
	journalctl -q -t hookd --since="@$((LAB_CASE_MS / 1000))" -o json --output-fields=HOOKD_EVENT,HOOKD_STEP,HOOKD_RESULT,HOOKD_DURATION_USEC |
		awk -v event="$1" -v result="$2" '
			function value(name,   s) { s = $0; if (!sub(".*\"" name "\":\"", "", s)) return ""; sub("\".*", "", s); return s }
			value("HOOKD_EVENT") != event { next }
			value("HOOKD_STEP") != "" { steps += value("HOOKD_DURATION_USEC"); next }
			value("HOOKD_RESULT") == result { total += value("HOOKD_DURATION_USEC") }
			END { printf "%s: %d ms, of which outside of the steps %d ms\n", event, total / 1000, (total - steps) / 1000 }'
}

# ---- the shim by hand: most rounds need no QEMU ----------------------------------------------------------------------

# guest_xml NAME: libvirt's own XML of the guest, for hook
guest_xml() {
	virsh -q dumpxml "$1" >"$LAB_STATE/$1.xml"
}

# hook NAME OP: the hook as libvirt calls it; its exit status, what it said is in $LAB_STATE/NAME.said. The case's shell is
# the caller whose life the transaction hangs on, so not in a subshell.
hook() {
	local subop=begin
	[[ $2 != stopped && $2 != release ]] || subop=end
	/etc/libvirt/hooks/qemu "$1" "$2" "$subop" - <"$LAB_STATE/$1.xml" >/dev/null 2>"$LAB_STATE/$1.said"
}

# hook_begin NAME OP: the same in the background; HOOK is its pid
hook_begin() {
	local subop=begin
	[[ $2 != stopped && $2 != release ]] || subop=end
	/etc/libvirt/hooks/qemu "$1" "$2" "$subop" - <"$LAB_STATE/$1.xml" >/dev/null 2>"$LAB_STATE/$1.said" &
	# shellcheck disable=SC2034  # for the case
	HOOK=$!
}

# What libvirt does when the guest has gone, or was refused.
hook_end() {
	hook "$1" stopped
	hook "$1" release
}

hook_said() {
	cat "$LAB_STATE/$1.said"
}

# The start is refused with this sentence, and nothing is left of it.
expect_hook_refused() {
	hook "$1" prepare
	expect "prepare of $1" $? 1
	expect 'what the hook says' "$(hook_said "$1")" "*$2*"
	hook_end "$1"
	expect_no_txn
}

# prepared NAME...: each is ready for its guest
prepared() {
	local name
	for name in "$@"; do
		check "$name is prepared" hook "$name" prepare || hook_said "$name" | sed 's/^/      /'
	done
}

# The guests with an open transaction, by hookd's own record.
txn_count() {
	find /run/hookd-txn -mindepth 1 -maxdepth 1 -type d -name '*-*-*-*-*' 2>/dev/null | grep -c .
}

# audit_order FIELD=VALUE...: the guests of the matching entries since the case began, in the order of the audit
audit_order() {
	journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" -o cat --output-fields=HOOKD_DOMAIN "$@" | paste -sd' '
}
