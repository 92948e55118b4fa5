# shellcheck shell=bash disable=SC1091,SC2016
# Round after round: the host as before after each, and hookd no bigger at the end than at the start. LAB_ROUNDS sets how many.
. /lab/guest/hookd.sh

ROUNDS=${LAB_ROUNDS:-25}
daemon() {
	systemctl show -P MainPID hookd.service
}

# What hookd keeps: its descriptors, the processes of its unit, its children, what lies in its folders; and its memory.
pss() {
	awk '/^Pss:/ {print $2}' "/proc/$(daemon)/smaps_rollup"
}

kept() {
	printf 'daemon %s\n' "$(daemon)"
	find "/proc/$(daemon)/fd" -type l -printf 'descriptor %l\n' | sed 's/[0-9]\{3,\}/N/' | sort
	printf 'processes %s\n' "$(wc -l <"/sys/fs/cgroup$(systemctl show -P ControlGroup hookd.service)/cgroup.procs")"
	printf 'children %s\n' "$(ps --no-headers --ppid "$(daemon)" | wc -l)" # zombies are counted here
	find /run/hookd-txn /run/hookd -mindepth 1 -printf 'file %p\n' | sort
}

# round N: one of five is a whole guest, the others are the shim with libvirt's XML
round() {
	local driver
	if (($1 % 5 == 0)); then
		guest_start vm1 120 && guest_destroy vm1 120
		return
	fi
	hook vm1 prepare || return
	driver=$(driver_of "${LAB_CARDS%% *}.0")
	hook_end vm1 && [[ $driver == vfio-pci ]]
}

hookd_up vm1
guest_define vm1
guest_xml vm1
save_state before

case_begin "$ROUNDS rounds, one of five a whole guest; the first fifth with the desktop"
check 'a first round' round 1
expect_before
kept >"$LAB_STATE/kept"
pss=$(pss)
failed=0 differs=0 took=()
begun=$(now_ms)
desktop=$((ROUNDS / 5))
for ((n = 1; n <= ROUNDS; n++)); do
	if ((n == desktop + 1)); then # the greeter takes most of a round's time
		desktop_off
		save_state before
	fi
	at=$(now_ms)
	if ! round "$n"; then
		((++failed))
		not_ok "round $n" "$(virsh_said)" "$(hook_said vm1)"
	fi
	took+=($(($(now_ms) - at)))
	# the greeter first: thrown out in its first second it would leave a failed session behind, as without hookd
	((n > desktop)) || wait_for greeter_up 60
	if ! wait_for 'state_equals before' 20; then
		((++differs))
		not_ok "round $n: the host is as it was" "$(grep '^[-+][^-+]' "$LAB_STATE/before.diff")"
		save_state before # or every later round would say it again
	fi
	((n % 100)) || note "$n rounds: PSS $(pss) KiB"
done
ended=$(now_ms)
# its memory is counted by who shares it
check 'the greeter is there' desktop_on
mapfile -t took < <(printf '%s\n' "${took[@]}" | sort -n)
note "$ROUNDS rounds in $(((ended - begun) / 1000)) s; the hand-over there and back: median ${took[ROUNDS / 2]} ms, longest ${took[-1]} ms"
expect 'rounds that failed' "$failed" 0
expect 'rounds with a host that differs' "$differs" 0
wait_for 'diff -u "$LAB_STATE/kept" <(kept) >"$LAB_STATE/kept.diff"' 10
expect 'descriptors, processes, children and files, before and after' "$(grep '^[-+][^-+]' "$LAB_STATE/kept.diff")" ''
note "the daemon's PSS: $pss KiB before, $(pss) KiB after; $(grep -c ^descriptor "$LAB_STATE/kept") descriptors"
check 'the daemon is not bigger (64 KiB for what the kernel shares out anew)' eval '(( $(pss) <= pss + 64 ))'
