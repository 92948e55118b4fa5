# shellcheck shell=bash disable=SC1091,SC2016
# Without a desktop, and with a driver that leaves the screen to the firmware's framebuffer, as nvidia with modeset=0 does.
. /lab/guest/hookd.sh

case_begin "the firmware's framebuffer is let go, one way"
if ! grep -q '^platform ' "$LAB_STATE/boot.state"; then
	not_run 'a driver has the screen (needs --no-desktop --append nvidia_drm.modeset=0)'
	exit
fi
hookd_up vm1
save_state before
guest_define vm1
check 'hookctl plan' said hookctl plan vm1
check 'it says one way' grep -q 'framebuffer.*(one way)' <(tr -s '\n ' '  ' <"$LAB_STATE/said")
check 'vm1 starts' guest_start vm1 120 || virsh_said
expect_drivers vfio-pci vfio-pci
expect 'framebuffers' "$(</proc/fb)" ''
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_state before 60
check 'a second round' guest_start vm1 120
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_state before 60
