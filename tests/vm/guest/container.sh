# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases whose libvirtd lives in a container: sourced by them, on top of hookd.sh. Between container_up and container_down
# virsh and the guest_ functions are those of the container's libvirtd.

CONTAINER=                                # its first process, as the host numbers it
CONTAINER_HOOKS=/etc/hookd/libvirt-hooks  # its /etc/libvirt/hooks

container_pid() {
	pgrep -o -f '^bash /lab/guest/container '
}

# in_container COMMAND...
in_container() {
	PATH=${PATH#"$LAB_STATE/bin:"} nsenter --target "$CONTAINER" --all -- "$@"
}

# The container's libvirtd, as the host numbers it.
container_libvirtd() {
	pgrep -x libvirtd --ns "$CONTAINER" --nslist pid
}

container_libvirt_answers() {
	bounded 5 "$LAB_STATE/bin/virsh" version >/dev/null 2>&1
}

container_up() {
	modprobe overlay
	bounded 30 systemctl stop libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
	mkdir -p /run/hookd "$CONTAINER_HOOKS" "$LAB_STATE/bin"
	setsid unshare --mount --pid --net --ipc --uts --fork --kill-child \
		bash /lab/guest/container "$LAB_STATE/container" "$CONTAINER_HOOKS" >"$LAB_STATE/container.log" 2>&1 &
	UNSHARE=$!
	wait_for container_pid 10 >/dev/null
	CONTAINER=$(container_pid)
	printf '#!/bin/sh\nexec nsenter --target %s --all -- /usr/bin/virsh "$@"\n' "$CONTAINER" >"$LAB_STATE/bin/virsh"
	chmod +x "$LAB_STATE/bin/virsh"
	PATH=$LAB_STATE/bin:$PATH
	wait_for container_libvirt_answers 60 || cat "$LAB_STATE/container.log" "/proc/$CONTAINER/root/run/libvirtd.log"
}

container_down() {
	guests_clear
	PATH=${PATH#"$LAB_STATE/bin:"}
	kill -9 "$CONTAINER" # everything in it ends with it
	wait "$UNSHARE" 2>/dev/null
	rm -rf "$CONTAINER_HOOKS"
	libvirt_up
}
