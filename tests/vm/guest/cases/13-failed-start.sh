# shellcheck shell=bash disable=SC1091,SC2016
# A start that fails after hookd said yes; two guests and one card.
. /lab/guest/hookd.sh

hookd_up vm1 vm2
save_state before

case_begin 'QEMU does not start after prepare'
guest_define vm1
virsh -q dumpxml --inactive vm1 | sed "s#<domain type='qemu'>#<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>#; s#</domain>#<qemu:commandline><qemu:arg value='-no-such-option'/></qemu:commandline></domain>#" >"$LAB_STATE/bad.xml"
check 'defined' virsh -q define "$LAB_STATE/bad.xml"
guest_start vm1 120
expect 'virsh start' $? 1
expect 'what virsh says' "$(virsh_said)" '*no-such-option*'
expect_no_txn
expect_before

desktop_off
save_state before

case_begin 'a second guest wants the card that the first one has'
guest_define vm1
guest_define vm2
check 'vm1 starts' guest_start vm1 120
guest_start vm2
expect 'virsh start vm2' $? 1
expect 'what virsh says' "$(virsh_said)" '*in use by the guest vm1*'
expect_drivers vfio-pci vfio-pci
expect 'vm1' "$(virsh domstate vm1)" running*
expect 'one transaction is open' "$(find /run/hookd-txn -mindepth 1 -maxdepth 1 -type d -name '*-*-*' | grep -c .)" 1
check 'vm1 is destroyed' guest_destroy vm1 120
expect_no_txn
expect_before
check 'now vm2 starts' guest_start vm2 120
check 'vm2 is destroyed' guest_destroy vm2 120
expect_no_txn
expect_before
desktop_on
