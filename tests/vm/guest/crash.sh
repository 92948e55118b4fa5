# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154  # lab_tick is lib.sh's; what is set here is for the cases
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases that kill hookd at a chosen moment: sourced by them, on top of hookd.sh. The real shim is driven with
# libvirt's own XML, without a QEMU: this shell is what libvirtd is to hookd. src/crash.c does the killing.

CRASH=$LAB_STATE/crash
SHIM=/etc/libvirt/hooks/qemu
STAND_INS='lab-dm.service lab-service.service nvidia-persistenced.service'

# A display manager that costs nothing, and one more unit to stop, for the guest vm1.
crash_desktop() {
	local unit
	for unit in dm:'/lab/bin/holder --term /dev/dri/card0' service:'sleep infinity'; do
		printf '[Service]\nExecStart=%s\n' "${unit#*:}" >"/run/systemd/system/lab-${unit%%:*}.service"
	done
	CRASH_DM=$(readlink /etc/systemd/system/display-manager.service)
	bounded 60 systemctl stop display-manager.service
	ln -sfn /run/systemd/system/lab-dm.service /etc/systemd/system/display-manager.service
	systemctl daemon-reload
	# shellcheck disable=SC2086  # a list
	check 'the stand-ins run' bounded 30 systemctl start $STAND_INS
	profile vm1 <<<$'[Services]\nStopUnits=lab-service.service\n[Holders]\nPolicy=terminate'
}

# hookd's workers under the killer's eyes, for the guest vm1
crash_up() {
	local worker
	mkdir -p "$CRASH"
	worker=$(find /usr -name hookd-worker)
	printf '#!/bin/sh\nLD_PRELOAD=/lab/bin/crash.so exec %s "$@"\n' "$worker" >"$CRASH/worker"
	chmod 755 "$CRASH/worker"
	mkdir -p /run/systemd/system/hookd.service.d
	printf '[Service]\nExecStart=\nExecStart=%s --worker=%s\nReadWritePaths=%s\n' "$(command -v hookd)" "$CRASH/worker" "$CRASH" \
		>/run/systemd/system/hookd.service.d/lab.conf
	systemctl daemon-reload
	check 'hookd runs with it' bounded 30 systemctl restart hookd.service
	virsh -q dumpxml vm1 >"$CRASH/vm1.xml"
	UUID=$(virsh domuuid vm1)
	UUID=${UUID//[[:space:]]/}
	TXN=/run/hookd-txn/$UUID
}

crash_down() {
	rm -rf /run/systemd/system/hookd.service.d/lab.conf "$CRASH"
	if [[ -n ${CRASH_DM:-} ]]; then
		# shellcheck disable=SC2086  # a list
		bounded 60 systemctl stop $STAND_INS
		ln -sfn "$CRASH_DM" /etc/systemd/system/display-manager.service
		rm -f /run/systemd/system/lab-{dm,service}.service
	fi
	systemctl daemon-reload
	bounded 30 systemctl restart hookd.service
	[[ -z ${CRASH_DM:-} ]] || bounded 60 systemctl start display-manager.service
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
	! declare -F more_state >/dev/null || more_state
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

# ---- the matrix: the case defines trial_begin, trial_end, and more_state, if there is more than quick_state sees ---------

# One handover, somebody killed in it.
# trial VERB KIND N VICTIM: 1 when the boundary was not met
trial() {
	local verb=$1 rc=0
	rm -f "$CRASH"/*.hit
	trial_begin
	if [[ $verb == prepare ]]; then
		printf '%s\n' "${*:2}" >"$CRASH/prepare"
	fi
	hook prepare begin || rc=$?
	if [[ $verb == release ]]; then
		((rc == 0)) || { not_ok "trial $*: prepare" "$(<"$CRASH/said")" && return 0; }
		printf '%s\n' "${*:2}" >"$CRASH/release"
		hook stopped end
		hook release end || not_ok "trial $*: release must not fail" "$(<"$CRASH/said")"
	fi
	local end=settled
	[[ $verb == prepare ]] || end='[[ ! -d $TXN ]]'
	if ! wait_soon "$end" 30; then
		not_ok "trial $*: the journal is still there after 30 s" "$(cat "$TXN/log")" "$(hookctl status 2>&1)"
	elif [[ -d $TXN ]]; then
		((rc == 0)) || ((++refused_held))
		hook stopped end
		hook release end
	elif ((rc == 0)) && [[ $verb == prepare ]]; then
		not_ok "trial $*: prepare said yes, and nothing is held"
	fi
	trial_end
	if ! wait_soon quick_equals 30; then
		not_ok "trial $*: the host is not as it was" "$(diff -U0 "$CRASH/before" "$CRASH/now" | grep '^[-+][^-+]')" \
			"$(cat "$CRASH"/*.hit 2>/dev/null)" "$(journalctl -q -t hookd --no-pager -n 30 -o short-precise)"
		stop=1
	fi
	[[ -e $CRASH/$verb.hit ]]
}

# boundaries VERB: counts them in an undisturbed round, into VERB.points
boundaries() {
	rm -f "$CRASH/$1.points"
	trial "$1" count 0
	[[ -s $CRASH/$1.points ]] || not_ok "no boundary of $1 was seen"
}

# tries VERB KIND VICTIM...: every boundary with each of the victims, or with one of them
tries() {
	local verb=$1 kind=$2 n count v try victims=("${@:3}") some tried=0 wanted=0
	count=$(grep -c "^$kind " "$CRASH/$verb.points")
	for ((n = 1; n <= count && ! stop; n += every)); do
		some=("${victims[@]}")
		[[ $how == all ]] || some=("${victims[(n + n / ${#victims[@]}) % ${#victims[@]}]}")
		for v in "${some[@]}"; do
			((++wanted))
			for try in 1 2 3; do
				trial "$verb" "$kind" "$n" "$v" && ((++tried)) && break
			done
		done
	done
	expect "$verb: boundaries of the $kind, tried with ${victims[*]}" "$tried of $wanted" "$wanted of $wanted"
	note "$verb, $kind: $count boundaries x ${#victims[@]} (${victims[*]}), $tried of $((count * ${#victims[@]})) tried, $SECONDS s so far"
	total=$((total + tried)) possible=$((possible + count * ${#victims[@]}))
	((wanted * every >= count && wanted > 0)) || not_ok "$verb, $kind: boundaries were left out"
}

# crash_matrix: vm1's prepare and release, whoever does them killed at every boundary. LAB_CRASH=all: every victim at every
# boundary; otherwise each boundary with one victim, in turn, so that each victim is tried in each step.
crash_matrix() {
	local start
	total=0 possible=0 refused_held=0 stop=0 how=${LAB_CRASH:-turns} every=${LAB_CRASH_EVERY:-1}
	quick_state >"$CRASH/before"
	sed 's/^/  # /' "$CRASH/before"
	trial prepare nothing 0 # the vfio modules are loaded once and stay
	quick_state >"$CRASH/before"
	save_state before
	start=$(now_ms)
	boundaries prepare
	boundaries release
	note "an undisturbed round: $((($(now_ms) - start) / 2)) ms"
	cp "$CRASH"/*.points /lab/out/
	SECONDS=0
	tries prepare journal worker daemon both
	tries release journal worker daemon both
	tries prepare hand hand
	tries release hand hand
	note "killed $total times, of $possible pairs of boundary and victim; $SECONDS s"
	expect_state before
}
