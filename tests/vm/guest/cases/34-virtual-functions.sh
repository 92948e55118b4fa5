# shellcheck shell=bash disable=SC1091,SC2016
# Topology devices: an NVMe controller with four virtual functions (SR-IOV) that are not there until a guest needs one.
. /lab/guest/hookd.sh

pf=0000:02:00.0 one=0000:02:00.1 two=0000:02:00.2
numvfs=/sys/bus/pci/devices/$pf/sriov_numvfs autoprobe=/sys/bus/pci/devices/$pf/sriov_drivers_autoprobe
if [[ ! -e $numvfs ]]; then
	case_begin 'virtual functions'
	not_run 'for a controller with SR-IOV (--topology devices)'
	exit
fi
cleanup() {
	write_bounded 0 $numvfs 30
	printf '1\n' >$autoprobe
}
vfs() {
	read_bounded $numvfs
}
hookd_up vm1 vm2 vm3
for name in vm1 vm2; do
	profile "$name" <<'INI'
[VirtualFunctions]
Count=2
INI
done
guest_define vm1 firmware=yes $one
guest_define vm2 $two
guest_define vm3 $pf
guest_xml vm1
guest_xml vm2
guest_xml vm3

case_begin 'a virtual function: made, given to a guest, taken away'
save_state before
expect 'functions' "$(vfs)" 0
check 'vm1 starts' guest_start vm1 120 || virsh_said | sed 's/^/      /'
expect 'functions' "$(vfs)" 2
expect 'the driver of the first' "$(driver_of $one)" vfio-pci
check 'the guest sees it' wait_for 'guest_sees vm1 1b36:0010 >/dev/null' 30 # QEMU's NVMe controller
check 'vm1 is destroyed' guest_destroy vm1 120 || virsh_said | sed 's/^/      /'
expect_no_txn
expect 'functions' "$(vfs)" 0
expect_state before 60

case_begin 'two guests, one controller, at the same time: the last one takes them away'
for first in vm1 vm2; do
	last=vm1
	[[ $first == vm2 ]] || last=vm2
	hook_begin vm1 prepare
	one_pid=$HOOK
	hook_begin vm2 prepare
	wait "$one_pid"
	expect 'vm1' $? 0
	wait "$HOOK"
	expect 'vm2' $? 0
	expect 'drivers' "$(driver_of $one) $(driver_of $two)" 'vfio-pci vfio-pci'
	hook_end $first
	expect "functions when $first has gone" "$(vfs)" 2
	hook_end $last
	expect "functions when $last has gone, too" "$(vfs)" 0
	expect_no_txn
done
expect_state before 60

case_begin 'those that were there are used and stay, on the driver they had'
printf '0\n' >$autoprobe
write_bounded 3 $numvfs 30
modprobe pci-stub
write_bounded pci-stub /sys/bus/pci/devices/$one/driver_override
write_bounded $one /sys/bus/pci/drivers_probe
expect 'the driver of the first' "$(driver_of $one)" pci-stub
save_state there
prepared vm1
expect 'the driver of the first' "$(driver_of $one)" vfio-pci
hook_end vm1
expect_no_txn
expect 'functions' "$(vfs)" 3
expect 'the driver of the first' "$(driver_of $one)" pci-stub
expect_state there 60

case_begin 'never made more, and not lost with the controller'
profile vm1 <<'INI'
[VirtualFunctions]
Count=4
INI
expect_hook_refused vm1 "$pf has 3 virtual functions already"
expect_hook_refused vm3 "$pf has 3 virtual functions, which would go with its driver"
expect 'functions' "$(vfs)" 3
write_bounded 0 $numvfs 30
printf '1\n' >$autoprobe

case_begin 'too many, and none asked for'
profile vm1 <<'INI'
[VirtualFunctions]
Count=5
INI
expect_hook_refused vm1 "$pf can have 4 virtual functions (sriov_totalvfs), not 5"
: >/etc/hookd/profiles/vm1.ini
expect_hook_refused vm1 'Count=1, or more, in [[]VirtualFunctions] of the profile makes it'
expect_state before 60
