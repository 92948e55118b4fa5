# shellcheck shell=bash disable=SC1091,SC2016
# The administrator's scripts: as transient units of the real systemd, with libvirt's own XML, in both folders.
. /lab/guest/hookd.sh

OWN=/etc/hookd/hooks.d
QEMU=/etc/libvirt/hooks/qemu.d
cleanup() {
	rm -rf "$OWN"/vm1 "$OWN"/plain "$QEMU"/vm1 "$QEMU"/plain /run/lab/ran /usr/local/bin/lab-note
}

# put FILE <<SCRIPT
put() {
	mkdir -p "$(dirname "$1")"
	cat >"$1"
	chmod 755 "$1"
}

# a script that notes who it is, what it got and where it runs
note_script() {
	put "$1" <<'SCRIPT'
#!/bin/sh
echo "$0 says $*"
echo "$0 $* xml=$(grep -c '<domain' /dev/stdin) caps=$(grep CapEff /proc/self/status | cut -f2) \
cgroup=$(cut -d: -f3 /proc/self/cgroup)" >>/run/lab/ran
SCRIPT
}

# all that the doctor says, in one line
doctor() {
	hookctl doctor | tr -s ' \n' ' '
}

# the events of the scripts in the order in which they ran
ran() {
	awk '{ n = split($1, p, "/"); print p[n - 1] "/" p[n] }' /run/lab/ran 2>/dev/null | paste -sd' '
}

case_begin 'all events of a guest, in order, in both layouts'
hookd_up vm1
for e in prepare start started stopped release; do
	note_script "$OWN/vm1/$e/10-own"
done
for e in prepare/begin start/begin started/begin stopped/end release/end; do
	note_script "$QEMU/vm1/$e/20-usual.sh"
done
put /usr/local/bin/lab-note <<'SCRIPT'
#!/bin/sh
echo "/x/profile/$1 xml=$(grep -c '<domain' /dev/stdin) $HOOKD_DOMAIN $HOOKD_EVENT args=$*" >>/run/lab/ran
SCRIPT
profile vm1 <<<$'[Scripts]\nExecPrepare=/usr/local/bin/lab-note before ${HOOKD_DOMAIN} $$\nExecRelease=/usr/local/bin/lab-note after'
save_state before
rm -f /run/lab/ran
guest_define vm1
check 'hookctl plan names them' eval 'hookctl plan vm1 | grep -q "scripts  *vm1"'
check 'looking runs nothing' eval '[[ ! -e /run/lab/ran ]]'
expect_round vm1
cp /run/lab/ran /lab/out/scripts-ran.txt
expect 'the order' "$(ran)" 'profile/before prepare/10-own begin/20-usual.sh start/10-own begin/20-usual.sh started/10-own begin/20-usual.sh stopped/10-own end/20-usual.sh profile/after release/10-own end/20-usual.sh'
expect 'each has the XML' "$(grep -c xml=1 /run/lab/ran)" 12
check 'arguments as they were written' grep -qF 'args=before ${HOOKD_DOMAIN} $$' /run/lab/ran
check 'arguments as from libvirt' grep -q '/vm1/started/begin/20-usual.sh vm1 started begin - ' /run/lab/ran
check 'outside of the sandbox: all capabilities' grep -q 'caps=00000[01]ffffffffff' /run/lab/ran
expect 'none in the cgroup of hookd' "$(grep -c hookd.service /run/lab/ran)" 0
check 'what they print is in the journal' eval 'journalctl -q -t hookd-script HOOKD_DOMAIN=vm1 --no-pager | grep -q "says vm1 prepare begin -"'
expect 'units that are left' "$(systemctl list-units --all --no-legend 'hookd-script-*' | grep -c .)" 0

case_begin 'a failure refuses in prepare and in start, and release runs all the same'
guest_define vm1 -
guest_xml vm1
put "$OWN/vm1/prepare/05-fails" <<<$'#!/bin/sh\nexit 3'
rm -f /run/lab/ran
expect_refused vm1 'exit status 3'
expect 'what ran' "$(ran)" 'profile/before profile/after release/10-own end/20-usual.sh stopped/10-own end/20-usual.sh'
rm "$OWN/vm1/prepare/05-fails"
put "$OWN/vm1/start/05-fails" <<<$'#!/bin/sh\nexit 4'
expect_refused vm1 'exit status 4'
rm "$OWN/vm1/start/05-fails"
expect 'units that are left' "$(systemctl list-units --all --no-legend 'hookd-script-*' | grep -c .)" 0

case_begin 'a failure does not kill a guest that runs; what is left in the background stays'
put "$OWN/vm1/started/05-fails" <<<$'#!/bin/sh\nexit 5'
put "$OWN/vm1/prepare/05-background" <<<$'#!/bin/sh\nsleep 777 &'
rm -f /run/lab/ran
prepared vm1
hook vm1 started
expect 'the exit status of started' $? 0
check 'the others ran' grep -q started/10-own /run/lab/ran
check 'it is reported' wait_for 'journalctl -q -t hookd --no-pager | grep -q "exit status 5"' 5
check 'sleep is there' pgrep -f '^sleep 777$'
pkill -f '^sleep 777$'
rm "$OWN/vm1/started/05-fails" "$OWN/vm1/prepare/05-background"
hook_end vm1
expect_no_txn

case_begin 'one that does not end is ended at its deadline'
profile vm1 <<<$'[Scripts]\nTimeoutSec=3'
put "$OWN/vm1/prepare/05-endless" <<<$'#!/bin/sh\nsleep 600 & sleep 601'
expect_hook_refused vm1 'did not end within 3 s'
expect 'its children' "$(pgrep -fc '^sleep 60[01]$')" 0
rm "$OWN/vm1/prepare/05-endless"

case_begin 'a worker killed in a script: release runs once'
: >/etc/hookd/profiles/vm1.ini
put "$OWN/vm1/prepare/05-slow" <<<$'#!/bin/sh\nsleep 5'
rm -f /run/lab/ran
hook_begin vm1 prepare
check 'it runs' wait_for 'pgrep -f "^sleep 5$"' 20
kill -9 "$(pgrep -o hookd-worker)"
wait "$HOOK"
expect_no_txn
expect 'release' "$(grep -c /release/10-own /run/lab/ran)" 1
rm "$OWN/vm1/prepare/05-slow"

case_begin 'not root alone: refused, and named'
chmod 777 "$OWN/vm1/prepare"
expect_hook_refused vm1 "$OWN/vm1/prepare may be written by everybody"
expect 'hookctl doctor' "$(doctor)" "*$OWN/vm1/prepare may be written by everybody*"
chmod 755 "$OWN/vm1/prepare"
chown 1000 "$QEMU/vm1/release/end/20-usual.sh"
expect_hook_refused vm1 'belongs to user 1000'
chown 0 "$QEMU/vm1/release/end/20-usual.sh"

case_begin 'virsh in a script: the deadline ends it, the doctor names the line'
put "$QEMU/vm1/prepare/begin/30-virsh.sh" <<<$'#!/bin/sh\n\nvirsh dominfo vm1'
profile vm1 <<<$'[Scripts]\nTimeoutSec=5'
expect 'hookctl doctor' "$(doctor)" '*30-virsh.sh:3 calls libvirt back*'
expect_refused vm1 'did not end within 5 s'
rm "$QEMU/vm1/prepare/begin/30-virsh.sh"
: >/etc/hookd/profiles/vm1.ini

case_begin 'a guest without a profile has its scripts all the same'
note_script "$OWN/plain/prepare/10-own"
note_script "$OWN/plain/release/10-own"
rm -f /run/lab/ran
guest_define plain -
guest_xml plain
prepared plain
hook_end plain
expect_no_txn
expect 'what ran' "$(ran)" 'prepare/10-own release/10-own'

case_begin 'what a dispatcher script of somebody else runs is not run twice'
hookd=/etc/libvirt/hooks/qemu.d/50-hookd
mv /etc/libvirt/hooks/qemu $hookd
put /etc/libvirt/hooks/qemu <<'SCRIPT'
#!/bin/bash
for f in /etc/libvirt/hooks/qemu.d/"$1"/"$2"/"$3"/*; do [[ -x $f ]] && "$f" "$@" <<<'<domain'; done; exit 0
SCRIPT
rm -f /run/lab/ran
check 'the dispatcher' hook vm1 prepare
check "hookd's hook" eval '$hookd vm1 prepare begin - <$LAB_STATE/vm1.xml'
check "hookd's hook, at the end" eval '$hookd vm1 release end - <$LAB_STATE/vm1.xml'
expect "each of libvirt's layout" "$(grep -c 'prepare/begin/20-usual' /run/lab/ran)" 1
expect "hookd's own" "$(grep -c 'prepare/10-own' /run/lab/ran)" 1
mv $hookd /etc/libvirt/hooks/qemu
