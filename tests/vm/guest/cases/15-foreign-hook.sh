# shellcheck shell=bash disable=SC1091,SC2016
# The shim beside somebody's own hook; enable and disable undo each other exactly; what libvirtd notices.
. /lab/guest/hookd.sh

case_begin 'a foreign hook stays what it is, ours goes into qemu.d'
mkdir -p /etc/libvirt/hooks
printf '#!/bin/sh\necho "$@" >>/run/lab/foreign\n' >/etc/libvirt/hooks/qemu
chmod 755 /etc/libvirt/hooks/qemu
sum=$(sha256sum /etc/libvirt/hooks/qemu)
libvirt_restart
pid=$(systemctl show -P MainPID libvirtd)
hookd_up vm1
save_state before
expect 'the foreign hook' "$(sha256sum /etc/libvirt/hooks/qemu)" "$sum"
check 'ours is a real file in qemu.d' eval '[[ -f /etc/libvirt/hooks/qemu.d/50-hookd && ! -L /etc/libvirt/hooks/qemu.d/50-hookd ]]'
guest_define vm1
expect_round vm1
check 'both ran' grep -q '^vm1 prepare begin' /run/lab/foreign
check "hookctl disable" said hookctl disable
check 'nothing of ours is left' eval '[[ ! -e /etc/libvirt/hooks/qemu.d ]]'
expect 'the foreign hook' "$(sha256sum /etc/libvirt/hooks/qemu)" "$sum"
rm /etc/libvirt/hooks/qemu

case_begin 'enable where there was no hook: libvirtd notices without a restart by hand'
rmdir /etc/libvirt/hooks/qemu.d 2>/dev/null
libvirt_restart
hookd_up vm1
note "libvirtd's pid before and after: $pid $(systemctl show -P MainPID libvirtd)"
check 'a real file' eval '[[ -f /etc/libvirt/hooks/qemu && ! -L /etc/libvirt/hooks/qemu ]]'
save_state before
expect_round vm1
check "hookctl disable" said hookctl disable
check 'gone' eval '[[ ! -e /etc/libvirt/hooks/qemu ]]'
