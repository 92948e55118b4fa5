# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # lab_tick is lib.sh's; what is set here is for the cases
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases that kill hookd at a chosen moment: sourced by them, on top of hookd.sh. The real shim is driven with
# libvirt's own XML, without a QEMU: this shell is what libvirtd is to hookd. src/crash.c does the killing.

CRASH=$LAB_STATE/crash
SHIM=/etc/libvirt/hooks/qemu
STAND_INS='lab-dm.service lab-service.service nvidia-persistenced.service'

# A display manager that costs nothing, and one more unit to stop; hookd's workers under the killer's eyes.
crash_up() {
	local unit worker
	mkdir -p "$CRASH"
	for unit in dm:'/lab/bin/holder --term /dev/dri/card0' service:'sleep infinity'; do
		printf '[Service]\nExecStart=%s\n' "${unit#*:}" >"/run/systemd/system/lab-${unit%%:*}.service"
	done
	worker=$(find /usr -name hookd-worker)
	printf '#!/bin/sh\nLD_PRELOAD=/lab/bin/crash.so exec %s "$@"\n' "$worker" >"$CRASH/worker"
	chmod 755 "$CRASH/worker"
	mkdir -p /run/systemd/system/hookd.service.d
	printf '[Service]\nExecStart=\nExecStart=%s --worker=%s\nReadWritePaths=%s\n' "$(command -v hookd)" "$CRASH/worker" "$CRASH" \
		>/run/systemd/system/hookd.service.d/lab.conf
	CRASH_DM=$(readlink /etc/systemd/system/display-manager.service)
	bounded 60 systemctl stop display-manager.service
	ln -sfn /run/systemd/system/lab-dm.service /etc/systemd/system/display-manager.service
	systemctl daemon-reload
	# shellcheck disable=SC2086  # a list
	check 'the stand-ins run' bounded 30 systemctl start $STAND_INS
	check 'hookd runs with it' bounded 30 systemctl restart hookd.service
	profile vm1 <<<$'[Services]\nStopUnits=lab-service.service\n[Holders]\nPolicy=terminate'
	virsh -q dumpxml vm1 >"$CRASH/vm1.xml"
	UUID=$(virsh domuuid vm1)
	UUID=${UUID//[[:space:]]/}
	TXN=/run/hookd-txn/$UUID
}

crash_down() {
	[[ -n ${CRASH_DM:-} ]] || return 0
	# shellcheck disable=SC2086  # a list
	bounded 60 systemctl stop $STAND_INS
	ln -sfn "$CRASH_DM" /etc/systemd/system/display-manager.service
	rm -rf /run/systemd/system/hookd.service.d/lab.conf /run/systemd/system/lab-{dm,service}.service "$CRASH"
	systemctl daemon-reload
	bounded 30 systemctl restart hookd.service
	bounded 60 systemctl start display-manager.service
	wait_for host_settled 60
}

# wait_soon CONDITION SECONDS: as wait_for, with a shorter step
wait_soon() {
	local end=$((${EPOCHREALTIME/./} + $2 * 1000000)) _
	until eval "$1"; do
		((${EPOCHREALTIME/./} < end)) || return 1
		read -r -t 0.02 -u "$lab_tick" _
	done
	return 0
}

# Where this case's transaction may leave traces, in few milliseconds; host_state sees more and takes a second.
quick_state() {
	local f d v x line
	for f in "${LAB_FUNCTIONS[@]}"; do
		d=/sys/bus/pci/devices/$f
		line=
		for x in driver_override power/control d3cold_allowed reset_method; do
			v=absent
			[[ ! -e $d/$x ]] || read -r v <"$d/$x"
			line+=" ${x##*/}=$v"
		done
		v=none
		for x in /sys/bus/pci/drivers/*/"$f"; do
			[[ ! -e $x ]] || v=${x%/*}
		done
		printf 'function %s driver=%s%s\n' "$f" "${v##*/}" "$line"
	done
	for f in nvidia nvidia_modeset nvidia_uvm nvidia_drm snd_hda_intel; do
		v=absent
		[[ ! -e /sys/module/$f/initstate ]] || read -r v <"/sys/module/$f/initstate"
		printf 'module %s %s\n' "$f" "$v"
	done 2>/dev/null
	for f in /sys/class/vtconsole/*; do
		read -r x <"$f/name" && read -r v <"$f/bind" && printf 'vtcon %s bind=%s\n' "$x" "$v"
	done
	printf 'fb %s\n' "$(</proc/fb)"
	for f in /run/hookd-txn/*-*-*; do
		[[ ! -e $f ]] || printf 'txn %s\n' "${f##*/}"
	done
	for f in /proc/[0-9]*/comm; do
		read -r v 2>/dev/null <"$f" && [[ $v == hookd-worker ]] && printf 'a worker is left\n'
	done
	# shellcheck disable=SC2086  # a list
	systemctl show -p Id,ActiveState,SubState hookd.service getty@tty1.service $STAND_INS
	systemctl show -p NFailedUnits
}

quick_equals() {
	quick_state >"$CRASH/now" 2>/dev/null
	[[ $(<"$CRASH/now") == "$(<"$CRASH/before")" ]]
}

# expect_quick WHEN
expect_quick() {
	check "the host is as it was ($1)" wait_soon quick_equals 30 || diff -U0 "$CRASH/before" "$CRASH/now" | grep '^[-+][^-+]'
}

# hook OP SUBOP: what libvirt does; its status, what it says in $CRASH/said
hook() {
	"$SHIM" vm1 "$1" "$2" - <"$CRASH/vm1.xml" >/dev/null 2>"$CRASH/said"
}

held() {
	local line
	while read -r line; do
		[[ $line != *' held '* ]] || return 0
	done <"$TXN/log"
	return 1
} 2>/dev/null

# Nothing is open any more, or only what rightly stays after a prepare: libvirt (this shell) lives, and has the answer to
# come or had it.
settled() {
	[[ ! -d $TXN ]] || { held && ! worker_there; }
}

worker_there() {
	local f v
	for f in /proc/[0-9]*/comm; do
		read -r v 2>/dev/null <"$f" && [[ $v == hookd-worker ]] && return 0
	done
	return 1
}
