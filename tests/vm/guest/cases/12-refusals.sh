# shellcheck shell=bash disable=SC1091,SC2016
# Each step's failure refuses the start, virsh shows why, and the host is as it was.
. /lab/guest/hookd.sh

systemctl start nvidia-persistenced.service
hookd_up vm1
guest_define vm1
save_state before
cleanup() {
	systemctl stop nvidia-persistenced.service
	desktop_on
}

case_begin 'display-manager: a unit that must not be stopped'
mkdir -p /run/systemd/system/lightdm.service.d
printf '[Unit]\nRefuseManualStop=yes\n' >/run/systemd/system/lightdm.service.d/lab.conf
systemctl daemon-reload
expect_refused vm1 lightdm.service
rm -r /run/systemd/system/lightdm.service.d
systemctl daemon-reload

case_begin 'services: one of StopUnits= must not be stopped'
printf '[Unit]\nRefuseManualStop=yes\n[Service]\nExecStart=sleep infinity\n' >/run/systemd/system/lab-stubborn.service
systemctl daemon-reload
systemctl start lab-stubborn.service
profile vm1 <<<$'[Services]\nStopUnits=lab-stubborn.service'
expect_refused vm1 lab-stubborn.service
expect 'the other service runs again' "$(systemctl is-active nvidia-persistenced)" active
printf '[Service]\nExecStart=sleep infinity\n' >/run/systemd/system/lab-stubborn.service
systemctl daemon-reload
systemctl stop lab-stubborn.service
rm /run/systemd/system/lab-stubborn.service
systemctl daemon-reload

case_begin 'sessions: somebody has a desktop on the seat and shall not be thrown out'
profile vm1 <<<$'[Sessions]\nPolicy=wait\nTimeoutSec=2'
systemd-run -q --unit=lab-session -p PAMName=login -p User=root -p StandardInput=tty -p TTYPath=/dev/tty3 -p UtmpIdentifier=tty3 \
	-E XDG_SESSION_TYPE=wayland sleep infinity
check 'there is a session' wait_for 'loginctl list-sessions --no-legend | grep -q tty3' 10
expect_refused vm1 session
systemctl stop lab-session
wait_for '! loginctl list-sessions --no-legend | grep -q tty3' 10

desktop_off
save_state before

case_begin 'holders: a process that will not go'
profile vm1 <<<$'[Holders]\nTimeoutSec=2'
hold /dev/nvidia0
expect_refused vm1 "$HOLDER"
expect 'the refusal names the command' "$(virsh_said)" '*holder*'
holders_stop

case_begin 'holders: refuse at once'
profile vm1 <<<$'[Holders]\nPolicy=refuse'
hold --mmap /dev/nvidia0
expect_refused vm1 "$HOLDER"
holders_stop

case_begin 'holders: Policy=terminate ends one that listens to SIGTERM'
profile vm1 <<<$'[Holders]\nPolicy=terminate'
hold --term /dev/nvidia0
expect_round vm1
check 'it is gone' eval '! kill -0 $HOLDER 2>/dev/null'

case_begin 'holders: Policy=kill ends one that does not'
profile vm1 <<<$'[Holders]\nPolicy=kill\nTimeoutSec=4'
hold /dev/nvidia0
expect_round vm1
check 'it is gone' eval '! kill -0 $HOLDER 2>/dev/null'

case_begin 'module: busy, with a user that no device file shows'
: >/etc/hookd/profiles/vm1.ini
knob pin 1
expect_refused vm1 'the module nvidia is in use (reference count '
knob pin 0

case_begin 'module: a chain that stays would make the unbind hang, so there is none'
profile vm1 <<<$'[Module]\nPolicy=keep'
expect_refused vm1 nvidia_drm

case_begin 'module: the driver that the guest shall have does not exist'
profile vm1 <<<$'[Driver]\nGuest=no-such-driver'
expect_refused vm1 'no module no_such_driver'

case_begin 'a unit that is slow to stop, and a start with too little time'
profile vm1 <<<$'[Transaction]\nStartTimeoutSec=8\n[Services]\nStopUnits=lab-slow.service'
printf '[Service]\nExecStart=sleep infinity\nExecStop=sleep 16\n' >/run/systemd/system/lab-slow.service
systemctl daemon-reload
systemctl start lab-slow.service
save_state before
expect_refused vm1 'lab-slow.service did not stop in time'
check 'it runs again' wait_for 'systemctl is-active -q lab-slow' 40
printf '[Service]\nExecStart=sleep infinity\n' >/run/systemd/system/lab-slow.service
systemctl daemon-reload
systemctl stop lab-slow.service
rm /run/systemd/system/lab-slow.service
systemctl daemon-reload
