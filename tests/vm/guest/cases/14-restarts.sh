# shellcheck shell=bash disable=SC1091,SC2016
# libvirtd and hookd restarted while the guest runs; hookd not there; a broken profile.
. /lab/guest/hookd.sh

hookd_up vm1
save_state before
guest_define vm1

case_begin 'libvirtd restarted while the guest runs'
check 'vm1 starts' guest_start vm1 120
libvirt_restart
expect 'vm1' "$(virsh domstate vm1)" running*
expect_drivers vfio-pci vfio-pci
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before

desktop_off
save_state before

case_begin 'hookd restarted while the guest runs'
check 'vm1 starts' guest_start vm1 120
check 'restarted' bounded 30 systemctl restart hookd.service
expect_drivers vfio-pci vfio-pci
expect 'vm1' "$(virsh domstate vm1)" running*
check 'it still knows who has the card' eval 'hookctl status | grep -q vm1'
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before

case_begin 'hookd killed while the guest runs'
check 'vm1 starts' guest_start vm1 120
kill -9 "$(systemctl show -P MainPID hookd.service)"
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before

case_begin 'hookd.socket down: a guest with a card is refused, others start'
bounded 30 systemctl stop hookd.socket hookd.service
guest_start vm1
expect 'virsh start vm1' $? 1
expect 'what virsh says' "$(virsh_said)" '*systemctl start hookd.socket*'
guest_define plain -
check 'plain starts' guest_start plain
check 'plain is destroyed' guest_destroy plain
bounded 30 systemctl start hookd.socket
expect_before

case_begin 'a broken profile refuses its guest and no other'
printf '[Holders]\nPolicy=perhaps\n' >/etc/hookd/profiles/vm1.ini
: >/etc/hookd/profiles/vm2.ini
expect_refused vm1 'vm1.ini:2'
guest_define vm2
check 'vm2 starts' guest_start vm2 120
check 'vm2 is destroyed' guest_destroy vm2 120
expect_no_txn
: >/etc/hookd/profiles/vm1.ini
chmod 666 /etc/hookd/profiles/vm1.ini
expect_refused vm1 vm1.ini
chmod 644 /etc/hookd/profiles/vm1.ini
expect_before

desktop_on

case_begin 'the client hangs up in prepare: everything is rolled back'
profile vm1 <<<$'[Services]\nStopUnits=lab-slow.service'
printf '[Service]\nExecStart=sleep infinity\nExecStop=sleep 5\n' >/run/systemd/system/lab-slow.service
systemctl daemon-reload
systemctl start lab-slow.service
save_state before
virsh -q dumpxml vm1 >"$LAB_STATE/vm1.xml"
/etc/libvirt/hooks/qemu vm1 prepare begin - <"$LAB_STATE/vm1.xml" 2>/dev/null &
shim=$!
check 'the unit is being stopped' wait_for '[[ $(systemctl is-active lab-slow) == deactivating ]]' 100
kill -9 "$shim"
# the roll-back waits for lightdm's stop, see DM_DOWN
check 'no transaction is open' wait_for no_txn 120
check 'it runs again' wait_for 'systemctl is-active -q lab-slow' 20
expect_before
printf '[Service]\nExecStart=sleep infinity\n' >/run/systemd/system/lab-slow.service
systemctl daemon-reload
systemctl stop lab-slow.service
rm /run/systemd/system/lab-slow.service
systemctl daemon-reload
