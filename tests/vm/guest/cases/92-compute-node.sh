# shellcheck shell=bash disable=SC1091,SC2016
# A compute node: libvirtd in a container, hookd on the host, two cards of one model on vfio-pci since boot, one profile for all
# instances. Topology node.
. /lab/guest/hookd.sh
. /lab/guest/container.sh

# shellcheck disable=SC2206  # a list
cards=($LAB_CARDS)
a=instance-0000001a b=instance-0000001b c=instance-0000001c
port=0000:00:04.0 # above the second card

# To vfio-pci by driver_override, as driverctl does it at boot, which no kernel keeps over remove and rescan.
cards_to_vfio() {
	local f
	bounded 30 systemctl stop nvidia-persistenced.service
	bounded 30 modprobe -r nvidia-uvm nvidia-drm nvidia
	modprobe vfio-pci
	for f in $(functions_of); do
		write_bounded vfio-pci "/sys/bus/pci/devices/$f/driver_override"
		[[ $(driver_of "$f") == none ]] || write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
		write_bounded "$f" /sys/bus/pci/drivers_probe
	done
}

cleanup() {
	setpci -s "$port" SECONDARY_BUS="$bus"
	container_down
	lab_reset >/dev/null
}

# The cards are where they are since boot, and nobody has them.
expect_free() {
	local card
	for card in "${cards[@]}"; do
		expect_drivers vfio-pci vfio-pci "$card"
	done
	expect_no_txn
	expect_state before
}

# qemu_of NAME: its QEMU, as the host numbers it
qemu_of() {
	pgrep -f -- "-name guest=$1,"
}

# reset_of: what was reset since the case began
reset_of() {
	journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" -o cat --output-fields=HOOKD_TARGET HOOKD_STEP=reset |
		paste -sd' '
}

# hookd's own pid of the guest's QEMU
known() {
	hookctl status --raw | sed -n "s/^guest\tdomain=$1\t.*\tguest=\([0-9]*\).*/\1/p"
}

case_begin 'a compute node: libvirtd in a container, hookd on the host'
bus=$(setpci -s "$port" SECONDARY_BUS)
cards_to_vfio
check 'hookd listens' systemctl enable -q --now hookd.socket
mkdir -p "$CONTAINER_HOOKS"
check 'cp of the static shim' cp /usr/lib/hookd/hook-shim "$CONTAINER_HOOKS/qemu"
container_up
for ns in mnt pid net; do
	check "its own $ns namespace" test "$(readlink "/proc/$CONTAINER/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")"
done
profile compute-node <<<$'[Match]\nDomain=instance-*\nDevice=10de:28e0'
guest_define $a "${cards[0]}"
guest_define $b "${cards[1]}"
guest_define $c "${cards[0]}"
save_state before
bounded 240 virsh -q start $b >"$LAB_STATE/virsh.b" 2>&1 &
check 'both start at the same time' guest_start $a 240 || virsh_said
wait $! || not_ok "$b starts" "$(<"$LAB_STATE/virsh.b")"
expect "hookd knows $a's QEMU" "$(known $a)" "$(qemu_of $a)"
expect "hookd knows $b's QEMU" "$(known $b)" "$(qemu_of $b)"
expect 'steps of the starts' "$(journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" -o cat --output-fields=HOOKD_STEP |
	grep . | sort -u | paste -sd' ')" 'driver holders override power'
guest_start $c
expect "$c, which wants the same card" "$(virsh_said)" "*${cards[0]}.? is in use by the guest $a: shut that down first*"
check 'the same log in the container as on the host' diff <(in_container hookctl log -n all) <(hookctl log -n all)
check 'also as JSON' diff <(in_container hookctl log -n all --json $a) <(hookctl log -n all --json $a)
check 'and status' diff <(in_container hookctl status) <(hookctl status)
expect 'hookctl doctor' "$(hookctl doctor --all | tr -s ' \n' '  ' | grep -o 'libvirt in a container (process [0-9]*) .\{18\}')" \
	"libvirt in a container (process $(container_libvirtd)) has hookd's hook*"
check "$a stops" guest_destroy $a 240 || virsh_said
expect 'only its card was reset' "$(reset_of)" "${cards[0]}.0"
check "$b runs" running "$(qemu_of $b)"

case_begin 'hookd is restarted, the container loses libvirtd, the instance ends: its card comes back'
check 'hookd.socket restarted' bounded 60 systemctl restart hookd.socket hookd.service
check 'the folder in the container is still the one' eval 'in_container hookctl status >/dev/null'
touch "/proc/$CONTAINER/root/run/no-libvirtd"
kill -9 "$(container_libvirtd)"
check "nothing happens while $b runs" eval '! wait_for no_txn 12'
kill -9 "$(qemu_of $b)"
since=$(now_ms)
check 'its card is given back' wait_for no_txn 60
note "after $(($(now_ms) - since)) ms"
expect 'only its card was reset' "$(reset_of)" "${cards[1]}.0"
rm "/proc/$CONTAINER/root/run/no-libvirtd"
check 'libvirtd is back' wait_for container_libvirt_answers 60
expect_free

# On a kernel without reset_subordinate hookd chooses remove and rescan by itself. The vendor's driver is there and takes what
# appears.
case_begin 'a card that does not come back from its reset is stuck, and the next instance is refused with it'
profile compute-node <<<$'[Match]\nDomain=instance-*\nDevice=10de:28e0\n[Reset]\nMethod=remove-rescan\nTimeoutSec=8'
guest_define $c "${cards[1]}"
check 'the vendor driver is there' modprobe nvidia
save_state before
check "$b starts" guest_start $b 240 || virsh_said
# as if it had fallen off the bus with the end of QEMU: nothing answers there any more
mkdir -p "$CONTAINER_HOOKS/qemu.d"
printf '#!/bin/sh\n[ "$2" != stopped ] || setpci -s %s SECONDARY_BUS=20\n' "$port" >"$CONTAINER_HOOKS/qemu.d/10-fall"
chmod +x "$CONTAINER_HOOKS/qemu.d/10-fall"
check "$b stops" guest_destroy $b 240 || virsh_said
rm -r "$CONTAINER_HOOKS/qemu.d"
guest_start $c 120
expect "$c" "$(virsh_said)" "*${cards[1]}.0 is stuck, it was not given back completely by the guest $b: *has not come back*"
setpci -s "$port" SECONDARY_BUS="$bus"
check 'found again, it is given back' wait_for no_txn 90
check 'another driver had it for a moment' eval "journalctl -q -t hookd --since=@$((LAB_CASE_MS / 1000)) -o cat HOOKD_STEP=driver | grep -q -- 'nvidia -> vfio-pci'"
expect_free

# What happens without hookd, where such a hook is given: it removes the functions that are written in it, whose ever they are.
if [[ -e /lab/node-baseline ]]; then
	case_begin 'a bash hook takes the card of one instance when another one ends, and virsh hangs with it'
	install -m 755 /lab/node-baseline "$CONTAINER_HOOKS/qemu"
	mkdir -p "/proc/$CONTAINER/root/var/log/libvirt"
	check "$a starts" guest_start $a 240 || virsh_said
	check "$b starts" guest_start $b 240 || virsh_said
	guest_destroy $b 60
	expect "virsh destroy $b within 60 s" $? 124
	check "$a runs" running "$(qemu_of $a)"
	expect "the drivers of its card" "$(driver_of "${cards[0]}.0") $(driver_of "${cards[0]}.1")" '@(none|absent) *'
	note "the other card was not reset: $(<"/proc/$CONTAINER/root/var/log/libvirt/gpu-reset.log")"
	kill -9 "$(qemu_of $a)"
	wait_for '[[ $(driver_of "${cards[0]}.0") == vfio-pci ]]' 20
	note "after the end of $a: $(driver_of "${cards[0]}.0") $(driver_of "${cards[0]}.1")"
fi
