# shellcheck shell=bash disable=SC1091,SC2016
# The main job: a real libvirt, a real guest, a real driver chain, a desktop on the card.
. /lab/guest/hookd.sh

case_begin 'start and destroy, managed=yes, an empty profile'
hookd_up vm1
save_state before
screenshot before
guest_define vm1 paint=yes
check 'hookctl plan' said hookctl plan vm1
cp "$LAB_STATE/said" /lab/out/plan.txt
check 'the plan names the desktop' grep -q lightdm.service "$LAB_STATE/said"
expect_state before 1
check 'vm1 starts' guest_start vm1 120 || virsh_said
expect_drivers vfio-pci vfio-pci
expect 'display manager' "$(systemctl is-active display-manager)" "$DM_DOWN"
expect 'nvidia modules left' "$(grep -c ^nvidia /proc/modules)" 0
expect 'function 0 may go to D3cold' "$(cat "/sys/bus/pci/devices/${LAB_CARDS%% *}.0/d3cold_allowed")" 0
check 'hookctl status says who has it' eval 'hookctl status | tee /lab/out/status.txt | grep -q vm1'
if guest_painted; then
	screenshot during
	ok 'the guest paints the screen'
else
	not_ok 'the guest paints the screen'
fi
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before
# its picture is far bigger than that of a dark screen
check 'the greeter is on the screen again' wait_for 'screenshot after >/dev/null; [[ $(stat -c %s /lab/out/after.png) -gt 8000 ]]' 60
check 'the audit has the whole story' eval '(( $(audited HOOKD_DOMAIN=vm1) > 15 ))'
expect 'the driver steps of both functions, there and back' "$(audited HOOKD_STEP=driver)" 4
check 'explained by the catalog' eval 'journalctl -q -x -t hookd --no-pager | grep -q "Subject:"'
check 'the reset was made' eval '(( $(audited HOOKD_STEP=reset) > 0 ))'
journalctl -q -t hookd --no-pager -o short-precise >/lab/out/audit.txt
note "$(figures prepare/begin ready)"
note "$(figures release/end released)"

# What a quick udev does between a found card's "add" event and its probe, once in many rounds: nvidia_drm then does not
# see the card that nvidia gets after it.
case_begin "the vendor's modules are loaded while the guest has the card"
check 'vm1 starts' guest_start vm1 120
check 'modprobe nvidia' bounded 30 modprobe nvidia
expect 'nvidia_drm' "$(</sys/module/nvidia_drm/initstate)" live
expect_drivers vfio-pci vfio-pci
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before
expect 'nvidia_drm was loaded anew' "$(audited HOOKD_STEP=module HOOKD_TARGET=nvidia_drm HOOKD_FROM=idle)" 1

desktop_off
save_state before

case_begin 'managed=no'
guest_define vm1 managed=no
expect_round vm1

case_begin 'the guest is killed'
guest_define vm1
check 'vm1 starts' guest_start vm1 120
kill -9 "$(guest_pid vm1)"
check 'libvirt notices' wait_for '[[ $(virsh domstate vm1) == "shut off" ]]' 60
expect_no_txn
expect_before

case_begin 'a vendor driver that does not load without its card'
module_options nvidia need_card=1
guest_define vm1
expect_round vm1
profile vm1 <<<$'[Reset]\nMethod=none'
expect_round vm1
: >/etc/hookd/profiles/vm1.ini
module_options nvidia

case_begin 'already on vfio-pci before: stays there'
# shellcheck disable=SC2043
f=${LAB_CARDS%% *}.1
modprobe vfio-pci
write_bounded vfio-pci "/sys/bus/pci/devices/$f/driver_override"
write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
write_bounded "$f" /sys/bus/pci/drivers_probe
expect 'function 1' "$(driver_of "$f")" vfio-pci
save_state before
guest_define vm1
expect_round vm1
write_bounded '' "/sys/bus/pci/devices/$f/driver_override"
write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
write_bounded "$f" /sys/bus/pci/drivers_probe

case_begin 'a guest without a card, and one without a profile'
save_state before
guest_define plain -
check 'plain starts' guest_start plain
check 'plain is destroyed' guest_destroy plain
expect_state before 5
expect 'no worker ran for it' "$(audited HOOKD_DOMAIN=plain)" 0
desktop_on
