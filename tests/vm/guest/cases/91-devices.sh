# shellcheck shell=bash disable=SC1091,SC2016
# Topology devices: a USB controller with a disk, an NVMe disk and a network card go the same way as a graphics card, and
# what the host lives on is refused.
. /lab/guest/hookd.sh

if [[ $LAB_TOPOLOGY != devices ]]; then
	case_begin 'devices beside the card'
	not_run 'for the devices (--topology devices)'
	exit
fi
USB=0000:03:00.0 NVME=0000:04:00.0 NIC=0000:05:00.0
ip() {
	/lab/bin/busybox ip "$@"
}
disk() {
	basename "$(readlink -f "/sys/bus/pci/devices/$1"/nvme/nvme*/nvme*n1)"
}
stick() {
	basename "$(readlink -f /sys/block/sd* | grep "/$USB/" | head -n 1)"
}
cleanup() {
	umount /mnt 2>/dev/null
	swapoff "/dev/$(disk "$NVME")" 2>/dev/null
	dmsetup remove labvg-data 2>/dev/null
	ip route del default dev "$nic" metric 4000 2>/dev/null
	wipefs -qa "/dev/$(disk "$NVME")" 2>/dev/null
}

hookd_up vm1
guest_define vm1 $USB $NVME $NIC
guest_xml vm1
check 'the drivers are there' wait_for '[[ $(driver_of '$USB') == xhci_hcd && $(driver_of '$NVME') == nvme && $(driver_of '$NIC') == e1000e ]]' 20
check 'the disks are there' wait_for '[[ -n $(stick) && -n $(disk '$NVME') ]]' 20
nic=$(basename /sys/bus/pci/devices/$NIC/net/*)
save_state before

case_begin 'a USB controller, an NVMe disk and a network card, there and back'
check 'vm1 starts' guest_start vm1 120 || virsh_said
for f in $USB $NVME $NIC; do
	expect "the driver of $f" "$(driver_of "$f")" vfio-pci
done
expect_drivers nvidia snd_hda_intel
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
check 'the disk is back' wait_for '[[ -b /dev/$(disk '$NVME') ]]' 20
expect_before

case_begin 'the NVMe disk is mounted'
mkfs.ext4 -qF "/dev/$(disk "$NVME")"
mount "/dev/$(disk "$NVME")" /mnt
expect_hook_refused vm1 'mounted on /mnt'
umount /mnt

case_begin 'it is swap'
mkswap -q "/dev/$(disk "$NVME")" >/dev/null
swapon "/dev/$(disk "$NVME")"
expect_hook_refused vm1 'in use as swap'
swapoff "/dev/$(disk "$NVME")"

case_begin 'it carries a volume of LVM'
wipefs -qa "/dev/$(disk "$NVME")"
# what LVM makes, by its name and its UUID
dmsetup create labvg-data --uuid LVM-lab --table "0 65536 linear /dev/$(disk "$NVME") 2048"
dmsetup mknodes labvg-data
mkfs.ext4 -qF /dev/mapper/labvg-data && mount /dev/mapper/labvg-data /mnt
expect_hook_refused vm1 'in use by the LVM volume labvg-data, mounted on /mnt'
umount /mnt
dmsetup remove labvg-data

case_begin 'another program has the disk open'
exec 9<"/dev/$(disk "$NVME")"
profile vm1 <<<$'[Holders]\nTimeoutSec=2'
expect_hook_refused vm1 "/dev/$(disk "$NVME")"
exec 9<&-
: >/etc/hookd/profiles/vm1.ini

case_begin 'the disk behind the USB controller is mounted'
mkfs.ext4 -qF "/dev/$(stick)"
mount "/dev/$(stick)" /mnt
expect_hook_refused vm1 'mounted on /mnt'
umount /mnt

case_begin 'the network card carries the default route'
ip link set "$nic" up
ip addr add 192.0.2.1/24 dev "$nic"
ip route add default via 192.0.2.2 dev "$nic" metric 4000
expect_hook_refused vm1 "the network card $nic, which carries the host's default route"
ip route del default dev "$nic" metric 4000
ip addr flush dev "$nic"
ip link set "$nic" down

expect_state before

case_begin 'a BAR whose size cannot be changed: a warning, and the guest starts'
guest_define vm1
guest_xml vm1
profile vm1 <<<$'[Devices]\nBarSize=1:8G'
check 'hookctl plan warns' eval 'hookctl plan vm1 | tr -s " \n" " " | grep -q "no BAR 1 whose size"'
prepared vm1
expect_drivers vfio-pci vfio-pci
hook_end vm1
expect_no_txn
expect_state before 60
: >/etc/hookd/profiles/vm1.ini
