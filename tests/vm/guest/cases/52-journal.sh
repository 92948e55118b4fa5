# shellcheck shell=bash disable=SC1091,SC2016,SC2034,SC2153
# /run full or read-only, damaged journals, a shim that is killed, pipes that close: refused before the first effect or rolled
# back, reported, and hookd runs on.
. /lab/guest/hookd.sh
. /lab/guest/crash.sh

mapfile -t LAB_FUNCTIONS < <(printf '0000:00:03.0\n' && functions_of)
JOURNALS=/run/hookd-txn

# What the journal has said since the case began.
told() {
	journalctl -q -t hookd --no-pager --since="@$((LAB_CASE_MS / 1000))" | grep -c -E "$1"
}

# How many steps there were since the machine was started.
steps() {
	journalctl -q -t hookd --no-pager HOOKD_STEP=display-manager + HOOKD_STEP=driver | grep -c .
}

# mounted SIZE: the journals on a file system of that size; hookd sees it from its next start
mounted() {
	mount -t tmpfs -o "size=$1,mode=0700" lab-small "$JOURNALS"
	bounded 30 systemctl restart hookd.service
}

unmounted() {
	if mountpoint -q "$JOURNALS"; then
		bounded 30 systemctl stop hookd.service 2>/dev/null
		umount "$JOURNALS"
	fi
	bounded 30 systemctl restart hookd.service
}

fill() {
	dd if=/dev/zero of="$JOURNALS/fill" bs=4096 2>/dev/null
	expect 'bytes left' "$(df --output=avail "$JOURNALS" | tail -1)" '*0'
}

# The daemon has not died since crash_up.
expect_no_restart() {
	expect 'restarts of hookd.service' "$(systemctl show -P NRestarts hookd.service)" 0
	expect 'hookd.service' "$(systemctl is-active hookd.service)" active
}

cleanup() {
	unmounted
	rm -rf "$JOURNALS"/bad-*
	crash_down
}

# round WHAT: prepare and release, the host as before it
round() {
	local rc=0
	hook prepare begin || rc=$?
	expect "$1: prepare" "$rc $(<"$CRASH/said")" '0 '
	hook stopped end
	hook release end
	check "$1: no journal is left" wait_soon '[[ ! -d $TXN ]]' 30
	expect_quick "$1"
}

hookd_up vm1
guest_define vm1
crash_desktop
crash_up
quick_state >"$CRASH/before"
round 'undisturbed'

case_begin '/run is full: refused before the first effect'
mounted 64k
fill
before=$(steps)
hook prepare begin
expect 'prepare' $? 1
expect 'what it says' "$(<"$CRASH/said")" '*/run/hookd-txn*No space left on device*'
expect_quick full
expect 'steps taken' $(($(steps) - before)) 0
check 'the journal has it' wait_for '(( $(told "No space left") > 0 ))' 5
rm "$JOURNALS/fill"
round 'with room again'
expect_no_restart

case_begin '/run fills up while the guest has its card: everything is put back'
hook prepare begin
expect 'prepare' $? 0
fill
hook stopped end
hook release end
expect 'release' $? 0
check 'no journal is left' wait_soon '[[ ! -d $TXN ]]' 30
expect_quick 'filled up'
expect_no_restart
unmounted

case_begin '/run fills up somewhere in a prepare: refused and rolled back, or ready'
refused=0 ready=0
for pages in 2 3 4 5 6; do
	mounted $((pages * 4))k
	if hook prepare begin; then
		((++ready))
		hook stopped end
		hook release end
	else
		((++refused))
		[[ $(<"$CRASH/said") == *'No space left'* ]] || not_ok "with $pages pages" "$(<"$CRASH/said")"
	fi
	wait_soon '[[ ! -d $TXN ]]' 30 || not_ok "with $pages pages: the journal is left" "$(cat "$TXN/log")"
	wait_soon quick_equals 30 || not_ok "with $pages pages" "$(diff -U0 "$CRASH/before" "$CRASH/now")"
	unmounted
done
note "refused $refused times, ready $ready times"
check 'it was refused' eval '((refused > 0))'

case_begin '/run is read-only: refused before the first effect'
mounted 64k
mount -o remount,ro "$JOURNALS"
before=$(steps)
hook prepare begin
expect 'prepare' $? 1
expect 'what it says' "$(<"$CRASH/said")" '*Read-only file system*'
expect_quick 'read-only'
expect_no_restart
bounded 30 systemctl stop hookd.service 2>/dev/null
hook prepare begin
expect 'prepare, with a hookd that starts on it' $? 1
note "$(<"$CRASH/said")"
expect 'steps taken' $(($(steps) - before)) 0
expect_quick 'read-only'
check 'the journal has it' wait_for '(( $(told "Read-only file system") > 0 ))' 5
mount -o remount,rw "$JOURNALS"
bounded 30 systemctl restart hookd.service # its mount namespace has the flag from its start
round 'writable again'
unmounted

case_begin 'damaged journals: reported, set aside, the rest goes on'
hook prepare begin
expect 'prepare' $? 0
bounded 30 systemctl stop hookd.socket hookd.service # it would look at each at once
cp -a "$TXN" "$CRASH/good"
plant() {
	local to=$JOURNALS/$1-f817-425f-bd60-4f93db371c39
	mkdir -m 700 "$to"
	sed "s/$UUID/${to##*/}/; s/\tvm1\$/\tplanted-$1/" "$CRASH/good/plan" >"$to/plan"
	cp "$CRASH/good/log" "$to/log"
	: >"$to/lock"
	chmod 600 "$to"/*
	printf '%s\n' "$to"
}
d=$(plant 00000001) && truncate -s -9 "$d/plan"
d=$(plant 00000002) && head -c 3000 /dev/urandom >"$d/plan"
d=$(plant 00000003) && sed -i 1s/1/2/ "$d/plan"
d=$(plant 00000004) && rm "$d/plan" && mkdir "$d/plan"
d=$(plant 00000005) && rm "$d/log" && mkdir "$d/log"
d=$(plant 00000006) && rm "$d/lock" && mkdir "$d/lock"
d=$(plant 00000007) && printf '1 nonsense - \n' >>"$d/log"
d=$(plant 00000008) && rm "$d/log" && ln -s /etc/passwd "$d/log"
d=$(plant 00000009) && rm "$d/plan" && mkfifo "$d/plan"
d=$(plant 0000000a) && cp "$CRASH/good/plan" "$d/plan" # another transaction's
: >"$JOURNALS/0000000b-f817-425f-bd60-4f93db371c39"
ln -s /etc "$JOURNALS/0000000c-f817-425f-bd60-4f93db371c39"
passwd=$(sha256sum /etc/passwd)
check 'started' bounded 30 systemctl start hookd.socket hookd.service
aside() {
	find "$JOURNALS" -maxdepth 1 -name "bad-0000000?-*" | wc -l
}
wait_for '(( $(aside) == 12 ))' 20
expect 'set aside' "$(aside)" 12
for d in "$JOURNALS"/0000000?-*; do
	[[ ! -e $d && ! -L $d ]] || not_ok "still there: $d" "$(ls -la "$d")"
done
for d in 1 2 3 4 5 6 7 8 9 a b c; do
	(($(told "0000000$d") > 0)) || not_ok "0000000$d was not reported" "$(journalctl -q -t hookd --no-pager -n 30)"
done
check 'vm1 is still held' eval '[[ -d $TXN ]] && held'
expect_drivers vfio-pci vfio-pci
expect '/etc/passwd' "$(sha256sum /etc/passwd)" "$passwd"
expect_no_restart
hook stopped end
hook release end
check 'no journal is left' wait_soon '[[ ! -d $TXN ]]' 30
rm -rf "$JOURNALS"/bad-*
expect_quick 'released'

case_begin "the guest's own journal is damaged: said, and given back once it is mended"
hook prepare begin
expect 'prepare' $? 0
cp -a "$TXN/log" "$CRASH/log"
printf 'garbage\n' >>"$TXN/log"
check 'restarted' bounded 30 systemctl restart hookd.service
check 'set aside' wait_for '[[ ! -d $TXN && -n $(find "$JOURNALS" -name "bad-*") ]]' 20
check 'it is reported' eval '(( $(told "unreadable|set aside") > 0 ))'
hook stopped end
hook release end
expect 'release, of which nobody knows' $? 0
cp -a "$CRASH/log" "$JOURNALS"/bad-*/log
mv "$JOURNALS"/bad-* "$TXN"
check 'restarted' bounded 30 systemctl restart hookd.service
hook stopped end
hook release end
check 'no journal is left' wait_soon '[[ ! -d $TXN ]]' 30
expect_quick 'mended'
expect_no_restart

case_begin 'the XML ends in the middle, or never'
head -c $(($(stat -c %s "$CRASH/vm1.xml") / 2)) "$CRASH/vm1.xml" >"$CRASH/half.xml"
"$SHIM" vm1 prepare begin - <"$CRASH/half.xml" 2>"$CRASH/said"
expect 'half of it' "$? $(<"$CRASH/said")" '1 *XML*'
expect_quick 'half of it'
"$SHIM" vm1 prepare begin - <&- 2>"$CRASH/said"
expect 'no stdin at all' "$?" 1
exec {pipe}<> <(:)
cat "$CRASH/half.xml" >&"$pipe"
"$SHIM" vm1 prepare begin - <&"$pipe" 2>"$CRASH/said"
expect 'a writer that falls silent' "$? $(<"$CRASH/said")" '1 *'
exec {pipe}<&-
expect_quick 'silent'

case_begin 'stdout and stderr are closed'
"$SHIM" vm1 prepare begin - <"$CRASH/vm1.xml" >&- 2>&-
expect 'prepare' $? 0
check 'held' held
hook stopped end
"$SHIM" vm1 release end - <"$CRASH/vm1.xml" >&- 2>&-
expect 'release' $? 0
check 'no journal is left' wait_soon '[[ ! -d $TXN ]]' 30
expect_quick 'closed'
hold /dev/nvidia0
printf '[Services]\nStopUnits=lab-service.service\n[Holders]\nPolicy=refuse\n' | profile vm1
mkfifo "$CRASH/gone"
: <"$CRASH/gone" &
"$SHIM" vm1 prepare begin - <"$CRASH/vm1.xml" 2>"$CRASH/gone"
expect 'a refusal that nobody reads' $? 1
holders_stop
expect_quick 'nobody reads'

case_begin 'the shim is killed in the middle of a prepare: rolled back'
profile vm1 <<<$'[Services]\nStopUnits=lab-service.service'
sed -i 's/^ExecStart=.*/&\nExecStop=sleep 3/' /run/systemd/system/lab-service.service
systemctl daemon-reload
# shellcheck disable=SC2094  # never the same file
"$SHIM" vm1 prepare begin - <"$CRASH/vm1.xml" 2>/dev/null &
shim=$!
check 'the unit is being stopped' wait_soon '[[ $(systemctl is-active lab-service) == deactivating ]]' 20
kill -9 "$shim"
wait "$shim" 2>/dev/null
check 'no journal is left' wait_soon '[[ ! -d $TXN ]]' 30
expect_quick 'killed'
expect_no_restart
