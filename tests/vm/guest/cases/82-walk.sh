# shellcheck shell=bash disable=SC1091,SC2016
# The walk in README.md, from a fresh install to a first hand-over, followed word for word: its fenced blocks are run, one after
# another, as a person would who waits until the guest is off.
. /lab/guest/hookd.sh
. /lab/guest/hookctl.sh

WALK=$LAB_STATE/walk

cleanup() {
	rm -rf /etc/hookd/profiles/win11.ini "$WALK"
}

# The walk's blocks as files 01, 02, ...
blocks() {
	awk -v to="$WALK" '
		/^## / { walk = /^## Ten minutes to a first hand-over$/ }
		walk && /^```$/ { inside = 0 }
		inside { print >file }
		walk && /^```sh$/ { inside = 1; file = sprintf("%s/%02d", to, ++n) }' /lab/README.md
}

case_begin "README.md's ten-minute walk"
mkdir -p "$WALK/bin"
printf '#!/bin/sh\nexec "$@"\n' >"$WALK/bin/sudo" # nobody but root is here
chmod 755 "$WALK/bin/sudo"
blocks
expect 'its steps' "$(find "$WALK" -type f -name '[0-9][0-9]' | wc -l)" 8
hookd_fresh
guest_define win11 paint=button -
expect 'a fresh install: the hook' "$(ls -A /etc/libvirt/hooks)" ''
save_state before
for block in "$WALK"/[0-9][0-9]; do
	commands=$(<"$block")
	note "${commands//$'\n'/; }"
	PATH=$WALK/bin:$PATH bounded 180 bash -e "$block" >"$WALK/said" 2>&1
	expect '  exit status' $? 0
	sed 's/^/      /' "$WALK/said"
	case $commands in
	*'hookctl doctor'*) check '  no problem, and no warning' eval '! grep -qE "^  (problem|warning)" "$WALK/said"' ;;
	*'hookctl devices'*) expect '  functions that can go' "$(grep -c 'to a guest yes' "$WALK/said")" 2 ;;
	*attach-device*) expect '  host devices of win11' "$(virsh dumpxml --inactive win11 | grep -c '<hostdev ')" 2 ;;
	*'hookctl plan'*) expect_state before 1 ;;
	*'virsh start'*)
		expect_drivers vfio-pci vfio-pci
		check '  status says who has it' grep -q '^win11  *held' "$WALK/said"
		check '  the guest paints the screen' guest_painted
		;;
	*'virsh shutdown'*)
		check '  win11 goes off' wait_for '[[ $(virsh domstate win11) == "shut off"* ]]' 90
		expect_no_txn
		expect_before
		;;
	*--timeline*)
		check '  the way there and back' grep -qE '^[0-9: -]+ stop, .*: released' "$WALK/said"
		check '  status holds nothing' eval '! grep -q "^win11  *held" "$WALK/said"'
		;;
	esac
done
expect 'what was told of problems' "$(audited PRIORITY=3)" 0
check 'hookctl disable' said hookctl disable
