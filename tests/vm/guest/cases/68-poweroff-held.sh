# shellcheck shell=bash disable=SC1091
# The host is shut down while a guest has the card: no unit is started and no module loaded, and nothing waits. Ends the boot.
. /lab/guest/hookd.sh

hookd_up vm1
guest_define vm1
case_begin 'the host is shut down while the guest runs'
check 'vm1 starts' guest_start vm1 120
expect_drivers vfio-pci vfio-pci
expect 'the display manager' "$(systemctl is-active display-manager)" "$DM_DOWN"
poweroff_case 60 --never 'Start(ed|ing) lightdm|lightdm.*(S|s)tarting|hookd.*failed'
