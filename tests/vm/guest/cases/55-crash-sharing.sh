# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2154
# As 51, for the steps of the other ways to share: scripts, a virtual function that is made, a mediated device whose module
# is loaded and which is made. Topology devices.
. /lab/guest/hookd.sh
. /lab/guest/crash.sh

pf=0000:02:00.0 one=0000:02:00.1 uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
numvfs=/sys/bus/pci/devices/$pf/sriov_numvfs
scripts=/etc/hookd/hooks.d/vm1
mount=$LAB_STATE/script
if [[ ! -e $numvfs ]] || ! modinfo -n mtty >/dev/null 2>&1; then
	case_begin 'killed at every boundary of sharing'
	not_run 'for a controller with SR-IOV (--topology devices) or the sample module mtty'
	exit
fi
LAB_FUNCTIONS=("$pf" "$one")

cleanup() {
	crash_down
	rm -rf "$scripts" "$mount"
	mdevs_clear
	bounded 20 modprobe -r mtty
	write_bounded 0 "$numvfs" 30
}

trial_begin() { :; }
trial_end() { :; }

more_state() {
	local f functions=0
	for f in /sys/bus/pci/devices/"$pf"/virtfn*; do
		[[ ! -e $f ]] || ((++functions))
	done
	printf 'virtual functions %s\n' "$functions"
	for f in /sys/bus/mdev/devices/*; do
		[[ ! -e $f ]] || printf 'mdev %s\n' "${f##*/}"
	done
	printf 'script %s\n' "$(<"$mount")"
}

# script EVENT WORD: what a mount would be, taken by prepare and given back by release
script() {
	mkdir -p "$scripts/$1"
	printf '#!/bin/sh\necho %s >%s\n' "$2" "$mount" >"$scripts/$1/10-mount"
	chmod 755 "$scripts/$1/10-mount"
}

hookd_up vm1
guest_define vm1 "$one" "$uuid"

case_begin 'killed at every boundary of sharing: the host is as it was'
printf 'free\n' >"$mount"
script prepare taken
script release free
crash_up
profile vm1 <<'INI'
[VirtualFunctions]
Count=2
[MediatedDevice]
Type=mtty-2
INI
crash_matrix
for step in scripts virtual-functions mediated-device module override driver; do
	check "$step was done" eval '(($(audited HOOKD_STEP=$step) > 0))'
done
