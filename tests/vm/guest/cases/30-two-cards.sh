# shellcheck shell=bash disable=SC1091,SC2016
# Topology dual: the desktop is on the other card and must not notice.
. /lab/guest/hookd.sh

case_begin 'two cards, the desktop on the other one stays'
hookd_up vm1
save_state before
pid=$(systemctl show -P MainPID display-manager)
guest_define vm1
expect_round vm1 active
expect 'the display manager was never stopped' "$(systemctl show -P MainPID display-manager)" "$pid"
check 'the console stayed' grep -q 'frame buffer' /sys/class/vtconsole/*/name
screenshot dual-after boot
