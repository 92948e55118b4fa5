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
guest_define vm1 "$uuid"
guest_define vm2 "$second"

case_begin 'a mediated device: the module loaded, made, given to a guest, removed'
save_state before
expect 'mtty' "$(ls -d /sys/module/mtty 2>&1)" '*No such*'
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
expect 'the device' "$(type_of "$uuid")" mtty-2
expect 'what the guest sees' "$(guest_sees vm1 4348:3253)" '*4348:3253*' # mtty's ids
expect 'the types' "$(hookctl devices | grep 'mtty-2')" '*mtty-2, 11 free*'
check 'vm1 is destroyed' guest_destroy vm1 120 || virsh_said | sed 's/^/      /'
expect_no_txn
expect 'the device' "$(type_of "$uuid")" none
expect_state before 60

case_begin 'two guests, one parent: each its own, each removed with its guest'
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
check 'vm2 starts' guest_start vm2 120 || virsh_said | sed 's/^/      /'
check 'vm1 is destroyed' guest_destroy vm1 120
check "vm1's goes" wait_for '[[ $(type_of "$uuid") == none ]]' 30
expect "vm2's stays" "$(type_of "$second")" mtty-2
check 'vm2 is destroyed' guest_destroy vm2 120
expect_no_txn
expect_state before 60

case_begin 'one that was there is used and stays, whatever its type'
printf '%s\n' "$uuid" >$types/mtty-1/create
save_state before
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
expect 'the device' "$(type_of "$uuid")" mtty-1
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect 'the device' "$(type_of "$uuid")" mtty-1
expect_state before 60
printf '1\n' >$mdevs/$uuid/remove

case_begin 'no instance is free: refused before anything is done'
for n in {10..21}; do
	printf '83b8f4f2-509f-382f-3c1e-e6bfe0fa20%s\n' "$n" >$types/mtty-2/create
done
save_state before
expect_refused vm1 'no instance of the mediated device type mtty-2 is free'
mdevs_clear

case_begin 'a type that nobody has'
profile vm1 <<'INI'
[MediatedDevice]
Type=mtty-9
INI
save_state before
expect_refused vm1 'offered are: mtty-1, mtty-2'

case_begin 'hookd restarted under the guest, QEMU killed: kept, then removed'
profile vm1 <<'INI'
[MediatedDevice]
Parent=mtty
Type=mtty-1
INI
save_state before
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
bounded 30 systemctl restart hookd
check 'hookd is back' wait_for 'hookctl status >/dev/null 2>&1' 20
expect 'the device' "$(type_of "$uuid")" mtty-1
kill -9 "$(guest_pid vm1)"
check 'it goes' wait_for '[[ $(type_of "$uuid") == none ]]' 60
expect_no_txn
expect_state before 60
