# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2154
# Kernel calls that never return: the caller is refused at the deadline, nothing else waits with it, and when the kernel lets go
# everything goes back by itself.
. /lab/guest/hangs.sh

case_begin 'a module that is unloaded never returns from remove(), and journald hangs with it'
knob warn 1
knob hang_remove 1
prepare_hangs module 'nv_remove *'
check 'journald hangs' wait_for '[[ $(cat /proc/$journald/wchan) != *poll* && $(awk "{print \$3}" /proc/$journald/stat) == D ]]' 5
timed systemctl restart hookd.service
within 3000 'systemctl restart hookd'
RESTARTS=$(restarts)
expect_stuck module 'nv_remove *'
expect_unimpaired
check 'another guest starts' guest_start plain
check 'and ends' guest_destroy plain
check 'journald still hangs' eval '[[ $(awk "{print \$3}" /proc/$journald/stat) == D ]]'
knob hang_remove 0
expect_goes_back
expect_audited_stuck
expect 'journald is the same' "$(systemctl show -P MainPID systemd-journald)" "$journald"

# From here on without the desktop, which takes most of the time.
bounded 30 systemctl stop display-manager.service
save_state before

case_begin 'a start by libvirt, and unbind never returns'
RESTARTS=$(restarts)
profile vm1 <<<"$short"$'[Module]\nNames=nvidia_drm nvidia_modeset nvidia_uvm'
knob hang_remove 1
timed virsh -q start vm1
expect 'virsh start vm1' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 6000 * SLOW))"
expect_stuck driver 'nv_remove *'
expect_unimpaired
knob hang_remove 0
expect_goes_back
expect_audited_stuck
profile vm1 <<<"$short"

case_begin 'a module exit never returns'
knob hang_exit 1
prepare_hangs module 'nv_exit *'
knob hang_exit 0
expect_goes_back

case_begin 'a sound device that is held open refuses the start before anything hangs'
profile vm1 <<<"$short"$'[Holders]\nTimeoutSec=1'
hold /dev/snd/controlC0
hook vm1 prepare begin
expect 'prepare' $? 1
expect 'it says' "$(hook_said)" "*in use: holder (pid $HOLDER*/dev/snd/controlC0*"
holders_stop
expect_no_txn
expect_before
profile vm1 <<<"$short"

case_begin 'a sound device that is open and no search shows it: unbind never returns'
hold --hidden /dev/snd/controlC0
prepare_hangs driver snd_
holders_stop
expect_goes_back

case_begin 'after a guest: a probe never returns'
RESTARTS=$(restarts)
profile vm1 <<<"${short}StopTimeoutSec=$DEADLINE"	# what holds at prepare holds for the release
hook vm1 prepare begin
expect 'prepare' $? 0
module_options nvidia hang_probe=1
[[ ! -e /sys/module/nvidia ]] || knob hang_probe 1	# udev may have loaded it again
hook vm1 release end
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 4000 * SLOW))"
expect 'it says' "$(hook_said)" '*process * waits in *The card is stuck*'
expect_stuck driver nv_probe
expect_unimpaired
module_options nvidia
knob hang_probe 0
expect_goes_back
profile vm1 <<<"$short"

case_begin 'after a guest: removing it from the bus never returns'
RESTARTS=$(restarts)
profile vm1 <<<"${short}StopTimeoutSec=$DEADLINE"$'\n[Reset]\nMethod=remove-rescan'
hook vm1 prepare begin
expect 'prepare' $? 0
knob hang_del 1
hook vm1 release end
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 4000 * SLOW))"
expect 'it says' "$(hook_said)" '*process * waits in *The card is stuck*'
expect_stuck reset 'device_del *'
expect_unimpaired
knob hang_del 0
expect_goes_back
profile vm1 <<<"$short"
