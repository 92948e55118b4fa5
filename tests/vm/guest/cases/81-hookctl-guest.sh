# shellcheck shell=bash disable=SC1091,SC2016,SC2034
# hookctl's verbs before, while and after a guest has the card: plan, status, devices, release, reconcile, log, capture.
. /lab/guest/hookd.sh
. /lab/guest/hookctl.sh

CARD=${LAB_CARDS%% *}
DROPIN=/run/systemd/system/nvidia-persistenced.service.d

cleanup() {
	rm -rf "$DROPIN"
	systemctl daemon-reload
	bounded 30 systemctl stop nvidia-persistenced.service
	rm -f /etc/hookd/profiles/*
	module_options nvidia
	[[ -z ${follower:-} ]] || kill "$follower" 2>/dev/null
}

# display_manager: its state, value and the value to come, in the JSON of a plan
display_manager() {
	paste -d' ' <(json target) <(json state) <(json now) <(json after) | sed -n 's/^lightdm.service //p'
}

libvirt_up
systemctl start nvidia-persistenced.service
hookd_up vm1
guest_define vm1
guest_xml vm1
save_state before

case_begin 'hookctl plan and capture: what is said is what happens'
ctl 0 'vm1: a start would do this, by /etc/hookd/profiles/vm1.ini *lightdm.service active -> inactive*' plan vm1
plan_lines "$LAB_STATE/ctl" >"$LAB_STATE/plan"
ctl_json 0 plan vm1
expect 'lightdm: state, now, after' "$(display_manager)" 'change active inactive'
ctl 0 '*' capture
cp "$LAB_STATE/ctl" /lab/out/host.tree
expect 'names of people in it' "$(grep -c -e root -e lightdm-data /lab/out/host.tree)" 0
ctl 0 'vm1: a start would do this on /lab/out/host.tree*' plan --host=/lab/out/host.tree --domain-xml="$LAB_STATE/vm1.xml"
expect 'its targets' "$(plan_lines "$LAB_STATE/ctl" | awk '{ print $1, $2 }' | cksum)" "$(awk '{ print $1, $2 }' "$LAB_STATE/plan" | cksum)"
expect_state before 1
hookctl log --follow vm1 >"$LAB_STATE/follow" 2>&1 &
follower=$!
check 'vm1 starts' guest_start vm1 120 || virsh_said
expect_as_planned "$LAB_STATE/plan"

case_begin 'hookctl status, devices, list, holders, doctor while the guest runs'
qemu=$(guest_pid vm1)
ctl 0 "*vm1 held since *$CARD.0 $CARD.1, by /etc/hookd/profiles/vm1.ini until its QEMU ends (process $qemu)*" status
ctl_json 0 status
expect 'guest, state, pid of QEMU' "$(json domain) $(json state) $(json guest)" "vm1 held $qemu"
ctl_json 0 devices
expect 'held for' "$(json held_for | paste -sd' ')" 'vm1 vm1'
expect 'drivers' "$(json driver | paste -sd' ')" 'vfio-pci vfio-pci'
ctl 0 '*vm1.ini vm1 *vm1*' list
ctl 0 "*$qemu libvirt-qemu qemu*/dev/vfio/*shut that guest down*" holders
ctl 0 '*libvirtd.service knows it*' doctor
cp "$LAB_STATE/ctl" /lab/out/doctor-held.txt
expect 'what the doctor does not like' "$(grep -cE '^  (problem|warning|hint)' "$LAB_STATE/ctl")" 0
ctl 0 "*driver $CARD.0 is vfio-pci already*warning: vm1 has devices of this host already (held)*" plan vm1
ctl 0 "vm1: a release would do this, by its journal *reset $CARD.0 remove-rescan*driver $CARD.0 vfio-pci -> nvidia*\
display-manager lightdm.service inactive -> active*warning: its QEMU (process $qemu) has the card*" plan --event=release vm1
ctl_json 0 plan --event=release vm1
expect 'lightdm: state, now, after' "$(display_manager)" 'change inactive active'
ctl 1 "*vm1: runs, and keeps $CARD.0 $CARD.1.*virsh shutdown vm1*" recover

case_begin "a running guest's card cannot be taken from it"
ctl 1 '*' release vm1
note "$SAID"
ctl 1 '*' release --force vm1
note "$SAID"
ctl 0 "vm1 $CARD.0 $CARD.1: keeps it: its QEMU runs (process $qemu)*" reconcile
ctl_json 0 reconcile
expect 'finding' "$(json finding)" runs
ctl 1 "*belongs to a guest just now*" rom dump "$CARD.0" "$LAB_STATE/card.rom"
ctl 1 '*guests hold devices of this host (1)*' disable
ctl 1 "*hookd holds nothing for a guest 'other'*" release other
expect_drivers vfio-pci vfio-pci
expect 'the guest' "$(virsh domstate vm1)" running*
check 'the hook is still there' test -x /etc/libvirt/hooks/qemu

case_begin 'hookctl release: libvirtd is away, and QEMU has died'
bounded 60 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
kill -9 "$qemu"
check 'QEMU is gone' wait_for '! running $qemu' 20
ctl 0 '* driver 0000:01:00.0: *vm1 holds nothing of this host any more*' release vm1
expect_no_txn
expect_before
ctl 0 '*' status
expect 'guests that hold devices' "$(grep -c '^vm1 ' "$LAB_STATE/ctl")" 0
bounded 60 systemctl start libvirtd.socket libvirtd.service
check 'libvirtd knows it, too' wait_for '[[ $(virsh domstate vm1 2>&1) == "shut off"* ]]' 30

case_begin 'hookctl log: the whole story'
ctl 0 '*vm1 *prepare/begin: the host is being prepared*ready for the guest after*the host is as it was*' log
ctl 0 '*start, * s: ready*libvirt and QEMU, until the guest ran *#*hookd * s, libvirt and QEMU *' log --timeline vm1
cp "$LAB_STATE/ctl" /lab/out/timeline.txt
expect 'bars of the driver steps' "$(grep -cE '^  driver 0000:01:00\.[01] +[0-9.]+ m?s +#+$' "$LAB_STATE/ctl")" '[1-4]'
ctl_json 0 log -n all vm1
expect 'steps' "$(json step | grep -vc null)" "$(journalctl -q -t hookd --no-pager -b -o json --output-fields=HOOKD_STEP HOOKD_DOMAIN=vm1 | grep -c '"HOOKD_STEP"')"
check 'log -f had the start' grep -q 'ready for the guest' "$LAB_STATE/follow"
check 'log -f has the release' wait_for 'grep -q "the host is as it was" "$LAB_STATE/follow"' 10
check 'log -f goes on' running "$follower"
kill "$follower"
follower=
ctl 0 '*' log no-such-guest
as_nobody ctl 1 '*' log
note "$SAID"

case_begin 'hookctl status, reconcile and release of a guest that is prepared, and of one that could not be put back'
check 'prepared' hook vm1 prepare
wait_for '[[ $(hookctl status --raw) != *"job	"* ]]' 20
ctl 1 '*probably just being started*hookctl release --force vm1*' release vm1
ctl 0 '*keeps it: libvirtd (process *) has it prepared*' reconcile
mkdir -p "$DROPIN"
printf '[Service]\nExecStartPre=false\n' >"$DROPIN/lab.conf"
bounded 30 systemctl daemon-reload
ctl 1 '*could not be undone: nvidia-persistenced.service*' release --force vm1
ctl 0 '*vm1 reverting*put back by itself in *or now by `hookctl reconcile`*failures*vm1*nvidia-persistenced.service*' status
ctl_json 0 reconcile
expect 'finding' "$(json finding)" working
ctl 0 '*' log -n 1 vm1
expect 'starts that log -n 1 tells' "$(grep -c 'prepare/begin' "$LAB_STATE/ctl")" 1
check 'with the failure' grep -q 'not put back' "$LAB_STATE/ctl"
wait_for '[[ $(hookctl status --raw) != *"job	"* ]]' 20
rm -r "$DROPIN"
bounded 30 systemctl daemon-reload
ctl 0 "vm1 $CARD.0 $CARD.1: is being put back*" reconcile
expect_no_txn
expect_before
ctl 0 '*' reconcile
note "$SAID"

case_begin 'hookctl recover: hookd is at it; the module and the display manager were back before the card'
module_options nvidia fail_probe=5 # for the load on the way back; udev looks for new options every 3 s
check 'prepared' hook vm1 prepare
ctl 1 "*could not be undone:*$CARD.0*" release --force vm1
expect_drivers none snd_hda_intel
check 'nvidia_drm is back, without the card' eval '[[ -d /sys/module/nvidia_drm && ! -d /sys/bus/pci/devices/$CARD.0/drm ]]'
bounded 30 systemctl stop lightdm.service # it has no screen; others give up after some restarts
module_options nvidia
knob fail_probe 0
knob probe_ms 2000
ctl 0 "vm1 $CARD.0 $CARD.1: *" reconcile # it may be at it by itself already
ctl 0 'hookd answers, and holds devices for these guests:*vm1: hookd is at it: waiting for the end*vm1: put back.*' recover
expect_no_txn
check 'nvidia_drm serves the card' test -d "/sys/bus/pci/devices/$CARD.0/drm"
expect 'lightdm' "$(systemctl is-active lightdm.service)" active
knob probe_ms 0
expect_before

case_begin 'hookctl recover: hookd is down, and the guest that has the card is none'
ctl 0 'hookd answers, and holds nothing*No other card is kept from the host.*lightdm.service is active.*' recover
check 'prepared' hook vm1 prepare
bounded 30 systemctl stop hookd.socket hookd.service
ctl 1 "hookd does not answer: going on without it.*vm1: may just be starting, and keeps $CARD.0 $CARD.1.*" recover
expect_drivers vfio-pci vfio-pci
ctl 1 "*vm1: is gone, $CARD.0 $CARD.1 is put back ...*vm1: put back.*hookd does not run*systemctl start hookd*" recover --force
expect_no_txn
expect_before
bounded 30 systemctl start hookd.socket

case_begin 'hookctl recover: a function on vfio-pci that nobody has'
f=$CARD.1
write_bounded vfio-pci "/sys/bus/pci/devices/$f/driver_override"
write_bounded "$f" "/sys/bus/pci/devices/$f/driver/unbind"
write_bounded "$f" /sys/bus/pci/drivers_probe
expect_drivers nvidia vfio-pci
ctl 1 "*$f*recover --force*" recover
expect_drivers nvidia vfio-pci
ctl 0 "*$f: vfio-pci -> snd_hda_intel*" recover --force
expect_drivers nvidia snd_hda_intel
expect_before
