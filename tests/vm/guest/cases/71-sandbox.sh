# shellcheck shell=bash disable=SC1091,SC2016
# The unit: what it may do is what it needs, and each directive that is off would break something.
. /lab/guest/hookd.sh

hookd_up vm1
guest_define vm1
guest_xml vm1
save_state before
dropin=/run/systemd/system/hookd.service.d/lab.conf
mkdir -p "${dropin%/*}"
cleanup() {
	rm -rf "${dropin%/*}" /etc/modprobe.d/lab-install.conf
	systemctl daemon-reload
	systemctl restart hookd.service
}

# A call that the list of system calls does not have kills from now on, and a killed worker or hand is seen.
strict() {
	printf '[Service]\nSystemCallErrorNumber=kill\n' >"$dropin"
	systemctl daemon-reload
	bounded 30 systemctl restart hookd.service
}

# expect_shim_round NAME: prepare, stopped and release by the shim; the host is as before
expect_shim_round() {
	check "$1 is prepared" hook "$1" prepare || hook_said "$1"
	expect_drivers vfio-pci vfio-pci
	check 'stopped' hook "$1" stopped
	check 'released' hook "$1" release || hook_said "$1"
	expect_no_txn
	expect_before
	expect 'calls that were not allowed' "$(journalctl -q -t hookd --since="@$((LAB_CASE_MS / 1000))" --no-pager | grep -cE 'signal 31|Operation not permitted')" 0
}

case_begin 'systemd-analyze security'
systemd-analyze security --no-pager hookd.service >/lab/out/security.txt 2>&1
line=$(tail -n 1 /lab/out/security.txt)
[[ $line =~ ([0-9]+\.[0-9]+) ]]
score=${BASH_REMATCH[1]}
check "the exposure is below 4.0: $score" eval '(($(tr -d . <<<"$score") < 40))'
expect 'what systemd does not know in it' "$(systemd-analyze verify hookd.service 2>&1 | grep -cE 'hookd\.(service|socket):[0-9]+:|[Uu]nknown')" 0

case_begin 'a round, and no call that the list does not have'
strict
check 'strict' eval '[[ $(systemctl show -P SystemCallErrorNumber hookd.service) != 1 ]]'
expect_shim_round vm1

case_begin 'refusals and a holder that is ended, likewise'
profile vm1 <<<$'[Holders]\nPolicy=kill\nTimeoutSec=4'
hold /dev/nvidia0
expect_shim_round vm1
check 'the holder is gone' eval '! kill -0 $HOLDER 2>/dev/null'
holders_stop
profile vm1 <<<$'[Holders]\nPolicy=refuse'
hold /dev/nvidia0
hook vm1 prepare
expect 'refused' "$?: $(hook_said vm1)" "1: *$HOLDER*"
holders_stop
hook_end vm1
expect_no_txn
expect_before
: >/etc/hookd/profiles/vm1.ini
hookctl plan vm1 >"$LAB_STATE/said" 2>&1
expect 'plan' "$?" 0

case_begin 'install lines in modprobe.d, as distributions have them, likewise'
cat >/etc/modprobe.d/lab-install.conf <<'CONF'
install nvidia-modeset modprobe nvidia ; modprobe -i nvidia-modeset $CMDLINE_OPTS
install nvidia-drm modprobe nvidia-modeset && modprobe -i nvidia-drm $CMDLINE_OPTS && { echo "$MODPROBE_MODULE" >/run/hookd-txn/lab-install; ls /dev/nvidia0 | cat >/dev/null; }
CONF
expect_shim_round vm1
expect 'the line has run' "$(cat /run/hookd-txn/lab-install 2>&1)" nvidia_drm
rm -f /etc/modprobe.d/lab-install.conf /run/hookd-txn/lab-install "$dropin"
systemctl daemon-reload
bounded 30 systemctl restart hookd.service

# ---- what would not work otherwise -----------------------------------------------------------------------------------

# sandboxed PROPERTY... -- COMMAND: in a service with these properties
sandboxed() {
	local options=()
	while [[ $1 != -- ]]; do
		options+=(-p "$1")
		shift
	done
	bounded 60 systemd-run -q -G --pipe --wait "${options[@]}" bash -c "$2" >"$LAB_STATE/said" 2>&1
}

case_begin 'each capability is needed, and no other'
setpriv --reuid=65534 --regid=65534 --clear-groups sleep 600 &
other=$!
cat >"$LAB_STATE/probe" <<PROBE
rmmod nvidia_uvm && modprobe nvidia_uvm && echo sys_module
cat /proc/1/stack && echo sys_admin
readlink /proc/$other/fd/0 && echo sys_ptrace
ls /proc/$other/fd && echo dac_read_search
kill -0 $other && echo kill
PROBE
read -ra caps <<<"$(systemctl show -P CapabilityBoundingSet hookd.service)"
expect 'they are' "$(printf '%s\n' "${caps[@]#cap_}" | sort | paste -sd' ')" 'dac_read_search kill sys_admin sys_module sys_ptrace'
# works CAPABILITY...: what of the probe works with these
works() {
	sandboxed "CapabilityBoundingSet=$*" -- "$(<"$LAB_STATE/probe")"
	grep -xE 'sys_module|sys_admin|sys_ptrace|dac_read_search|kill' "$LAB_STATE/said" | sort | paste -sd' '
}
expect 'with all of them' "$(works "${caps[@]}")" 'dac_read_search kill sys_admin sys_module sys_ptrace'
for cap in "${caps[@]}"; do
	rest=$(printf '%s\n' "${caps[@]}" | grep -vx "$cap" | paste -sd' ')
	case " $(works "$rest") " in
	*" ${cap#cap_} "*) not_ok "without $cap" "$(works "$rest")" ;;
	*) ok "without $cap: no ${cap#cap_}" ;;
	esac
done
modprobe nvidia_uvm
expect_before

case_begin 'each directive that is off would break what its comment says'
f=/sys/bus/pci/drivers_probe
while IFS='|' read -r property command; do
	check "as it is: $command" sandboxed ProtectSystem=strict -- "$command"
	if sandboxed "$property" -- "$command"; then
		not_ok "with $property" "$command"
	else
		ok "with $property: not"
	fi
done <<END
ProtectKernelModules=yes|test -e /usr/lib/modules/\$(uname -r)/modules.dep
ProtectKernelTunables=yes|test -w $f
PrivateDevices=yes|test -e /dev/dri/card0
DevicePolicy=closed|: </dev/nvidiactl
PrivateNetwork=yes|test \$(readlink /proc/self/ns/net) = \$(readlink /proc/1/ns/net)
PrivateUsers=yes|readlink /proc/$other/fd/0
User=nobody|test -w $f
ProcSubset=pid|test -e /proc/modules
SystemCallFilter=~@module|rmmod nvidia_uvm && modprobe nvidia_uvm
RestrictAddressFamilies=AF_UNIX|perl -e 'socket(my \$s, 16, 3, 15) or exit 1'
END
check 'ProtectProc=invisible hides nothing from who may look at all' sandboxed ProtectProc=invisible "CapabilityBoundingSet=${caps[*]}" -- "readlink /proc/$other/fd/0"
kill "$other"
modprobe nvidia_uvm
expect_before
