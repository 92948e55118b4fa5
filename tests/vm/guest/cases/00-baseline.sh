# shellcheck shell=bash disable=SC2016
# What happens without hookd: one round with a hook script as people have them. It shows that this bed can tell.

case_begin 'a bash hook leaves the host without a greeter and the console dark'
if [[ ! -e /lab/baseline ]]; then
	not_run 'no baseline hook given (--baseline FILE)'
	exit
fi
hook_install /lab/baseline
screenshot baseline-before
guest_define vm1
check 'the guest starts' guest_start vm1
expect_drivers vfio-pci vfio-pci
check 'the guest is destroyed' guest_destroy vm1
# X does not start without the card's device file; lightdm gives up sooner or later
check 'no greeter comes back within 45 s' eval '! wait_for greeter_up 45'
note "the display manager: $(systemctl is-active display-manager)"
check 'the card has no device file' eval '! compgen -G "/sys/class/drm/card*" >/dev/null'
check 'no framebuffer console is left' eval '! grep -q "frame buffer" /sys/class/vtconsole/*/name'
expect 'framebuffers' "$(</proc/fb)" ''
screenshot baseline-after
