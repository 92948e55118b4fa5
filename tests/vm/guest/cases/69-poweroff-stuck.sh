# shellcheck shell=bash disable=SC1091,SC2016
# The host is shut down while a kernel call of hookd's does not return: neither systemd nor systemd-shutdown waits for it. Ends
# the boot. (The hang is in a module's exit. In a remove() the kernel itself would wait for ever, for the device's lock, in its
# own device_shutdown(): nothing in user space can help that.)
. /lab/guest/hookd.sh

hookd_up vm1
guest_define vm1
virsh -q dumpxml vm1 >"$LAB_STATE/vm1.xml"
case_begin 'the host is shut down while the card is stuck'
profile vm1 <<<$'[Transaction]\nStartTimeoutSec=20\nRollbackTimeoutSec=10'
knob hang_exit 1
bounded 90 bash -c '/etc/libvirt/hooks/qemu vm1 prepare begin - <"$1" 2>"$2"' _ "$LAB_STATE/vm1.xml" "$LAB_STATE/hook"
expect 'prepare' $? 1
expect 'it says' "$(cat "$LAB_STATE/hook")" '*The card is stuck*'
hand=$(pgrep -x hookd-hand)
check 'a hand is in state D' eval '[[ $(awk "{print \$3}" "/proc/$hand/stat") == D ]]'
expect 'it is marked' "$(head -c 1 "/proc/$hand/cmdline")" '@'
poweroff_case 60
