# shellcheck shell=bash
# The bed itself: libvirt alone takes a card that still shows the firmware's framebuffer, and it does not come back.
# Run with --no-desktop --append nvidia_drm.modeset=0

case_begin "the firmware's framebuffer is one-way, and expect_state knows"
if ! grep -q '^platform ' "$LAB_STATE/boot.state"; then
	not_run 'a driver has the screen (needs --no-desktop --append nvidia_drm.modeset=0)'
	exit
fi
guest_define vm1
check 'the guest starts' guest_start vm1
expect_drivers vfio-pci vfio-pci
check 'the guest is destroyed' guest_destroy vm1
expect 'framebuffers' "$(</proc/fb)" ''
expect_state boot
