# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2154
# Units and sessions that never end, and a journald that does not read. In the end the card is used.
. /lab/guest/hangs.sh

bounded 30 systemctl stop display-manager.service	# it takes most of the time
save_state before

case_begin 'a unit that never stops'
printf '[Service]\nExecStart=/bin/bash -c "trap : TERM; while :; do sleep 1; done"\nTimeoutStopSec=infinity\n' \
	>/run/systemd/system/lab-endless.service
systemctl daemon-reload
systemctl start lab-endless
profile vm1 <<<"${short}[Services]"$'\nStopUnits=lab-endless.service'
hook vm1 prepare begin
expect 'prepare' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 14000 * SLOW))"
expect 'it says' "$(hook_said)" '*lab-endless.service did not stop in time*'
expect_unimpaired
systemctl kill -s KILL lab-endless
check 'it runs again' wait_for 'systemctl is-active -q lab-endless' 20
check 'no transaction is left' wait_for no_txn 60
systemctl kill -s KILL lab-endless
bounded 20 systemctl stop lab-endless
rm /run/systemd/system/lab-endless.service
systemctl daemon-reload
profile vm1 <<<"$short"

case_begin 'a session that never ends'
systemd-run -q --unit=lab-session -p PAMName=login -p User=root -p StandardInput=tty -p TTYPath=/dev/tty3 -p UtmpIdentifier=tty3 \
	-E XDG_SESSION_TYPE=wayland /lab/bin/holder /dev/dri/card0
check 'there is a session' wait_for 'loginctl list-sessions --no-legend | grep -q tty3' 20
profile vm1 <<<"$short"$'[Sessions]\nPolicy=terminate\nTimeoutSec=2'
hook vm1 prepare begin
expect 'prepare' $? 1
check "it took $TOOK ms, deadline $DEADLINE s" eval "((TOOK <= DEADLINE * 1000 + 4000 * SLOW))"
expect 'it says' "$(hook_said)" '*session*'
expect_unimpaired
systemctl kill -s KILL lab-session
bounded 20 systemctl stop lab-session
check 'the session is gone' wait_for '! loginctl list-sessions --no-legend | grep -q tty3' 20
systemctl reset-failed
expect_no_txn
profile vm1 <<<"$short"

case_begin 'journald does not read: nothing of ours waits, and every line comes later, in its place'
hook vm1 prepare begin
expect 'prepare' $? 0
journald_stop
slowest=0
for i in {1..40}; do
	hook vm1 started "n$i"
	((TOOK < slowest)) || slowest=$TOOK
done
TOOK=$slowest
within 1000 'the slowest of 40 events'
check 'the lines are in the spool' eval '[[ $(stat -c %s /run/hookd-txn/spool) -gt 4000 ]]'
kill -CONT "$journald"
# no worker ends in between
check 'the spool is empty soon' wait_for '[[ ! -s /run/hookd-txn/spool ]]' 20
lines() {
	journalctl -q -t hookd --since="@$((LAB_CASE_MS / 1000))" -o json --output-fields=HOOKD_EVENT |
		sed -n 's/.*"started.n\([0-9]*\)".*/\1/p' | paste -sd ' '
}
wait_for '[[ $(lines) == *40 ]]' 10
expect 'lines, in order' "$(lines)" "$(seq -s ' ' 40)"
journald_stop
hook vm1 release end
expect 'release' $? 0
timed systemctl restart hookd.service
within 3000 'systemctl restart hookd'
kill -CONT "$journald"
check 'its story arrives' wait_for '(($(audited HOOKD_RESULT=released) >= 1))' 20
expect_no_txn
expect_before

case_begin 'after all that the card is usable'
bounded 30 systemctl start display-manager.service
wait_for greeter_up 60
save_state before
expect_round vm1
