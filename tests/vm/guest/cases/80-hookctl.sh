# shellcheck shell=bash disable=SC1091,SC2016,SC2034
# hookctl's verbs on a real host, where no guest runs: enable, disable, status, devices, holders, profiles, doctor, rom.
. /lab/guest/hookd.sh
. /lab/guest/hookctl.sh

CARD=${LAB_CARDS%% *}
PROFILES=/etc/hookd/profiles

# All that enable may touch: names, types, rights, owners, contents, links; the units' states.
traces() {
	find /etc/libvirt/hooks /var/lib/hookd /etc/systemd/system \( -type d -printf '%p %M %u %g\n' \) \
		-o -printf '%p %M %u %g %T@ %s %l\n' 2>/dev/null | sort
	find /etc/libvirt/hooks -type f -exec sha256sum {} + | sort
	printf 'socket %s %s\n' "$(systemctl is-enabled hookd.socket)" "$(systemctl is-active hookd.socket)"
}

expect_traces() {
	traces >"$LAB_STATE/traces"
	if diff "$LAB_STATE/traces.before" "$LAB_STATE/traces" >"$LAB_STATE/traces.diff"; then
		ok "$1: as before"
	else
		not_ok "$1: as before" "$(<"$LAB_STATE/traces.diff")"
	fi
}

cleanup() {
	bounded 30 systemctl stop lab-user.service nvidia-persistenced.service 2>/dev/null
	rm -f "$PROFILES"/*
}

case_begin 'hookctl enable: libvirt gets the hook and is told; disable takes back exactly that'
hookd_fresh
traces >"$LAB_STATE/traces.before"
ctl 1 'hookctl: hookd is not running*systemctl start hookd.socket*' status
ctl 1 '*not installed*hookctl enable*' doctor
pid=$(systemctl show -P MainPID libvirtd)
ctl 0 '*enabled hookd.socket*started hookd.socket*installed /etc/libvirt/hooks/qemu reloaded libvirtd.service*' enable
expect "libvirtd's pid" "$(systemctl show -P MainPID libvirtd)" "$pid"
check 'the hook is a file, and may be run' eval '[[ -x /etc/libvirt/hooks/qemu && ! -L /etc/libvirt/hooks/qemu ]]'
ctl 0 '*is installed already*' enable
ctl 0 'hookd * runs since * (pid *), 0 profiles*' status
ctl 0 '*removed /etc/libvirt/hooks/qemu*' disable
expect_traces 'after disable'
ctl 0 'hookctl has installed nothing here*' disable

case_begin "hookctl enable and disable beside somebody's own hook"
printf '#!/bin/sh\nexit 0\n' >/etc/libvirt/hooks/qemu
chmod 750 /etc/libvirt/hooks/qemu
touch -d 2020-01-01 /etc/libvirt/hooks/qemu
traces >"$LAB_STATE/traces.before"
ctl 0 '*installed /etc/libvirt/hooks/qemu.d/50-hookd, beside the hook that is there*' enable
ctl 0 '*removed /etc/libvirt/hooks/qemu.d/50-hookd*' disable
expect_traces 'after disable'
ctl 0 '*50-hookd*' enable
printf '# mine\n' >>/etc/libvirt/hooks/qemu.d/50-hookd
ctl 1 '*left alone /etc/libvirt/hooks/qemu.d/50-hookd*' disable
check 'a hook that was changed stays' grep -qa '# mine' /etc/libvirt/hooks/qemu.d/50-hookd
rm -r /etc/libvirt/hooks/qemu.d /etc/libvirt/hooks/qemu

case_begin 'wrong usage is 2, and what an ordinary user may not do is 1'
ctl 2 '*' no-such-verb
ctl 2 '*' status --no-such-option
ctl 2 '*plan needs the name of a guest*' plan
ctl 2 '*' release
ctl 2 '*is no PCI address*' holders nonsense
ctl 1 '*no PCI device 0000:77:00.0*' holders 0000:77:00.0
ctl 2 '*' rom dump
ctl 0 '*enable*disable*status*doctor*' --help
check 'libvirt is loaded only by the process that asks it' eval '! ldd "$(command -v hookctl)" | grep -q libvirt'
as_nobody ctl 1 '*Permission denied*try again with sudo*' enable
as_nobody ctl 0 '*GeForce*' devices
as_nobody ctl 0 '*' holders
as_nobody ctl 1 '*' status

hookd_up vm1
guest_define vm1
save_state before

case_begin 'hookctl status and devices'
ctl_json 0 status
expect 'pid of the daemon' "$(json pid)" "$(systemctl show -P MainPID hookd.service)"
expect 'guests' "$(json domain)" ''
ctl 0 "*$CARD.0 *GeForce*boot VGA*driver nvidia;*reset bus*held by Xorg (pid *, lightdm.service): /dev/dri/card*guests vm1 to a guest yes*\
$CARD.1 *driver snd_hda_intel*guests vm1 to a guest yes*" devices
ctl 0 "0000:00:03.0 *pcieport*$CARD.0 *nvidia *$CARD.1 *snd_hda_intel *" devices --tree
ctl_json 0 devices
expect 'addresses' "$(json address | paste -sd' ')" "$CARD.0 $CARD.1"
expect 'drivers' "$(json driver | paste -sd' ')" 'nvidia snd_hda_intel'
expect 'may be given to a guest' "$(json passable | paste -sd' ')" 'true true'
expect 'group' "$(json iommu_group | head -1)" "$(basename "$(readlink "/sys/bus/pci/devices/$CARD.0/iommu_group")")"
expect 'held for' "$(json held_for | paste -sd' ')" 'null null'
guest_define vm2 "$CARD.1"
ctl 0 '*guests vm1, vm2 *guests vm1, vm2 *' devices
guest_undefine vm2

case_begin 'hookctl holders, and the command that frees the card'
systemctl start nvidia-persistenced.service
systemd-run -q --unit=lab-user --uid=nobody -p Type=exec /lab/bin/holder --term /dev/nvidia0
check 'it has the card' wait_for 'fuser -s /dev/nvidia0 && [[ $(systemctl show -P MainPID lab-user) != 0 ]]' 10
pid=$(systemctl show -P MainPID lab-user)
wait_for '[[ $(ls -l /proc/$pid/fd 2>/dev/null) == *nvidia0* ]]' 10
ctl 0 "*Xorg lightdm.service /dev/dri/card*$pid nobody holder lab-user.service /dev/nvidia0*" holders
ctl 0 "*nvidia-persistenced.service /dev/nvidia*$pid nobody holder*" holders "$CARD.1"
ctl_json 0 holders
expect 'its pid' "$(json pid | grep -cx "$pid")" 1
freed=$(awk -v pid="$pid" '$1 == "\"pid\":" { mine = $2 == pid "," } mine && /"remedy"/' "$LAB_STATE/ctl" | cut -d'`' -f2)
expect 'the command that frees it' "$freed" 'systemctl stop lab-user.service'
bounded 30 bash -c "$freed"
check 'that command frees it' wait_for '! running $pid' 10
ctl 0 '*nvidia-persistenced*' holders
expect 'and then' "$(grep -c "^$pid " "$LAB_STATE/ctl")" 0
systemctl stop nvidia-persistenced.service lightdm.service
ctl 0 "Nobody has a card's device files open.*" holders
systemctl start lightdm.service

case_begin 'hookctl check, list, show'
ctl 0 'no problem found*' check
printf '[Holders]\nTimeoutSec=20\n\n[Module]\nPolizy=keep\nNames=nvidia\n' | profile bad
ctl 1 "*$PROFILES/bad.ini:5: error: unknown key Polizy= in \[Module\]; did you mean Policy=?*1 error,*" check
ctl 1 '*bad.ini:5:*' check "$PROFILES/bad.ini"
ctl 0 '*' check vm1
ctl_json 1 check
expect 'its line' "$(json line | paste -sd' ')" '*5*'
ctl 1 '*vm1.ini*vm1*free*' list
check 'list names the broken one' grep -q '^bad.ini' "$LAB_STATE/ctl"
rm "$PROFILES/bad.ini"
printf '[Holders]\nPolicy=terminate\n[Services]\nStopUnits=no-such-unit.service\n' | profile vm1
ctl 0 '*vm1.ini:4: warning:*no-such-unit.service*' check vm1
ctl 0 "$PROFILES/vm1.ini, because its name is the guest's; *\[Holders\] Policy=terminate vm1.ini:2 TimeoutSec=10 default*" show vm1
ctl_json 0 show vm1
ctl 0 '*vm1.ini*vm1*free*' list
ctl_json 0 list
expect 'for' "$(json problem)" null
: | profile vm1

case_begin "hookctl generate, from libvirt's XML"
bounded 30 hookctl plan vm1 | plan_lines >"$LAB_STATE/plan.empty"
check 'there is a plan' eval '(( $(wc -l <"$LAB_STATE/plan.empty") > 15 ))'
ctl 1 "*$PROFILES/vm1.ini is there already*" generate vm1
expect 'the empty profile' "$(stat -c %s "$PROFILES/vm1.ini")" 0
rm "$PROFILES/vm1.ini"
ctl 0 "wrote $PROFILES/vm1.ini*" generate vm1
cp "$PROFILES/vm1.ini" /lab/out/generated.ini
ctl 0 'no problem found*' check vm1
check 'it does what an empty one does' diff <(bounded 30 hookctl plan vm1 | plan_lines) "$LAB_STATE/plan.empty"
sed -i '/^#[A-Z][A-Za-z]*=./s/^#//' "$PROFILES/vm1.ini"
check 'all values are fixed now' eval '(( $(grep -c "^[A-Z][A-Za-z]*=." "$PROFILES/vm1.ini") > 15 ))'
ctl 0 '*' check vm1
check 'and it still does what an empty one does' diff <(bounded 30 hookctl plan vm1 | plan_lines) "$LAB_STATE/plan.empty"
ctl 1 '*no-such-guest*' generate no-such-guest

case_begin 'hookctl edit: saved when it is good, and only then'
: | profile vm1
editor() {
	printf '#!/bin/sh\n%s\n' "$1" >"$LAB_STATE/editor"
	chmod 755 "$LAB_STATE/editor"
}
AS=(env "EDITOR=$LAB_STATE/editor")
editor 'printf "[Holders]\nPolicy=refuse\n" >>"$1"'
ctl 0 "saved $PROFILES/vm1.ini*" edit vm1
expect 'the profile' "$(paste -sd' ' "$PROFILES/vm1.ini"), $(stat -c '%a %U' "$PROFILES/vm1.ini")" '\[Holders\] Policy=refuse, 644 root'
editor 'printf "[Nonsense]\nPolicy=refuse\n" >>"$1"'
ctl 1 '*vm1.ini:3: error:*Nonsense*is left as it was*' edit vm1
editor 'exit 3'
ctl 1 '*' edit vm1
editor 'true'
ctl 0 'nothing was written*' edit vm1
expect 'the profile' "$(paste -sd' ' "$PROFILES/vm1.ini")" '\[Holders\] Policy=refuse'
rm "$PROFILES/vm1.ini"
editor 'sed -i "s/^#StartTimeoutSec=.*/StartTimeoutSec=171/" "$1"'
ctl 0 "saved*" edit vm1
check 'it began as generate would have it' grep -q '^StartTimeoutSec=171' "$PROFILES/vm1.ini"
AS=()
expect 'what is left of it in the folder' "$(ls -A "$PROFILES")" vm1.ini
: | profile vm1

case_begin 'hookctl doctor: nothing untrue about a sound host'
ctl 0 '*IOMMU: on,*Hook: installed as /etc/libvirt/hooks/qemu; libvirtd.service knows it*1 guest, 1 profile*' doctor
ctl_json 0 doctor
# no boot loader is in this machine: it is started with -kernel
expect 'what it does not like' "$(json severity | grep -v fine | paste -sd' ')" 'unknown'
as_nobody ctl 0 '*' doctor
cp "$LAB_STATE/ctl" /lab/out/doctor-nobody.txt
expect 'what an ordinary user is told' "$(grep -cE '^  (problem|warning)' "$LAB_STATE/ctl")" 0

case_begin 'hookctl doctor: what is broken is found, and the fix is one'
chmod -x /etc/libvirt/hooks/qemu
ctl 1 '*Hook problem /etc/libvirt/hooks/qemu is not executable*fix: chmod 755 /etc/libvirt/hooks/qemu*' doctor
chmod 755 /etc/libvirt/hooks/qemu
cp -a /etc/libvirt/hooks/qemu /etc/libvirt/hooks/new
mv /etc/libvirt/hooks/new /etc/libvirt/hooks/qemu
ctl 0 '*warning*libvirtd.service*may not know*fix: systemctl reload libvirtd.service*' doctor
bounded 30 systemctl reload libvirtd.service
ctl 0 '*libvirtd.service knows it*' doctor
systemctl stop hookd.socket hookd.service
ctl 1 '*problem hookd.socket is inactive*fix: systemctl start hookd.socket*' doctor
ctl 1 'hookctl: hookd is not running*' status
ctl 1 'hookctl: hookd is not running*' plan vm1
systemctl start hookd.socket
ctl 0 '*hookd: runs*' doctor
systemctl disable -q hookd.socket
ctl 1 '*hookd.socket is not enabled*' doctor
systemctl enable -q hookd.socket
printf '[Module]\nPolizy=keep\n' | profile vm1
ctl 1 '*problem*vm1.ini:2*Polizy*' doctor
bounded 30 hookctl plan --json vm1 >"$LAB_STATE/plan.json" 2>"$LAB_STATE/said"
expect 'plan --json of a start that would be refused: exit status, JSON, reason' \
	"$? $(<"$LAB_STATE/plan.json") $(<"$LAB_STATE/said")" '1  *vm1.ini:2*Polizy*'
: | profile vm1

case_begin "hookctl rom: the desktop's card keeps its ROM to itself"
ctl 1 "*$CARD.0 is driven by nvidia*" rom dump "$CARD.0" "$LAB_STATE/card.rom"
check 'no file was made' eval '[[ ! -e $LAB_STATE/card.rom ]]'
head -c 4096 /dev/zero >"$LAB_STATE/zero.rom"
ctl 1 '*' rom check "$LAB_STATE/zero.rom"
expect_state before
