# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2153
# SIGKILL of the worker, the daemon, both and a hand at every boundary of a prepare and of a release, every step in play: the
# host is as it was. LAB_CRASH=all: every victim at every boundary; otherwise each boundary with one victim, in turn, so that
# each victim is tried in each step.
. /lab/guest/hookd.sh
. /lab/guest/crash.sh

mapfile -t LAB_FUNCTIONS < <(printf '0000:00:03.0\n' && functions_of)

cleanup() {
	crash_down
}

# One handover, somebody killed in it.
# trial VERB KIND N VICTIM: 1 when the boundary was not met
trial() {
	local verb=$1 rc=0
	rm -f "$CRASH"/*.hit
	/lab/bin/holder --term /dev/nvidia0 >"$CRASH/holder" &
	LAB_HOLDERS=($!)
	wait_soon '[[ -s $CRASH/holder ]]' 5
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
	kill -9 "${LAB_HOLDERS[0]}" 2>/dev/null
	wait "${LAB_HOLDERS[0]}" 2>/dev/null
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

hookd_up vm1
guest_define vm1

case_begin 'killed at every boundary: the host is as it was'
total=0 possible=0 refused_held=0 stop=0 how=${LAB_CRASH:-turns} every=${LAB_CRASH_EVERY:-1}
crash_up
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

case_begin 'killed while libvirt starts and stops a real guest'
for victim in worker both; do
	printf 'journal 20 %s\n' "$victim" >"$CRASH/prepare"
	guest_start vm1 120
	expect "virsh start, $victim killed" $? 1
	expect 'what virsh says' "$(virsh_said)" '*hookd*'
	check 'it was killed' test -e "$CRASH/prepare.hit"
	rm -f "$CRASH"/*.hit
	expect_no_txn
	expect_quick "$victim"
done
printf 'journal 20 daemon\n' >"$CRASH/prepare"
check 'vm1 starts, the daemon killed' guest_start vm1 120 || virsh_said
check 'it was killed' test -e "$CRASH/prepare.hit"
kill -9 "$(systemctl show -P MainPID hookd.service)"
check 'the daemon is back' wait_for '[[ $(systemctl is-active hookd.service) == active ]]' 30
expect 'vm1' "$(virsh domstate vm1)" running*
expect_drivers vfio-pci vfio-pci
check 'held' held
printf 'journal 20 both\n' >"$CRASH/release"
check 'vm1 is destroyed, worker and daemon killed' guest_destroy vm1 120 || virsh_said
check 'they were killed' test -e "$CRASH/release.hit"
expect_no_txn
expect_quick 'destroyed'
