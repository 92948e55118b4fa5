# shellcheck shell=bash disable=SC1091,SC2016
# AppArmor enforcing: the shim inherits libvirtd's profile.
. /lab/guest/hookd.sh

case_begin 'one round with AppArmor enforcing'
if [[ $(cat /proc/"$(systemctl show -P MainPID libvirtd)"/attr/current) != *enforce* ]]; then
	not_ok 'libvirtd is confined'
	exit
fi
hookd_up vm1
save_state before
guest_define vm1
expect_round vm1
expect 'denials that name the shim or hookd' "$(dmesg | grep apparmor=.DENIED | grep -c hook)" 0
