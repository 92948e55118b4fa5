# shellcheck shell=bash disable=SC1091,SC2016
# Kernel calls that never return, units and sessions that never end: the caller is refused at the deadline, nothing else
# waits with it, and when the kernel lets go everything goes back by itself.
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
}

# hook NAME OP SUB: the real shim, as libvirt calls it; what it said is in $LAB_STATE/hook, how long it took in TOOK (ms)
hook() {
	local start rc=0
	start=$(now_ms)
	bounded 90 bash -c '/etc/libvirt/hooks/qemu "$1" "$2" "$3" - <"$4" >"$5" 2>&1' _ "$1" "$2" "$3" "$LAB_STATE/$1.xml" \
		"$LAB_STATE/hook" || rc=$?
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
	bounded 30 "$@" >/dev/null 2>&1 || rc=$?
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

case_begin 'a module that is unloaded never returns from remove(), and journald hangs with it'
knob warn 1
knob hang_remove 1
prepare_hangs module 'nv_remove *'
check 'journald hangs' wait_for '[[ $(cat /proc/$journald/wchan) != *poll* && $(awk "{print \$3}" /proc/$journald/stat) == D ]]' 5
timed systemctl restart hookd.service
within 3000 'systemctl restart hookd'
RESTARTS=$(restarts)
expect_stuck module 'nv_remove *'
expect_unimpaired
check 'another guest starts' guest_start plain
check 'and ends' guest_destroy plain
check 'journald still hangs' eval '[[ $(awk "{print \$3}" /proc/$journald/stat) == D ]]'
knob hang_remove 0
expect_goes_back
expect_audited_stuck
expect 'journald is the same' "$(systemctl show -P MainPID systemd-journald)" "$journald"

# From here on without the desktop, which takes most of the time.
bounded 30 systemctl stop display-manager.service
save_state before

case_begin 'a start by libvirt, and unbind never returns'
RESTARTS=$(restarts)
profile vm1 <<<"$short"$'[Module]\nNames=nvidia_drm nvidia_modeset nvidia_uvm'
knob hang_remove 1
timed virsh -q start vm1
expect 'virsh start vm1' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 6000 * SLOW))"
expect_stuck driver 'nv_remove *'
expect_unimpaired
knob hang_remove 0
expect_goes_back
expect_audited_stuck
profile vm1 <<<"$short"

case_begin 'a module exit never returns'
knob hang_exit 1
prepare_hangs module 'cleanup_module *'
knob hang_exit 0
expect_goes_back

case_begin 'a sound device that is held open refuses the start before anything hangs'
profile vm1 <<<"$short"$'[Holders]\nTimeoutSec=1'
hold /dev/snd/controlC0
hook vm1 prepare begin
expect 'prepare' $? 1
expect 'it says' "$(hook_said)" "*in use: holder (pid $HOLDER*/dev/snd/controlC0*"
holders_stop
expect_no_txn
expect_before
profile vm1 <<<"$short"

case_begin 'a sound device that is open and no search shows it: unbind never returns'
hold --hidden /dev/snd/controlC0
prepare_hangs driver snd_
holders_stop
expect_goes_back

case_begin 'after a guest: a probe never returns'
RESTARTS=$(restarts)
hook vm1 prepare begin
expect 'prepare' $? 0
module_options nvidia hang_probe=1
profile vm1 <<<"$short"$'StopTimeoutSec='"$DEADLINE"
hook vm1 release end
expect 'release' $? 1
expect_stuck driver nv_probe
expect_unimpaired
module_options nvidia
knob hang_probe 0
expect_goes_back
profile vm1 <<<"$short"

case_begin 'after a guest: removing it from the bus never returns'
RESTARTS=$(restarts)
profile vm1 <<<"${short}StopTimeoutSec=$DEADLINE"$'\n[Reset]\nMethod=remove-rescan'
hook vm1 prepare begin
expect 'prepare' $? 0
knob hang_del 1
hook vm1 release end
expect 'release' $? 1
expect_stuck reset 'device_del *'
expect_unimpaired
knob hang_del 0
expect_goes_back
profile vm1 <<<"$short"

case_begin 'a unit that never stops'
printf '[Service]\nExecStart=/bin/bash -c "trap : TERM; while :; do sleep 1; done"\nTimeoutStopSec=infinity\n' \
	>/run/systemd/system/lab-endless.service
systemctl daemon-reload
systemctl start lab-endless
profile vm1 <<<"${short}[Services]"$'\nStopUnits=lab-endless.service'
hook vm1 prepare begin
expect 'prepare' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 14000 * SLOW))"
expect 'it says' "$(hook_said)" '*lab-endless.service did not stop in time*'
expect_unimpaired
systemctl kill -s KILL lab-endless
check 'it runs again' wait_for 'systemctl is-active -q lab-endless' 20
check 'no transaction is left' wait_for no_txn 60
systemctl kill -s KILL lab-endless
bounded 20 systemctl stop lab-endless
rm /run/systemd/system/lab-endless.service
systemctl daemon-reload
profile vm1 <<<"$short"

case_begin 'a session that never ends'
systemd-run -q --unit=lab-session -p PAMName=login -p User=root -p StandardInput=tty -p TTYPath=/dev/tty3 -p UtmpIdentifier=tty3 \
	-E XDG_SESSION_TYPE=wayland bash -c 'trap : TERM HUP; while :; do sleep 1; done'
check 'there is a session' wait_for 'loginctl list-sessions --no-legend | grep -q tty3' 20
profile vm1 <<<"$short"$'[Sessions]\nPolicy=terminate\nTimeoutSec=2'
hook vm1 prepare begin
expect 'prepare' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 4000 * SLOW))"
expect 'it says' "$(hook_said)" '*session*'
expect_unimpaired
systemctl kill -s KILL lab-session
bounded 20 systemctl stop lab-session
check 'the session is gone' wait_for '! loginctl list-sessions --no-legend | grep -q tty3' 20
systemctl reset-failed
expect_no_txn
profile vm1 <<<"$short"

case_begin 'journald does not read: nothing of ours waits, and every line comes later, in its place'
hook vm1 prepare begin
expect 'prepare' $? 0
kill -STOP "$journald"
bounded 5 bash -c 'seq 2000 | logger -d -u /run/systemd/journal/socket'	# its queue is full now
slowest=0
for i in {1..40}; do
	hook vm1 started "n$i"
	((TOOK < slowest)) || slowest=$TOOK
done
TOOK=$slowest
within 1000 'the slowest of 40 events'
check 'the lines are in the spool' eval '[[ $(stat -c %s /run/hookd-txn/spool) -gt 4000 ]]'
timed systemctl restart hookd.service
within 3000 'systemctl restart hookd'
hook vm1 release end
expect 'release' $? 0
kill -CONT "$journald"
check 'the spool is empty soon' wait_for '[[ ! -s /run/hookd-txn/spool ]]' 20
wait_for '(($(audited HOOKD_RESULT=released) >= 1))' 10
expect 'lines, in order' "$(journalctl -q -t hookd --since="@$((LAB_CASE_MS / 1000))" -o json --output-fields=HOOKD_EVENT |
	sed -n 's/.*"started.n\([0-9]*\)".*/\1/p' | paste -sd ' ')" "$(seq -s ' ' 40)"
expect_no_txn
expect_before

case_begin 'after all that the card is usable'
bounded 30 systemctl start display-manager.service
wait_for greeter_up 60
save_state before
expect_round vm1
