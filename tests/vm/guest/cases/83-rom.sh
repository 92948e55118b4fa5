# shellcheck shell=bash disable=SC1091,SC2016
# hookctl rom: the option ROM of a card that is not the boot display, so that it is the card's own and not the firmware's copy.
. /lab/guest/hookd.sh
. /lab/guest/hookctl.sh

CARD=${LAB_CARDS%% *}.0
ROM=$LAB_STATE/card.rom

# The enable bit of the ROM's base address register (PCI 3.0, 6.2.5.2).
expect_off() {
	expect "$1: the ROM is switched off" $((0x$(setpci -s "$CARD" ROM_ADDRESS) & 1)) 0
}

libvirt_up
hookd_up vm1
guest_define vm1
guest_xml vm1
save_state before

case_begin 'hookctl rom dump: not from a card that a driver runs'
ctl 1 "*$CARD is driven by nvidia*" rom dump "$CARD" "$ROM"
expect_off 'refused'
ctl 1 '*there is no PCI device 0000:77:00.0*' rom dump 0000:77:00.0 "$ROM"
ctl 2 '*is no PCI address*' rom dump nonsense "$ROM"
as_nobody ctl 1 '*only root*' rom dump "$CARD" "$ROM"
check 'no file was made' eval '[[ -z $(compgen -G "$ROM*") ]]'

case_begin 'hookctl rom dump and check: a card on vfio-pci, before its guest runs'
check 'prepared' hook vm1 prepare
ctl 1 "$ROM: * bytes*legacy (BIOS)*" rom dump "$CARD" "$ROM"
note "$SAID"
# the lab's card is QEMU's with other ids, so its ROM is another card's: that is said, and the file written
expect 'its signature' "$(od -An -tx1 -N2 "$ROM")" ' 55 aa'
expect 'what is said of the ids' "$SAID" '*problem:*10de:2484*'
expect_off 'dumped'
printf '1\n' >"/sys/bus/pci/devices/$CARD/rom"
check 'the file is what the card has' cmp "$ROM" "/sys/bus/pci/devices/$CARD/rom"
printf '0\n' >"/sys/bus/pci/devices/$CARD/rom"
expect_off 'compared'
ctl 1 "*$ROM exists already*" rom dump "$CARD" "$ROM"
ctl_json 1 rom check "$ROM" "$CARD"
expect 'size' "$(json size | head -1)" "$(stat -c %s "$ROM")"
ctl 0 '*legacy (BIOS)*' rom check "$ROM"
head -c $(($(stat -c %s "$ROM") - 1024)) "$ROM" >"$ROM.short"
ctl 1 '*it was cut off*' rom check "$ROM.short"

case_begin 'hookctl rom dump: the read fails, and the ROM is switched off again'
printf 'on\n' >"/sys/bus/pci/devices/$CARD/power/control" # what wakes gets its registers back
command=$(setpci -s "$CARD" COMMAND)
setpci -s "$CARD" COMMAND=0 # it answers no read of its memory
ctl 1 '*no valid ROM*' rom dump "$CARD" "$ROM.2"
expect_off 'failed'
setpci -s "$CARD" "COMMAND=$command"
printf 'auto\n' >"/sys/bus/pci/devices/$CARD/power/control"
check 'no file was made' eval '[[ -z $(compgen -G "$ROM.2*") ]]'
hook_end vm1
expect_no_txn
expect_state before
rm -f "$ROM"*
