# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases inside the VM. A case file calls case_begin "what it shows", then ok, not_ok, check and the expect_*
# functions as often as it likes; it may define cleanup(). A failed check does not end it.
#
# A command may block in the kernel for ever, and then `timeout` blocks too: whatever can meet a stuck card is run with
# `bounded`, which walks away from it.

LAB_STATE=/run/lab
LAB_HOME=                 # driver that function 0 of each card has at home
LAB_CASE=
LAB_CASE_FAILED=0
LAB_CASE_SKIPPED=
LAB_HOLDERS=()
case ${LAB_TOPOLOGY:-} in
amd) LAB_HOME=amdgpu ;;
*) LAB_HOME=nvidia ;;
esac
export LIBVIRT_DEFAULT_URI=qemu:///system
exec {lab_tick}<> <(:)

# ---- time ------------------------------------------------------------------------------------------------------------

# tick [MICROSECONDS]: a short wait between two looks at something, 0.1 s at least and 2 s at most.
tick() {
	local _ usec=${1:-0}
	usec=$((usec < 100000 ? 100000 : usec > 2000000 ? 2000000 : usec))
	printf -v usec '%d.%06d' $((usec / 1000000)) $((usec % 1000000))
	read -r -t "$usec" -u "$lab_tick" _
	return 0
}

now_ms() {
	printf '%s\n' $((${EPOCHREALTIME/./} / 1000))
}

# wait_for CONDITION SECONDS: evaluates CONDITION until it holds. 1 when the time is over. Half of the time at most is spent with
# looking: what is waited for needs the CPU, too.
wait_for() {
	local began end=$((${EPOCHREALTIME/./} + $2 * 1000000))
	while began=${EPOCHREALTIME/./} && ! eval "$1"; do
		((${EPOCHREALTIME/./} < end)) || return 1
		tick $((${EPOCHREALTIME/./} - began))
	done
}

# Is a process there, and not only waiting to be reaped? (kill -0 is true for a zombie, and bash may reap late.)
running() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	[[ ${stat##*) } != [ZX]* ]]
}

# bounded SECONDS COMMAND...: its exit status, or 124 when it is not done in time; it is then killed and left behind.
bounded() {
	local seconds=$1 pid
	shift
	"$@" </dev/null &
	pid=$!
	if wait_for "! running $pid" "$seconds"; then
		wait "$pid"
	else
		kill -9 "$pid" 2>/dev/null
		disown "$pid" 2>/dev/null
		return 124
	fi
}

# read_bounded FILE...: the text of files that may block on reading (uevent, driver_override), one a line; BLOCKED for
# one that does, and for those after it.
read_bounded() {
	/lab/bin/look read "$@"
}

# write_bounded TEXT FILE [SECONDS]; why it failed is in $LAB_STATE/write.
write_bounded() {
	# shellcheck disable=SC2016  # expanded by the inner shell
	bounded "${3:-10}" bash -c 'printf "%s\n" "$1" >"$2"' _ "$1" "$2" >"$LAB_STATE/write" 2>&1
}

# ---- cases -----------------------------------------------------------------------------------------------------------

case_begin() {
	case_end
	LAB_CASE=$1
	LAB_CASE_FAILED=0
	LAB_CASE_SKIPPED=
	LAB_CASE_MS=$(now_ms)
	printf '%s\n' "$1" >"$LAB_STATE/current"
	printf '= %s\n' "$1"
	printf 'lab: case begins: %s\n' "$1" >/dev/kmsg
}

case_end() {
	local took
	[[ -n $LAB_CASE ]] || return 0
	printf -v took '%d.%01d s' $((($(now_ms) - LAB_CASE_MS) / 1000)) $((($(now_ms) - LAB_CASE_MS) / 100 % 10))
	if ((LAB_CASE_FAILED)); then
		debug_dump
		printf 'FAIL %s (%s)\n' "$LAB_CASE" "$took"
		printf 'FAIL %s\n' "$LAB_CASE" >>"$LAB_STATE/results"
	elif [[ -n $LAB_CASE_SKIPPED ]]; then
		printf 'SKIP %s\n' "$LAB_CASE" | tee -a "$LAB_STATE/results" >/dev/null
	else
		printf 'PASS %s (%s)\n' "$LAB_CASE" "$took"
		printf 'PASS %s\n' "$LAB_CASE" >>"$LAB_STATE/results"
	fi
	rm -f "$LAB_STATE/current"
	LAB_CASE=
}

ok() {
	printf '  ok - %s\n' "$*"
}

# not_ok WHAT [DETAIL...]
not_ok() {
	LAB_CASE_FAILED=1
	printf '  not ok - %s\n' "$1"
	shift
	[[ $# -eq 0 ]] || printf '%s\n' "$@" | sed 's/^/      /'
}

# check WHAT COMMAND...
check() {
	local what=$1 rc=0
	shift
	"$@" || rc=$?
	if ((rc == 0)); then
		ok "$what"
	else
		not_ok "$what" "$* -> $rc"
	fi
	return "$rc"
}

# expect WHAT ACTUAL EXPECTED (a bash pattern)
expect() {
	# shellcheck disable=SC2053  # a pattern
	if [[ $2 == $3 ]]; then
		ok "$1: $2"
	else
		not_ok "$1" "is: $2" "expected: $3"
	fi
}

# The case cannot be run here; counted apart from passed and failed.
not_run() {
	LAB_CASE_SKIPPED=$1
	printf '  NOT RUN: %s\n' "$1"
}

note() {
	printf '  # %s\n' "$*"
}

case_exit() {
	if declare -F cleanup >/dev/null; then
		cleanup
	fi
	holders_stop
	knobs_clear
	case_end
	guests_clear
}

# What one wants to see first when a case failed.
debug_dump() {
	local since=$((${LAB_CASE_MS:-0} / 1000))
	{
		printf '%s\n' '--- host now'
		host_state
		printf '%s\n' '--- journalctl -t hookd'
		bounded 10 journalctl --no-pager -q -o short-monotonic --since="@$since" -t hookd -t hookd-worker -t hook-shim -n 40
		printf '%s\n' '--- libvirtd'
		bounded 10 journalctl --no-pager -q -o short-monotonic --since="@$since" -u libvirtd -n 15
		printf '%s\n' '--- dmesg'
		bounded 5 dmesg | tail -n 20
	} 2>&1 | sed 's/^/      /'
}

# ---- the end ---------------------------------------------------------------------------------------------------------

# poweroff_case SECONDS [--want REGEX] [--never REGEX]: the last thing a boot's last case does. The host is shut down; the lab,
# outside, measures from here to the VM's end, which must come within SECONDS, and looks into the console's and the journal's
# last lines: one must match --want, none --never.
poweroff_case() {
	local passed failed skipped
	passed=$(grep -c '^PASS' "$LAB_STATE/results" 2>/dev/null)
	failed=$(grep -c '^FAIL' "$LAB_STATE/results" 2>/dev/null)
	skipped=$(grep -c '^SKIP' "$LAB_STATE/results" 2>/dev/null)
	{
		printf 'limit=%q\nwhat=%q\nso_far=%q\npassed=%q\nfailed=%q\nskipped=%q\nwant=\nnever=\n' \
			"$1" "$LAB_CASE" "$LAB_CASE_FAILED" "${passed:-0}" "${failed:-0}" "${skipped:-0}"
		shift
		while [[ $# -gt 0 ]]; do
			printf '%s=%q\n' "${1#--}" "$2"
			shift 2
		done
	} >/lab/out/poweroff.new
	printf 'lab: poweroff\n' >/dev/kmsg
	printf 'lab: poweroff\n' | systemd-cat -t lab
	mv /lab/out/poweroff.new /lab/out/poweroff
	systemctl --no-block poweroff
	# nothing that systemd-shutdown would have to wait for: a shell runs its EXIT trap on SIGTERM, which looks at the host
	trap - EXIT
	exec tail -f /dev/null
}

# ---- the world outside -----------------------------------------------------------------------------------------------

# qmp '{"execute":...}': the VM's own monitor; @SHARE@ is /lab as the outside knows it. Prints the answer.
qmp() {
	local id
	id=$BASHPID.${EPOCHREALTIME/./}
	printf '%s\n' "$1" >"/lab/req/$id.new"
	mv "/lab/req/$id.new" "/lab/req/$id.json"
	wait_for "[[ -e /lab/req/$id.reply ]]" 20 || return 1
	cat "/lab/req/$id.reply"
	rm "/lab/req/$id.reply"
}

# screenshot NAME [DEVICE]: the VM's screen (gpu, gpu2, boot) to out/NAME.png of the run's share
screenshot() {
	local answer
	answer=$(qmp "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"@SHARE@/out/$1.png\",\"device\":\"${2:-gpu}\",\"format\":\"png\"}}")
	[[ $answer == *'"return"'* ]] || { note "screenshot $1: $answer" && return 1; }
	note "screen photographed: $1.png"
}

# ---- cards -----------------------------------------------------------------------------------------------------------

# The functions of the given cards (0000:01:00), or of all.
functions_of() {
	local card f
	# shellcheck disable=SC2048,SC2086  # a list
	for card in ${*:-$LAB_CARDS}; do
		for f in /sys/bus/pci/devices/"$card".*; do
			[[ -e $f ]] && printf '%s\n' "${f##*/}"
		done
	done
}

# The driver of a function: its name, none, or absent. During an unbind that hangs this is already none.
driver_of() {
	local link
	if [[ ! -e /sys/bus/pci/devices/$1 ]]; then
		printf 'absent\n'
	elif link=$(cd -P "/sys/bus/pci/devices/$1/driver" 2>/dev/null && printf '%s' "$PWD"); then # no process of its own
		printf '%s\n' "${link##*/}"
	else
		printf 'none\n'
	fi
}

# expect_drivers DRIVER0 DRIVER1 [CARD]
expect_drivers() {
	local card=${3:-${LAB_CARDS%% *}}
	expect "drivers of $card" "$(driver_of "$card.0") $(driver_of "$card.1")" "$1 $2"
}

# knob NAME VALUE: a fault of the fake driver (hang_remove, hang_probe, hang_exit, warn, fail_probe, remove_ms, probe_ms,
# exit_ms, wait_clients, pin, fault_bdf), or of the PCI core: hang_del (removing a function never returns)
knob() {
	local module=$LAB_HOME
	[[ $1 != hang_del ]] || module=fakegpu_id
	printf '%s\n' "$2" >"/sys/module/$module/parameters/$1"
}

# module_options NAME OPTION=VALUE...: for the next load of a module, e.g. nvidia need_card=1; without options: none
module_options() {
	local name=$1
	shift
	if [[ $# -gt 0 ]]; then
		printf 'options %s %s\n' "$name" "$*" >"/etc/modprobe.d/lab-$name.conf"
	else
		rm -f "/etc/modprobe.d/lab-$name.conf"
	fi
}

knobs_clear() {
	local name
	[[ ! -e /sys/module/fakegpu_id/parameters/hang_del ]] || knob hang_del 0
	for name in hang_remove hang_probe hang_exit warn fail_probe remove_ms probe_ms exit_ms pin; do
		[[ ! -e /sys/module/$LAB_HOME/parameters/$name ]] || knob "$name" 0
	done
	[[ ! -e /sys/module/$LAB_HOME/parameters/wait_clients ]] || knob wait_clients 1
	[[ ! -e /sys/module/$LAB_HOME/parameters/fault_bdf ]] || knob fault_bdf ''
}

# hold [--mmap] [--hidden] [--term] PATH...: a process that keeps them open; HOLDER is its pid. SIGTERM does not end it without
# --term; --hidden: no search of /proc shows it.
hold() {
	local ready
	ready=$(mktemp -p "$LAB_STATE")
	/lab/bin/holder "$@" >"$ready" 2>&1 &
	HOLDER=$!
	LAB_HOLDERS+=("$HOLDER")
	if ! wait_for "[[ -s $ready ]]" 10 || [[ $(<"$ready") != ready ]]; then
		note "hold $*: $(<"$ready")"
		return 1
	fi
	rm -f "$ready"
}

holders_stop() {
	local pid
	for pid in "${LAB_HOLDERS[@]}"; do
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	LAB_HOLDERS=()
}

# ---- the host's state ------------------------------------------------------------------------------------------------

# Everything about the host that a handover may touch, as lines in a fixed order.
host_state() {
	local key value id active f functions
	mapfile -t functions < <(functions_of)
	/lab/bin/look state "${functions[@]}"
	while IFS='=' read -r key value; do
		case $key in
		Id) id=$value ;;
		ActiveState) active=$value ;;
		SubState) printf 'unit %s %s %s\n' "$id" "$active" "$value" ;;
		esac
	done < <(systemctl show -p Id,ActiveState,SubState display-manager.service nvidia-persistenced.service getty@tty1.service)
	while read -r id _; do
		printf 'failed %s\n' "$id"
	done < <(systemctl list-units --failed --plain --no-legend)
	for f in /sys/bus/mdev/devices/*; do
		[[ ! -e $f ]] || printf 'mdev %s %s\n' "${f##*/}" "$(readlink "$f/mdev_type")"
	done
	for f in /sys/bus/pci/devices/*/virtfn*; do # sriov_numvfs itself is read under the device's lock
		[[ -e $f ]] || continue
		value=${f%/*}
		printf 'vf %s of %s driver=%s\n' "${f##*/}" "${value##*/}" "$(driver_of "$(basename "$(readlink "$f")")")"
	done
}

save_state() {
	host_state >"$LAB_STATE/$1.state"
}

# What a round may rightly leave changed. The firmware's framebuffer is one-way: the kernel throws its device out when any
# driver, vfio-pci too, takes the card, and nothing brings it or its console back before the next boot. So when it was there
# in the saved state and is not now, it and the vtcon lines do not count. (vfio modules stay loaded; host_state omits them.)
normalise() {
	local saved=$1
	if grep -q '^platform ' "$saved" && ! grep -q '^platform ' "$2"; then
		grep -vE '^(platform |vtcon |fb EFI VGA)' "$3"
	else
		cat "$3"
	fi
}

# 0 when the host is as it was saved; leaves what it saw in NAME.now.
state_equals() {
	local saved=$LAB_STATE/$1.state now=$LAB_STATE/$1.now
	host_state >"$now"
	diff -U0 <(normalise "$saved" "$now" "$saved") <(normalise "$saved" "$now" "$now") >"$LAB_STATE/$1.diff"
}

# expect_state NAME [SECONDS]: as saved, now or within the time (default 20: the display manager takes the card a while after
# its unit is up)
expect_state() {
	if wait_for "state_equals $1" "${2:-20}"; then
		ok "the host is as it was ($1)"
	else
		not_ok "the host is as it was ($1)" "$(grep '^[-+][^-+]' "$LAB_STATE/$1.diff")"
	fi
}

# Cards at home, and the display manager, if it is to run at all, has its screen.
host_settled() {
	local card wanted
	# shellcheck disable=SC2086  # a list
	for card in $LAB_CARDS; do
		[[ $(driver_of "$card.0") == "$LAB_HOME" && $(driver_of "$card.1") == snd_hda_intel ]] || return 1
	done
	[[ $LAB_HOME != nvidia || -e /sys/module/nvidia_uvm && $(</sys/module/nvidia_drm/initstate) == live ]] 2>/dev/null || return 1
	wanted=$(systemctl show -P Wants graphical.target)
	[[ $(systemctl get-default) == graphical.target && $wanted == *display-manager* ]] || return 0
	grep -q systemd.unit=multi-user /proc/cmdline || greeter_up
}

# The greeter has drawn itself: its process runs and X has the card.
greeter_up() {
	/lab/bin/look up lightdm-gtk-greeter '/dev/dri/card*'
}

# desktop_off, desktop_on: the cases between them go without the greeter, which takes more time than a whole hand-over
desktop_off() {
	bounded 60 systemctl stop display-manager.service
}

desktop_on() {
	bounded 60 systemctl start display-manager.service
	wait_for greeter_up 60
}

# Removes every mediated device.
mdevs_clear() {
	local f
	for f in /sys/bus/mdev/devices/*; do
		[[ ! -e $f ]] || write_bounded 1 "$f/remove"
	done
}

# Back to a known state after a case, by force, whatever it left behind.
lab_reset() {
	local name f d
	note "setting the host back"
	knobs_clear
	rm -f /etc/modprobe.d/lab-*
	guests_clear
	bounded 60 systemctl stop hookd.socket hookd.service 2>/dev/null
	rm -rf /run/hookd-txn/* /etc/libvirt/hooks/* /var/lib/hookd
	mdevs_clear
	for f in /sys/bus/pci/devices/*/sriov_numvfs; do
		[[ ! -e $f ]] || write_bounded 0 "$f" 30
	done
	if [[ -d $LAB_STATE/etc-hookd ]]; then
		rm -rf /etc/hookd
		cp -a "$LAB_STATE/etc-hookd" /etc/hookd
	fi
	bounded 30 systemctl restart libvirtd
	for name in $LAB_CARDS; do
		[[ -e /sys/bus/pci/devices/$name.0 && -e /sys/bus/pci/devices/$name.1 ]] || write_bounded 1 /sys/bus/pci/rescan
	done
	for f in $(functions_of); do
		d=/sys/bus/pci/devices/$f
		write_bounded '' "$d/driver_override"
		if [[ $(driver_of "$f") == vfio-pci ]]; then
			write_bounded "$f" "$d/driver/unbind"
		fi
	done
	bounded 60 systemctl stop display-manager.service nvidia-persistenced.service
	if [[ $LAB_HOME == nvidia ]]; then
		# nvidia_drm serves only the cards that were there when it was loaded
		bounded 30 modprobe -r nvidia-drm
		bounded 30 modprobe nvidia
		for f in $(functions_of); do
			[[ $(driver_of "$f") != none ]] || write_bounded "$f" /sys/bus/pci/drivers_probe
		done
		bounded 30 modprobe -a nvidia-modeset nvidia-uvm nvidia-drm
	else
		bounded 30 modprobe "$LAB_HOME"
	fi
	bounded 30 modprobe snd_hda_intel
	for f in $(functions_of); do
		[[ $(driver_of "$f") != none ]] || write_bounded "$f" /sys/bus/pci/drivers_probe
	done
	for f in /sys/class/vtconsole/*; do
		[[ $(<"$f/name") != *'frame buffer'* ]] || printf '1\n' >"$f/bind"
	done
	systemctl reset-failed
	if ! grep -q systemd.unit=multi-user /proc/cmdline; then
		bounded 60 systemctl restart display-manager.service
	fi
	bounded 30 systemctl start getty@tty1.service
	wait_for host_settled 30
	if ! wait_for "state_equals boot" 10; then
		note "the host could not be set back; later cases start from another state:"
		sed -n '/^[-+][^-+]/s/^/      /p' "$LAB_STATE/boot.diff"
	fi
}

# ---- libvirt ---------------------------------------------------------------------------------------------------------

libvirt_up() {
	bounded 60 systemctl start libvirtd && wait_for "virsh version >/dev/null 2>&1" 30
}

libvirt_restart() {
	bounded 60 systemctl restart libvirtd && wait_for "virsh version >/dev/null 2>&1" 30
}

# hook_install FILE [NAME]: a hook script as /etc/libvirt/hooks/NAME (qemu, qemu.d/50-x); libvirtd sees it from now on
hook_install() {
	local to=/etc/libvirt/hooks/${2:-qemu}
	mkdir -p "${to%/*}"
	install -m 755 "$1" "$to"
	libvirt_restart
}

hooks_clear() {
	[[ -n $(ls -A /etc/libvirt/hooks) ]] || return 0
	# with hookctl's record of what it installed: by force is by force
	rm -rf /etc/libvirt/hooks/* /var/lib/hookd
	libvirt_restart
}

# guest_define NAME [managed=no] [rom=on] [paint=yes|button] [firmware=yes] [CARD|FUNCTION|UUID...]: a guest of 32 MiB
# without a disk, with all functions of the cards (default: of the first). `-` for none. paint=yes: it paints the card's
# screen; button: and obeys virsh shutdown. firmware=yes: SeaBIOS, which numbers the buses, for guest_sees; otherwise it is
# one HLT, as the host waits for a processor that it emulates.
guest_define() {
	local name=$1 managed=yes rom=off paint='' firmware='' f which=() xml boot='' images=/var/lib/libvirt/images
	shift
	while [[ $# -gt 0 ]]; do
		case $1 in
		managed=* | rom=* | paint=* | firmware=*) local "${1?}" ;;
		-) which+=('') ;;
		*.* | *-*-*-*-*) which+=("$1") ;;
		*) mapfile -t -O "${#which[@]}" which < <(functions_of "$1") ;;
		esac
		shift
	done
	[[ ${#which[@]} -gt 0 ]] || mapfile -t which < <(functions_of "${LAB_CARDS%% *}")
	if [[ -n $paint ]]; then
		install -m 644 /lab/bin/painter "$images/painter"
		boot="<kernel>$images/painter</kernel><cmdline>$paint</cmdline>"
	elif [[ -z $firmware ]]; then
		{ head -c 65520 /dev/zero && printf '\xfa\xf4\xeb\xfd' && head -c 12 /dev/zero; } >"$images/halt.rom" # cli; hlt; jmp
		boot="<loader readonly='yes' type='rom'>$images/halt.rom</loader>"
	fi
	xml=$(mktemp -p "$LAB_STATE")
	{
		printf "<domain type='qemu'><name>%s</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>\n" "$name"
		printf "<os><type arch='x86_64' machine='q35'>hvm</type>%s</os>\n" "$boot"
		printf "<features><acpi/></features><cpu mode='custom' match='exact'><model>qemu64</model></cpu>\n"
		printf "<devices><controller type='usb' model='none'/><memballoon model='none'/>\n"
		for f in "${which[@]}"; do
			[[ -n $f ]] || continue
			if [[ $f == *-*-*-*-* ]]; then
				printf "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='%s'/></source></hostdev>\n" "$f"
				continue
			fi
			[[ $f =~ ^(.*):(.*):(.*)\.(.*)$ ]]
			printf "<hostdev mode='subsystem' type='pci' managed='%s'><source><address domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source><rom bar='%s'/></hostdev>\n" \
				"$managed" "${BASH_REMATCH[@]:1}" "$rom"
		done
		printf "</devices></domain>\n"
	} >"$xml"
	guest_undefine "$name"
	bounded 30 virsh -q define "$xml" >/dev/null
}

# guest_start NAME [SECONDS]: virsh's exit status, 124 when it does not return; what it said is in $LAB_STATE/virsh.
guest_start() {
	bounded "${2:-90}" virsh -q start "$1" >"$LAB_STATE/virsh" 2>&1
}

guest_destroy() {
	bounded "${2:-90}" virsh -q destroy "$1" >"$LAB_STATE/virsh" 2>&1
}

guest_undefine() {
	bounded 30 virsh -q undefine --managed-save "$1" >/dev/null 2>&1
}

guests_clear() {
	local name
	for name in $(bounded 20 virsh list --name); do
		guest_destroy "$name" 60
	done
	for name in $(bounded 20 virsh list --all --name); do
		guest_undefine "$name"
	done
}

virsh_said() {
	cat "$LAB_STATE/virsh"
}

# guest_painted [DEVICE] [SECONDS]: the guest of paint=yes has filled the screen (its picture is far bigger than a blank one)
guest_painted() {
	# shellcheck disable=SC2016  # evaluated by wait_for
	wait_for "screenshot paint ${1:-gpu} >/dev/null; [[ \$(stat -c %s /lab/out/paint.png) -gt 4500 ]]" "${2:-60}"
}

# guest_sees NAME VENDOR:DEVICE: the guest's PCI device of that kind, as its QEMU tells
guest_sees() {
	bounded 20 virsh qemu-monitor-command "$1" --hmp 'info pci' | grep -i "$2"
}

# The pid of a running guest's QEMU.
guest_pid() {
	cat "/run/libvirt/qemu/$1.pid"
}
