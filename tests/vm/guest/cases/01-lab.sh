# shellcheck shell=bash disable=SC2016
# The bed itself: a card that hangs and comes back, a holder that blocks it, a guest that paints. No hookd in it.

unload() {
	bounded 60 systemctl stop display-manager.service
	wait_for '! fuser -s /dev/dri/card*' 20
	wait_for 'modprobe -r nvidia_drm 2>/dev/null' 10	# udev may still look at it
}

card=${LAB_CARDS%% *}
case_begin 'a remove() that hangs takes the driver link first and goes on when it is let go'
if [[ $LAB_HOME != nvidia ]]; then
	not_run 'for the nvidia modules'
	exit
fi
check 'nvidia_drm can go' unload
knob hang_remove 1
write_bounded "$card.0" "/sys/bus/pci/devices/$card.0/driver/unbind" 2
expect 'the unbind, after 2 s' $? 124
expect_drivers none snd_hda_intel "$card"
expect 'driver_override blocks' "$(read_bounded "/sys/bus/pci/devices/$card.0/driver_override")" BLOCKED
knob hang_remove 0
check 'it ends' wait_for "[[ \$(read_bounded /sys/bus/pci/devices/$card.0/driver_override) == '(null)' ]]" 10
check 'and binds again' write_bounded "$card.0" /sys/bus/pci/drivers/nvidia/bind
expect_drivers nvidia snd_hda_intel "$card"

case_begin 'an open or mapped node keeps remove() from returning'
hold --mmap /dev/nvidia0
check 'no descriptor is left' eval '! ls -l /proc/$HOLDER/fd | grep -q nvidia'
write_bounded "$card.0" /sys/bus/pci/drivers/nvidia/unbind 2
expect 'the unbind, after 2 s' $? 124
kill "$HOLDER"
check 'SIGTERM does not end the holder' kill -0 "$HOLDER"
holders_stop
check 'the unbind ends with it' wait_for '[[ ! -e /proc/driver/nvidia/gpus/'"$card"'.0 ]]' 10

case_begin 'a probe that fails'
knob fail_probe 5
write_bounded "$card.0" /sys/bus/pci/drivers/nvidia/bind
expect 'bind' $? 1
check 'drivers_probe says it is well' write_bounded "$card.0" /sys/bus/pci/drivers_probe
expect_drivers none snd_hda_intel "$card"
knob fail_probe 0

case_begin 'a guest paints the screen of the card it was given'
check 'modules out' bounded 20 modprobe -r nvidia_uvm nvidia_modeset nvidia
guest_define vm1 managed=no paint=yes
bounded 30 virsh -q nodedev-detach "pci_${card//[:.]/_}_0"
bounded 30 virsh -q nodedev-detach "pci_${card//[:.]/_}_1"
expect_drivers vfio-pci vfio-pci "$card"
check 'the guest starts' guest_start vm1
check 'and paints' guest_painted
screenshot lab-guest
check 'the guest is destroyed' guest_destroy vm1
expect_drivers vfio-pci vfio-pci "$card"
