# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases about what never returns: sourced by them, instead of hookd.sh.
. /lab/guest/hookd.sh

if [[ $LAB_HOME != nvidia || ! -e /sys/module/fakegpu_id/parameters/hang_del ]]; then
	case_begin 'hangs'
	not_run 'for the nvidia modules'
	exit
fi

hookd_up vm1 vm2
guest_define vm1
guest_define vm2
guest_define plain -
for name in vm1 vm2; do
	virsh -q dumpxml "$name" >"$LAB_STATE/$name.xml"
done
save_state before
journald=$(systemctl show -P MainPID systemd-journald)
cleanup() {
	kill -CONT "$journald"
	module_options nvidia
	bounded 30 systemctl start display-manager.service
}

# hook NAME OP SUB: the real shim, as libvirt calls it; what it said is in $LAB_STATE/hook, how long it took in TOOK (ms). This
# shell is its parent: the libvirtd that lives on.
hook() {
	local start pid rc=124
	start=$(now_ms)
	/etc/libvirt/hooks/qemu "$1" "$2" "$3" - <"$LAB_STATE/$1.xml" >"$LAB_STATE/hook" 2>&1 &
	pid=$!
	if wait_for "! running $pid" 90; then
		wait "$pid"
		rc=$?
	else
		kill -9 "$pid"
	fi
	TOOK=$(($(now_ms) - start))
	return "$rc"
}

hook_said() {
	cat "$LAB_STATE/hook"
}

# timed COMMAND...: TOOK
timed() {
	local start rc=0
	start=$(now_ms)
	bounded $((30 + ${DEADLINE:-0})) "$@" >/dev/null 2>&1 || rc=$?
	TOOK=$(($(now_ms) - start))
	return "$rc"
}

# within MS WHAT: TOOK is at most that, on a machine that is not slowed down by others
within() {
	check "$2 took $TOOK ms, at most $(($1 * SLOW))" eval "((TOOK <= $1 * SLOW))"
}

restarts() {
	systemctl show -P NRestarts hookd.service
}

# The host as long as a card is stuck: nobody else waits.
expect_unimpaired() {
	timed virsh list	# libvirtd ends when it has nothing to do, and starts again
	check 'virsh list answers' timed virsh list --all
	within 3000 'it'
	check 'virsh dominfo answers' timed virsh dominfo vm1
	check 'hookctl status answers' timed hookctl status
	within 1000 'it'
	check 'systemctl status hookd answers' timed systemctl status hookd.service
	expect 'hookd' "$(systemctl is-active hookd.service)" active
	expect 'restarts of hookd' "$(restarts)" "$RESTARTS"
}

# The card is stuck at this step, with a function of the kernel in the stack: the next starts are refused at once.
expect_stuck() {
	local step=$1 frame=$2 name
	for name in vm1 vm2; do
		hook "$name" prepare begin
		expect "another prepare of $name" $? 1
		within 2000 'it'
		expect 'it says' "$(hook_said)" \
			"hookd: 0000:01:00.* is stuck since 20*, by the guest vm1: step $step, *process * waits in *$frame*only a reboot helps*"
	done
	hookctl status >"$LAB_STATE/status"
	expect 'hookctl status' "$(tr -s '\n ' ' ' <"$LAB_STATE/status")" "*vm1 *stuck since *step $step*process * waits in *$frame*"
}

# prepare_hangs STEP FRAME: prepare of vm1 is refused at the deadline
prepare_hangs() {
	RESTARTS=$(restarts)
	hook vm1 prepare begin
	expect 'prepare' $? 1
	check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 4000 * SLOW))"
	expect 'it says' "$(hook_said)" "*step $1, *process * waits in *$2*The card is stuck*"
	hook vm1 stopped end
	hook vm1 release end
	within 2000 'release of the guest that did not start'
	expect_stuck "$1" "$2"
	expect_unimpaired
}

# The kernel has let go: without a person, everything is as it was.
expect_goes_back() {
	expect_no_txn
	expect_before
	check 'the journal has the end of the story' wait_for '(($(audited HOOKD_RESULT=released) >= 1))' 15
}

expect_audited_stuck() {
	check 'and that the card was stuck' eval '(($(audited HOOKD_RESULT=stuck) >= 1))'
}

# journald does not read, and its queue is full. One sender may have only so much under way, so it takes several until the
# next one's first line waits.
journald_stop() {
	local i
	kill -STOP "$journald"
	for i in {1..20}; do
		bounded 2 bash -c 'seq 500 | logger -d -u /run/systemd/journal/socket'
		bounded 4 logger -d -u /run/systemd/journal/socket full || return 0
	done
	not_ok "journald's queue is full"
}

# With what the deadlines must be set to on this machine
case_begin 'a round by the shim alone'
hook vm1 prepare begin
expect 'prepare' $? 0
SLOW=$((TOOK / 3000 + 1))
DEADLINE=$((TOOK / 1000 + 3 * SLOW + 1))
hook vm1 release end
expect 'release' $? 0
expect_no_txn
expect_before
note "deadline $DEADLINE s, times are allowed to be $SLOW times as long"
short="[Transaction]
StartTimeoutSec=$DEADLINE
RollbackTimeoutSec=$((10 * SLOW))
"
profile vm1 <<<"$short"
profile vm2 <<<"$short"
RESTARTS=$(restarts)
