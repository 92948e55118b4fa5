# shellcheck shell=bash disable=SC1091,SC2016
# The host boots: libvirt starts the guest by itself while the display manager still waits in systemd's queue, held there by
# its order behind a unit that takes long, as behind a slow disk.
. /lab/guest/hookd.sh

drop_in=/run/systemd/system/lightdm.service.d
slow_begins() {
	rm -f "$LAB_STATE/slow"
	mkfifo "$LAB_STATE/slow"
	printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=infinity\nExecStart=cat %s\n' "$LAB_STATE/slow" \
		>/run/systemd/system/lab-slow-boot.service
	mkdir -p $drop_in
	printf '[Unit]\nWants=lab-slow-boot.service\nAfter=lab-slow-boot.service\n' >$drop_in/lab.conf
	systemctl daemon-reload
}

slow_ends() {
	[[ $(systemctl is-active lab-slow-boot) == activating ]] || return 0
	bounded 5 dd if=/dev/null of="$LAB_STATE/slow" status=none
	wait_for 'systemctl is-active -q lab-slow-boot' 5
}

cleanup() {
	bounded 30 virsh -q autostart --disable vm1 >/dev/null 2>&1
	slow_ends
	bounded 30 systemctl stop lab-slow-boot
	rm -rf $drop_in /run/systemd/system/lab-slow-boot.service
	systemctl daemon-reload
	systemctl is-active -q display-manager || bounded 60 systemctl start display-manager
}

in_queue() {
	[[ $(systemctl is-active lightdm) == inactive ]] && systemctl list-jobs --no-legend | grep -q 'lightdm.service *start'
}

# Does it stay down now that nothing holds it back any more?
expect_desktop_stays_down() {
	check 'what held the display manager back has ended' slow_ends
	check 'nothing starts it under the guest' eval '! wait_for "[[ \$(systemctl is-active lightdm) != inactive ]]" 3'
	expect 'jobs left in the queue for it' "$(systemctl list-jobs --no-legend | grep -c lightdm)" 0
}

case_begin 'autostart while the start of the display manager is queued'
hookd_up vm1
guest_define vm1
save_state before
check 'autostart' virsh -q autostart vm1
bounded 60 systemctl stop display-manager.service
bounded 60 systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket 2>/dev/null
rm -f /run/libvirt/qemu/autostarted # of this boot: libvirt starts them once
slow_begins
systemctl start --no-block graphical.target libvirtd.service
check 'its start is queued and it is not running' wait_for in_queue 10
check 'libvirtd starts the guest' wait_for '[[ $(bounded 10 virsh domstate vm1 2>/dev/null) == running* ]]' 120
expect_drivers vfio-pci vfio-pci
expect 'the display manager, to the audit' \
	"$(journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" HOOKD_STEP=display-manager -o cat | paste -sd' ')" \
	'vm1: display-manager lightdm.service: active -> inactive (*)'
expect_desktop_stays_down
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before

case_begin 'the guest leaves again before the display manager could have started'
bounded 30 virsh -q autostart --disable vm1
guest_xml vm1
bounded 60 systemctl stop display-manager.service lab-slow-boot.service
slow_begins
systemctl start --no-block lightdm.service
check 'its start is queued and it is not running' wait_for in_queue 10
check 'vm1 is prepared' hook vm1 prepare || hook_said vm1
expect_drivers vfio-pci vfio-pci
hook vm1 stopped
hook_begin vm1 release
check 'its start is queued again' wait_for in_queue 60
check 'what held it back has ended' slow_ends
check 'vm1 is released' wait "$HOOK"
expect_no_txn
expect_before
