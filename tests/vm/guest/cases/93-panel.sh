# shellcheck shell=bash disable=SC1091,SC2016
# What a driver forgets of its screens when it is unloaded: the brightness of a panel, and a monitor that is slow to answer.
. /lab/guest/hookd.sh

param=/sys/module/nvidia_drm/parameters
panel=/sys/class/backlight/nvidia_0
connector() {
	cat /sys/class/drm/card*-HDMI-A-1/status
}
cleanup() {
	module_options nvidia_drm
	printf '0\n' >$param/silent
	printf '0\n' >$param/backlight
}

hookd_up vm1
guest_define vm1
guest_xml vm1

case_begin 'the bed: a driver that comes back starts with its own brightness, and sees no monitor until asked again'
printf '1\n' >$param/backlight
module_options nvidia_drm backlight=1 silent=1
check 'no console holds it' eval 'printf "0\n" | tee /sys/class/vtconsole/*/bind >/dev/null; wait_for "modprobe -r nvidia_drm" 20'
check 'it is loaded again' modprobe nvidia_drm
expect 'the brightness' "$(<$panel/brightness)" 50
expect 'the connector' "$(connector)" disconnected
printf 'detect\n' >"$(echo /sys/class/drm/card*-HDMI-A-1/status)"
expect 'the connector, asked once more' "$(connector)" connected

case_begin 'the brightness is put back, and the monitor seen'
printf '17\n' >$panel/brightness
save_state before
check 'prepare' hook vm1 prepare || hook_said vm1
expect_drivers vfio-pci vfio-pci
check 'the panel is gone' [ ! -e $panel ]
hook_end vm1
expect 'release' $? 0
expect_no_txn
expect_drivers nvidia snd_hda_intel
expect 'the brightness' "$(<$panel/brightness)" 17
expect 'the connector' "$(connector)" connected
expect 'to the audit' "$(journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" HOOKD_STEP=backlight -o cat | paste -sd' ')" '*50/100 -> 17/100*'
expect_before
