# shellcheck shell=bash disable=SC2016
# What happens without hookd: one round with a hook script as people have them. It shows that this bed can tell.

case_begin 'a bash hook leaves the display manager failed and the console dark'
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
check 'the display manager is failed' wait_for '[[ $(systemctl is-active display-manager) == failed ]]' 60
check 'no framebuffer console is left' eval '! grep -q "frame buffer" /sys/class/vtconsole/*/name'
expect 'framebuffers' "$(</proc/fb)" ''
screenshot baseline-after
