# shellcheck shell=bash disable=SC1091,SC2016
# Topology two-nvidia: two guests, two cards of one vendor, one desktop. While nvidia_drm has screens (modeset=1) neither
# card can be given away alone, so most of it is with modeset=0, as servers have it, and with a stand-in for the desktop
# that has the files of both cards open: Xorg would need a screen.
. /lab/guest/hookd.sh

one=${LAB_CARDS%% *} two=${LAB_CARDS##* }
if [[ $LAB_TOPOLOGY != two-nvidia ]]; then
	case_begin 'two guests, two cards, one desktop'
	not_run 'for two nvidia cards (--topology two-nvidia)'
	exit
fi
hookd_up vm1 vm2
guest_define vm1 "$one"
guest_define vm2 "$two"
guest_xml vm1
guest_xml vm2

case_begin 'nvidia_drm with modeset=1 serves both cards: refused before the unbind would hang'
save_state before
pid=$(systemctl show -P MainPID display-manager)
expect_refused vm2 'modeset=1'
expect 'the display manager was never stopped' "$(systemctl show -P MainPID display-manager)" "$pid"
expect_drivers nvidia snd_hda_intel "$two"
expect_refused vm1 'modeset=1'

# ---- modeset=0 and the stand-in ----

unit=/etc/systemd/system/display-manager.service
was=$(readlink $unit)
drm_again() {
	wait_for 'bounded 10 modprobe -r nvidia_drm nvidia_modeset 2>/dev/null; [[ ! -e /sys/module/nvidia_drm ]]' 20
	bounded 20 modprobe -a nvidia-modeset nvidia-drm
}
cleanup() {
	bounded 60 systemctl stop display-manager.service
	module_options nvidia_drm
	drm_again
	ln -sfn "$was" $unit
	rm -rf /run/systemd/system/lab-*
	systemctl daemon-reload
	bounded 60 systemctl start display-manager.service
}
bounded 60 systemctl stop display-manager.service
module_options nvidia_drm modeset=0
wait_for '! fuser -s /dev/dri/card*' 10
drm_again
cat >/run/systemd/system/lab-desktop.service <<'UNIT'
[Service]
ExecStartPre=sh -c 'echo start >>/run/lab/desktop'
ExecStart=sh -c 'exec /lab/bin/holder --term /dev/nvidia[0-9]'
ExecStopPost=sh -c 'echo stop >>/run/lab/desktop'
UNIT
ln -sfn /run/systemd/system/lab-desktop.service $unit
systemctl daemon-reload
bounded 60 systemctl start display-manager.service

# The desktop's story since it was last asked: "stop start"
desktop_did() {
	paste -sd' ' "$LAB_STATE/desktop" 2>/dev/null
	: >"$LAB_STATE/desktop"
}
expect_desktop() {
	expect 'the display manager' "$(systemctl is-active display-manager), $(desktop_did)" "$1"
}
# taken CARD, home CARD
taken() {
	expect_drivers vfio-pci vfio-pci "$1"
}
home() {
	expect_drivers nvidia snd_hda_intel "$1"
}
prepared() {
	check "$1 is prepared" hook "$1" prepare || hook_said "$1"
}
released() {
	hook "$1" stopped
	check "$1 is released" hook "$1" release || hook_said "$1"
}

case_begin 'one of two cards: the modules stay, and whoever uses the other card does not notice'
check 'the stand-in runs' wait_for 'fuser -s /dev/nvidia0 && fuser -s /dev/nvidia1' 10
bounded 60 systemctl stop display-manager.service
save_state idle
minor=$(awk '/Minor/ {print $3}' "/proc/driver/nvidia/gpus/$two.0/information")
hold "/dev/nvidia$minor"
guest_define vm1 "$one"
check 'vm1 starts' guest_start vm1 120 || virsh_said
taken "$one"
home "$two"
expect 'modules of the other card' "$(grep -c '^nvidia' /proc/modules)" 4
check "the other card's user is alive" running "$HOLDER"
check 'vm1 is destroyed' guest_destroy vm1 120
holders_stop
expect_no_txn
expect_state idle 20
bounded 60 systemctl start display-manager.service
check 'the stand-in runs' wait_for 'fuser -s /dev/nvidia0 && fuser -s /dev/nvidia1' 10
save_state before
desktop_did >/dev/null

# leave FIRST SECOND: both have their cards, they leave in this order
leave() {
	prepared vm1
	expect_desktop 'inactive, stop'
	taken "$one"
	home "$two"
	prepared vm2
	taken "$two"
	expect_desktop 'inactive, '
	released "$1"
	expect_desktop 'inactive, '
	released "$2"
	expect_desktop 'active, start'
	expect_no_txn
	expect_state before 20
}

case_begin 'the display manager stops once and comes back with the last one: first come, first gone'
leave vm1 vm2
expect 'stops and starts by the audit' "$(audited HOOKD_STEP=display-manager HOOKD_RESULT=done)" 2

case_begin 'the display manager stops once and comes back with the last one: last come, first gone'
leave vm2 vm1

case_begin 'hookd killed between the two, and its worker in the middle of a release'
profile vm1 <<<$'[Reset]\nMethod=none'
prepared vm1
prepared vm2
expect_desktop 'inactive, stop'
kill -9 "$(systemctl show -P MainPID hookd)"
# this release has to bind the card, which takes a while
modprobe nvidia
knob fault_bdf "$one.0"
knob hang_probe 1
hook vm1 stopped
hook_begin vm1 release
check 'a worker is at the card' wait_for "[[ \$(driver_of $one.0) == nvidia ]]" 20 # the link is there before the probe
workers=$(pgrep -x hookd-worker)
for pid in $workers $(systemctl show -P MainPID hookd); do
	kill -9 "$pid"
done
note "killed in the probe: hookd and its workers ($(wc -w <<<"$workers"), a hand among them)"
wait "$HOOK"
note "the release was answered with $?"
knob hang_probe 0
check 'it is finished all the same' wait_for '[[ $(txn_count) == 1 ]]' 40
home "$one"
taken "$two"
expect_desktop 'inactive, '
released vm2
check 'the desktop is back' wait_for 'systemctl is-active -q display-manager' 20
expect_desktop 'active, start'
expect_no_txn
expect_state before 20

# ---- disjoint targets ----

# one_is_slow OP RESULT CONDITION END: vm1 is begun and kept at its slow step until vm2, begun after it, has its answer
one_is_slow() {
	local op=$1 event=$1/begin one_begun two_begun two_ms slow_ms
	local first
	[[ $op == prepare ]] || event=$op/end
	one_begun=$(now_ms)
	hook_begin vm1 "$op"
	first=$HOOK
	check 'vm1 is at its slow step' wait_for "$3" 20
	slow_ms=$(now_ms)
	two_begun=$slow_ms
	hook_begin vm2 "$op"
	check 'vm2 has its answer' wait "$HOOK" || hook_said vm2
	two_ms=$(now_ms)
	check 'vm1 has not' running "$first"
	eval "$4"
	check 'vm1 has its answer' wait "$first" || hook_said vm1
	expect 'the order of the audit' "$(audit_order "HOOKD_EVENT=$event" "HOOKD_RESULT=$2")" 'vm2 vm1'
	note "vm2 took $((two_ms - two_begun)) ms, in which vm1 was at its slow step; vm1 took $(($(now_ms) - one_begun)) ms"
}

case_begin 'a guest does not wait for a unit that is slow to stop for the other'
bounded 60 systemctl stop display-manager.service
mkfifo "$LAB_STATE/slow"
printf '[Service]\nExecStart=sleep infinity\nExecStop=cat %s\n' "$LAB_STATE/slow" >/run/systemd/system/lab-slow.service
systemctl daemon-reload
bounded 10 systemctl start lab-slow.service
save_state slow
profile vm1 <<<$'[Services]\nStopUnits=lab-slow.service\n[Reset]\nMethod=none'
profile vm2 <<<$'[Reset]\nMethod=none'
one_is_slow prepare ready '[[ $(systemctl is-active lab-slow) == deactivating ]]' \
	'bounded 5 dd if=/dev/null of="$LAB_STATE/slow" status=none'
taken "$one"
taken "$two"
released vm1
released vm2
expect_no_txn
expect_state slow 20
printf '[Service]\nExecStart=sleep infinity\n' >/run/systemd/system/lab-slow.service
systemctl daemon-reload
bounded 20 systemctl stop lab-slow.service
profile vm1 <<<$'[Reset]\nMethod=none'
save_state idle

case_begin 'a guest does not wait for the slow unbind and the slow probe of the other card'
knob fault_bdf "$one.0"
knob hang_remove 1
one_is_slow prepare ready "[[ \$(driver_of $one.0) == none ]]" 'knob hang_remove 0' # the link goes before remove()
taken "$one"
taken "$two"
knob hang_probe 1
hook vm1 stopped
hook vm2 stopped
one_is_slow release released "[[ \$(driver_of $one.0) == nvidia ]]" 'knob hang_probe 0' # and comes before probe()
knobs_clear
expect_no_txn
home "$one"
home "$two"
expect_state idle 20
