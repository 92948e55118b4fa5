# shellcheck shell=bash disable=SC1091,SC2016
# Topology devices: the kernel's own sample of a mediated device, mtty, which hands out serial ports (24 of them; mtty-1
# takes one, mtty-2 two), given to a real guest.
. /lab/guest/hookd.sh

uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
second=83b8f4f2-509f-382f-3c1e-e6bfe0fa1002
mdevs=/sys/bus/mdev/devices
types=/sys/class/mdev_bus/mtty/mdev_supported_types
if ! modinfo -n mtty >/dev/null 2>&1; then
	case_begin 'a mediated device'
	not_run 'for the sample module mtty, which the lab builds where apt knows linux-source'
	exit
fi
cleanup() {
	mdevs_clear
	bounded 20 modprobe -r mtty
}
# type_of UUID: its type, none
type_of() {
	local link
	link=$(readlink "$mdevs/$1/mdev_type") || link=none
	printf '%s\n' "${link##*/}"
}
hookd_up vm1 vm2
for name in vm1 vm2; do
	profile "$name" <<'INI'
[MediatedDevice]
Type=mtty-2
INI
done
guest_define vm1 firmware=yes "$uuid"
guest_define vm2 "$second"
guest_xml vm1
guest_xml vm2

case_begin 'a mediated device: the module loaded, made, given to a guest; hookd restarted, QEMU killed: removed'
save_state before
expect 'mtty' "$(ls -d /sys/module/mtty 2>&1)" '*No such*'
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
expect 'the device' "$(type_of "$uuid")" mtty-2
check 'the guest sees it' wait_for 'guest_sees vm1 4348:3253 >/dev/null' 30 # mtty's ids
expect 'the types' "$(hookctl devices | grep 'mtty-2, ')" '*mtty-2, 11 free*'
bounded 30 systemctl restart hookd
check 'hookd is back' wait_for 'hookctl status >/dev/null 2>&1' 20
expect 'the device' "$(type_of "$uuid")" mtty-2
kill -9 "$(guest_pid vm1)"
check 'it goes' wait_for '[[ $(type_of "$uuid") == none ]]' 60
expect_no_txn
expect_state before 60

case_begin 'two guests, one parent: each its own, each removed with its guest'
prepared vm1 vm2
hook_end vm1
expect "vm1's has gone" "$(type_of "$uuid")" none
expect "vm2's stays" "$(type_of "$second")" mtty-2
hook_end vm2
expect_no_txn
expect_state before 60

case_begin 'one that was there is used and stays, whatever its type'
printf '%s\n' "$uuid" >$types/mtty-1/create
save_state adopted
prepared vm1
hook_end vm1
expect_no_txn
expect 'the device' "$(type_of "$uuid")" mtty-1
expect_state adopted 60
printf '1\n' >$mdevs/$uuid/remove

case_begin 'no instance is free, a type that nobody has: refused before anything is done'
for n in {10..21}; do
	printf '83b8f4f2-509f-382f-3c1e-e6bfe0fa20%s\n' "$n" >$types/mtty-2/create
done
expect_hook_refused vm1 'no instance of the mediated device type mtty-2 is free'
mdevs_clear
profile vm1 <<'INI'
[MediatedDevice]
Parent=mtty
Type=mtty-9
INI
expect_hook_refused vm1 'offered are: mtty-1, mtty-2'
expect_state before 60
