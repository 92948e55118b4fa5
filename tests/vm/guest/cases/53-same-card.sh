# shellcheck shell=bash disable=SC1091,SC2016
# Two guests and one card, started at the same moment: one gets it, the other is told who has it.
. /lab/guest/hookd.sh

ROUNDS=${LAB_RACES:-50}
declare -A won=([vm1]=0 [vm2]=0)

# race RC1 RC2: WINNER and LOSER by the exit status of each; 1: both or none
race() {
	WINNER='' LOSER=''
	if (($1 == 0 && $2 != 0)); then
		WINNER=vm1 LOSER=vm2
	elif (($1 != 0 && $2 == 0)); then
		WINNER=vm2 LOSER=vm1
	else
		not_ok "round $n: one of two starts" "exit status of vm1: $1, of vm2: $2" "$(hook_said vm1)" "$(hook_said vm2)"
		return 1
	fi
	((++won[$WINNER]))
}

hookd_up vm1 vm2
guest_define vm1
guest_define vm2
guest_xml vm1
guest_xml vm2

case_begin 'two guests, one card, both started by virsh at the same moment'
save_state before
for n in 1 2; do
	virsh -q start vm1 >"$LAB_STATE/vm1.said" 2>&1 &
	one=$!
	virsh -q start vm2 >"$LAB_STATE/vm2.said" 2>&1 &
	two=$!
	check 'both have their answer' wait_for "! running $one && ! running $two" 120
	wait "$one"
	rc=$?
	wait "$two"
	if race "$rc" "$?"; then
		expect "what virsh says of $LOSER" "$(hook_said "$LOSER")" "*${LAB_CARDS%% *}.0 is in use by the guest $WINNER*"
		expect "$WINNER" "$(virsh domstate "$WINNER")" running*
		expect "$LOSER" "$(virsh domstate "$LOSER")" 'shut off*'
		expect_drivers vfio-pci vfio-pci
		expect 'open transactions' "$(txn_count)" 1
	fi
	for name in vm1 vm2; do
		[[ $(virsh domstate "$name") != running* ]] || check "$name is destroyed" guest_destroy "$name" 120
	done
	expect_no_txn
	expect_before
done
note "vm1 won ${won[vm1]}, vm2 won ${won[vm2]}"

# One card by hand to vfio-pci, as somebody may have it from boot on.
to_vfio() {
	local f
	modprobe vfio-pci
	modprobe -r nvidia_drm nvidia_uvm nvidia_modeset nvidia
	for f in $(functions_of); do
		write_bounded vfio-pci "/sys/bus/pci/devices/$f/driver_override"
		[[ $(driver_of "$f") == none ]] || write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
		write_bounded "$f" /sys/bus/pci/drivers_probe
	done
}

from_vfio() {
	local f
	for f in $(functions_of); do
		write_bounded '' "/sys/bus/pci/devices/$f/driver_override"
		write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
		modprobe nvidia
		write_bounded "$f" /sys/bus/pci/drivers_probe
	done
	modprobe -r nvidia_drm # it serves the cards that are there
	modprobe -a nvidia-uvm nvidia-drm
}

# Most of the races without a desktop and without a reset, which have no part in them; every one after the tenth with the
# card on vfio-pci already: who has it is decided before any driver is moved.
case_begin "the same with libvirt's XML through the shim, $ROUNDS times"
bounded 60 systemctl stop display-manager.service
profile vm1 <<<$'[Reset]\nMethod=none'
profile vm2 <<<$'[Reset]\nMethod=none'
wait_for '! fuser -s /dev/dri/card*' 10
save_state idle
won=([vm1]=0 [vm2]=0)
both_or_none=0 unnamed=0 touched=0 differs=0
begun=$(now_ms)
for ((n = 1; n <= ROUNDS; n++)); do
	if ((n == 11)); then
		note "the first ten, drivers and all, took $((($(now_ms) - begun) / 1000)) s"
		check 'the card to vfio-pci' to_vfio
		expect_drivers vfio-pci vfio-pci
		save_state idle
	fi
	# whoever is begun first has a little more of a chance
	if ((n % 2)); then
		hook_begin vm1 prepare
		one=$HOOK
		hook_begin vm2 prepare
		two=$HOOK
	else
		hook_begin vm2 prepare
		two=$HOOK
		hook_begin vm1 prepare
		one=$HOOK
	fi
	wait "$one"
	rc=$?
	wait "$two"
	if race "$rc" "$?"; then
		[[ $(hook_said "$LOSER") == *"in use by the guest $WINNER"* ]] ||
			{ ((++unnamed)) && not_ok "round $n: the refusal names $WINNER" "$(hook_said "$LOSER")"; }
		hook_end "$LOSER"
		[[ "$(driver_of "${LAB_CARDS%% *}.0") $(driver_of "${LAB_CARDS%% *}.1") $(txn_count)" == 'vfio-pci vfio-pci 1' ]] ||
			{ ((++touched)) && not_ok "round $n: $WINNER keeps its card"; }
		hook_end "$WINNER"
	else
		((++both_or_none))
		hook_end vm1
		hook_end vm2
	fi
	if ! wait_for 'state_equals idle' 10; then
		((++differs))
		not_ok "round $n: the host is as it was" "$(grep '^[-+][^-+]' "$LAB_STATE/idle.diff")"
	fi
done
note "$ROUNDS races in $((($(now_ms) - begun) / 1000)) s: vm1 won ${won[vm1]}, vm2 won ${won[vm2]}"
expect 'both or none started' "$both_or_none" 0
expect 'refusals without the name of the other' "$unnamed" 0
expect 'cards touched by the refused one' "$touched" 0
expect 'rounds with a host that differs' "$differs" 0
: >/etc/hookd/profiles/vm1.ini
: >/etc/hookd/profiles/vm2.ini
((ROUNDS <= 10)) || from_vfio
bounded 60 systemctl start display-manager.service
expect_before

# As somebody changes from one guest to the other: the card is neither here nor there, and then not even on the bus.
case_begin 'a guest that starts while the other one is giving the card back waits for it'
hook vm1 prepare || not_ok 'vm1 is prepared' "$(hook_said vm1)"
hook vm1 stopped
hook_begin vm1 release
one=$HOOK
check 'vm1 is giving it back' wait_for 'grep -qs " undo " /run/hookd-txn/*/log' 20
check 'vm2 is prepared' hook vm2 prepare || hook_said vm2
check 'vm1 had its answer before' eval '! running $one'
expect_drivers vfio-pci vfio-pci
expect 'the display manager' "$(systemctl is-active display-manager)" inactive
expect 'nvidia modules left' "$(grep -c ^nvidia /proc/modules)" 0
hook_end vm2
expect_no_txn
expect_before
