# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2153
# SIGKILL of the worker, the daemon, both and a hand at every boundary of a prepare and of a release, with the steps of a desktop: the
# host is as it was. crash_matrix says how many of them.
. /lab/guest/hookd.sh
. /lab/guest/crash.sh

mapfile -t LAB_FUNCTIONS < <(printf '0000:00:03.0\n' && functions_of)

cleanup() {
	crash_down
}

# a process that has the card, which hookd ends
trial_begin() {
	/lab/bin/holder --term /dev/nvidia0 >"$CRASH/holder" &
	LAB_HOLDERS=($!)
	wait_soon '[[ -s $CRASH/holder ]]' 5
}

trial_end() {
	kill -9 "${LAB_HOLDERS[0]}" 2>/dev/null
	wait "${LAB_HOLDERS[0]}" 2>/dev/null
}

hookd_up vm1
guest_define vm1

case_begin 'killed at every boundary: the host is as it was'
crash_desktop
crash_up
crash_matrix

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
