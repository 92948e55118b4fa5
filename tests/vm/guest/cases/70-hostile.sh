# shellcheck shell=bash disable=SC1091,SC2016
# Names that want to be something else, files that others may write, links where a journal belongs, clients that mean it
# ill: through libvirt itself where it allows them, through the real shim where it does not.
. /lab/guest/hookd.sh

hookd_up vm1
guest_define vm1
guest_xml vm1
save_state before
touch "$LAB_STATE/stamp"
hookd_conf=/etc/hookd/hookd.conf
[[ -e $hookd_conf ]] || : >"$hookd_conf"
cleanup() {
	chown -R root:root /etc/hookd
	chmod 755 /etc/hookd /etc/hookd/profiles
	rm -f /etc/hookd/profiles/*evil* "$LAB_STATE"/fifo
	chmod 600 /run/hookd/hookd.sock
}

# hook_of NAME OP FILE: as hook(), whatever the name, with that file as standard input
hook_of() {
	local subop=begin
	[[ $2 != stopped && $2 != release ]] || subop=end
	/etc/libvirt/hooks/qemu "$1" "$2" "$subop" - <"$3" >/dev/null 2>"$LAB_STATE/evil.said"
}

evil_said() {
	cat "$LAB_STATE/evil.said"
}

# evil_xml NAME: vm1 under another name
evil_xml() {
	local xml name
	xml=$(virsh -q dumpxml vm1 | sed '/<uuid>/d')
	name=$(sed 's/&/\&amp;/g; s/</\&lt;/g' <<<"$1")
	printf '%s<name>%s</name>%s\n' "${xml%%<name>*}" "$name" "${xml#*</name>}" >"$LAB_STATE/evil.xml"
}

# What a terminal would take for a command, or a log for a line of its own.
has_control() {
	LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]'
}

# ---- names -----------------------------------------------------------------------------------------------------------

case_begin 'names that libvirt allows, through libvirt'
profile evil <<<$'[Match]\nDomain=*evil*\n[Driver]\nGuest=no-such-driver'
long=evil$(printf 'ä%.0s' {1..60})
for name in '../evil' '..evil' '--uuid=evil' '-evil %s%n' $'evil\tMESSAGE=forged' 'evil "$(touch evil)`touch evil`' $'evil \u009b31m \u202e' "$long"; do
	evil_xml "$name"
	if ! bounded 30 virsh -q define "$LAB_STATE/evil.xml" >/dev/null 2>"$LAB_STATE/virsh"; then
		note "libvirt does not take $(printf %q "$name"): $(virsh_said | head -n 1)"
		continue
	fi
	bounded 60 virsh -q start --domain "$name" >"$LAB_STATE/virsh" 2>&1
	expect "refused, $(printf %q "$name")" "$(virsh_said)" '*no module no_such_driver*'
	bounded 30 virsh -q undefine --domain "$name"
done
expect_no_txn
expect_before

case_begin 'one of them runs'
name='-evil %s ä..$(x)'
profile evil <<<$'[Match]\nDomain=*evil*'
evil_xml "$name"
check 'defined' virsh -q define "$LAB_STATE/evil.xml"
check 'it starts' bounded 120 virsh -q start --domain "$name"
expect_drivers vfio-pci vfio-pci
check 'status names it' eval 'hookctl status | grep -qF -- "$name"'
check 'plan takes it' eval 'bounded 60 hookctl plan -- "$name" >$LAB_STATE/said 2>&1; grep -q "." $LAB_STATE/said'
check 'it is destroyed' bounded 120 virsh -q destroy --domain "$name"
expect_no_txn
expect_before
expect 'its audit, by name' "$(($(audited "HOOKD_DOMAIN=$name") > 10))" 1
virsh -q undefine --domain "$name"

case_begin 'names that libvirt does not allow, through the shim'
for name in '../../evil' '/evil' $'evil\nSYSLOG_IDENTIFIER=forger\nMESSAGE=forged\nFORGED=1' $'evil\033[2J\033]0;x\007' $'evil\xff\xc3' \
	"$(printf 'evil%.0s' {1..100})" "$(printf 'evil%.0s' {1..1000})" '--domain=evil' '%s%n%n%n evil'; do
	for op in prepare stopped release; do
		hook_of "$name" $op "$LAB_STATE/vm1.xml"
		[[ $? == "$([[ $op == prepare ]] && echo 1 || echo 0)" ]] || not_ok "$op of $(printf %q "$name")" "$(evil_said)"
	done
	hook_of "$name" prepare "$LAB_STATE/vm1.xml"
	expect "$(printf %q "${name:0:40}")" "$(evil_said)" "hookd: *$([[ ${#name} -gt 1000 ]] || echo 'that of vm1')*"
	if [[ $(evil_said | wc -l) != 1 ]] || evil_said | tr -d '\n' | LC_ALL=C grep -qP '[\x00-\x1f\x7f]'; then
		not_ok 'what the shim says is one line' "$(evil_said | cat -v)"
	fi
	check 'hookctl release says so' eval '! bounded 30 hookctl release -- "$name" >$LAB_STATE/said 2>&1; grep -q "holds nothing" $LAB_STATE/said'
done
sed "s#<name>.*#<name>evil\&\#10;FORGED=1\&\#10;MESSAGE=forged</name>#" "$LAB_STATE/vm1.xml" >"$LAB_STATE/evil.xml"
name=$'evil\nFORGED=1\nMESSAGE=forged'
check 'a name of three lines is prepared' hook_of "$name" prepare "$LAB_STATE/evil.xml"
expect_drivers vfio-pci vfio-pci
hookctl status >"$LAB_STATE/said"
check 'status shows it in one line' grep -qF 'evil\nFORGED=1\nMESSAGE=forged' "$LAB_STATE/said"
check 'and sends the terminal nothing' eval '! has_control <"$LAB_STATE/said"'
check 'stopped' hook_of "$name" stopped "$LAB_STATE/evil.xml"
check 'and released' hook_of "$name" release "$LAB_STATE/evil.xml"
expect_no_txn
expect_before

case_begin 'nothing was forged, nothing was made elsewhere'
journalctl -q -t hookd -o json --no-pager >"$LAB_STATE/json"
journalctl -q -t hookd -o cat --no-pager >"$LAB_STATE/cat"
expect 'the names are in the audit' "$(($(grep -c evil "$LAB_STATE/json") > 20))" 1
expect 'entries with a forged field' "$(journalctl -q FORGED=1 --no-pager | grep -c .)" 0
expect 'entries with a forged message' "$(journalctl -q MESSAGE=forged --no-pager | grep -c .)" 0
expect 'entries of a forged identifier' "$(journalctl -q SYSLOG_IDENTIFIER=forger --no-pager | grep -c .)" 0
expect 'every entry is a line' "$(wc -l <"$LAB_STATE/cat")" "$(wc -l <"$LAB_STATE/json")"
check 'no commands for a terminal' eval '! has_control <"$LAB_STATE/cat"'
expect 'messages that journalctl does not show' "$(journalctl -q -t hookd --no-pager | grep -c 'blob data')" 0
expect 'fields' "$(grep -oE '"[A-Z_0-9]+":' "$LAB_STATE/json" | sort -u | grep -vE '"(_.*|MESSAGE|MESSAGE_ID|PRIORITY|SYSLOG_IDENTIFIER|SYSLOG_PID|HOOKD_(DOMAIN|UUID|EVENT|STEP|TARGET|FROM|TO|RESULT|DURATION_USEC))":' | paste -sd' ')" ''
expect 'files by these names, but for those of libvirt and of hookd' "$(find / /run /tmp /var -xdev -newer "$LAB_STATE/stamp" \
	\( -name '*evil*' -o -name '*FORGED*' \) -not -path '/etc/libvirt/*' -not -path '/var/l*/libvirt/*' -not -path '/run/libvirt/*' \
	-not -path '/etc/hookd/profiles/evil.ini' -not -path "$LAB_STATE/*" -not -path '/proc/*' -not -path '/sys/*' | paste -sd' ')" ''
expect 'in the folder of the socket' "$(ls -A /run/hookd)" hookd.sock

# ---- files and links -------------------------------------------------------------------------------------------------

# refused_for WHAT FILE COMMAND...: after COMMAND the start is refused, with the file named; UNDO is run then
refused_for() {
	local what=$1 file=$2
	shift 2
	"$@"
	if hook vm1 prepare; then
		not_ok "$what: refused"
	else
		expect "$what" "$(hook_said vm1)" "*$file*"
	fi
	hook_end vm1
}

case_begin 'profiles and folders that others may write'
p=/etc/hookd/profiles/vm1.ini
refused_for 'the profile belongs to nobody' vm1.ini chown nobody "$p"
chown root "$p"
refused_for 'the group may write it' vm1.ini chmod 664 "$p"
refused_for 'everybody may write it' vm1.ini chmod 646 "$p"
chmod 644 "$p"
mv "$p" /etc/hookd/elsewhere.ini
refused_for 'it is a link' vm1.ini ln -s /etc/hookd/elsewhere.ini "$p"
rm "$p"
refused_for 'it is a folder' vm1.ini mkdir "$p"
rmdir "$p"
refused_for 'it is a FIFO' vm1.ini mkfifo "$p"
rm "$p"
mv /etc/hookd/elsewhere.ini "$p"
refused_for 'its folder belongs to nobody' /etc/hookd/profiles chown nobody /etc/hookd/profiles
chown root /etc/hookd/profiles
refused_for 'the group may write its folder' /etc/hookd/profiles chmod 775 /etc/hookd/profiles
chmod 755 /etc/hookd/profiles
refused_for 'hookd.conf belongs to nobody' hookd.conf chown nobody "$hookd_conf"
chown root "$hookd_conf"
refused_for 'everybody may write hookd.conf' hookd.conf chmod 666 "$hookd_conf"
chmod 644 "$hookd_conf"
refused_for 'everybody may write its folder' /etc/hookd chmod 777 /etc/hookd
chmod 755 /etc/hookd
mkdir -m 777 "$LAB_STATE/profiles"
cp "$p" "$LAB_STATE/profiles"
mv /etc/hookd/profiles /etc/hookd/profiles.kept
refused_for 'the folder is a link to one that others may write' /etc/hookd/profiles ln -s "$LAB_STATE/profiles" /etc/hookd/profiles
rm /etc/hookd/profiles
mv /etc/hookd/profiles.kept /etc/hookd/profiles
rm -r "$LAB_STATE/profiles"
expect_no_txn
expect_before
check 'mended, it is used at once' hook vm1 prepare
hook_end vm1
expect_no_txn
expect_before

case_begin 'links planted in /run/hookd-txn'
printf 'victim\n' >"$LAB_STATE/victim"
mkdir -p "$LAB_STATE/planted"
printf 'victim\n' >"$LAB_STATE/planted/plan"
bounded 30 systemctl stop hookd.service
t=/run/hookd-txn
ln -s "$LAB_STATE/planted" "$t/11111111-1111-4111-8111-111111111111"
for n in 2 3 4; do
	mkdir -m 700 "$t/22222222-2222-4222-8222-22222222222$n"
done
ln -s "$LAB_STATE/victim" "$t/22222222-2222-4222-8222-222222222222/plan"
ln -s "$LAB_STATE/victim" "$t/22222222-2222-4222-8222-222222222223/log"
ln -s "$LAB_STATE/victim" "$t/22222222-2222-4222-8222-222222222224/lock"
for n in spool last-failure; do
	rm -rf "${t:?}/$n"
	ln -s "$LAB_STATE/victim" "$t/$n"
done
check 'hookd starts' bounded 30 systemctl start hookd.service
hook vm1 prepare
rc=$?
expect_drivers vfio-pci vfio-pci
expect 'a guest is prepared beside them' "$rc" 0
hook_end vm1
expect 'the victim' "$(cat "$LAB_STATE/victim")" victim
expect 'the folder that was linked to' "$(ls -A "$LAB_STATE/planted") $(cat "$LAB_STATE/planted/plan")" 'plan victim'
expect 'hookd' "$(systemctl is-active hookd.service) $(systemctl show -P NRestarts hookd.service)" 'active 0'
check 'the audit names what was set aside' eval 'journalctl -q -t hookd --no-pager | grep -q 22222222-2222-4222-8222-22222222222'
bounded 30 systemctl stop hookd.service
rm -rf "${t:?}"/*
bounded 30 systemctl start hookd.service
expect_no_txn
expect_before

# ---- clients ---------------------------------------------------------------------------------------------------------

case_begin 'what comes instead of domain XML'
truncate -s 67108865 "$LAB_STATE/huge"
mkfifo "$LAB_STATE/fifo"
exec {fifo}<>"$LAB_STATE/fifo"
for f in / /dev/zero /dev/null /dev/tty1 "$LAB_STATE/huge" /proc/self/fd/"$fifo" /etc/passwd; do
	if hook_of vm1 prepare "$f"; then
		not_ok "$f is refused"
	else
		expect "$f" "$(evil_said)" 'hookd: *'
		note "$(evil_said)"
	fi
	hook_end vm1
done
exec {fifo}>&-
rm "$LAB_STATE/huge"
printf '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/shadow"><!ENTITY %% p SYSTEM "http://127.0.0.1/x"> %%p;]>' |
	cat - "$LAB_STATE/vm1.xml" | sed 's#<name>vm1#<name>\&e;#' >"$LAB_STATE/evil.xml"
hook_of vm1 prepare "$LAB_STATE/evil.xml"
expect 'a document type' "$?: $(evil_said)" '1: *document type*'
check 'nothing of the file in it' eval '! grep -q root: "$LAB_STATE/evil.said"'
expect_no_txn
expect_before

# hookd_figures: what it holds: descriptors, and memory in MiB
hookd_fds() {
	find "/proc/$(systemctl show -P MainPID hookd.service)/fd" -type l | grep -c .
}
hookd_mib() {
	awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(systemctl show -P MainPID hookd.service)/status"
}

case_begin 'a thousand connections, and those who may not have one'
cat >"$LAB_STATE/flood.pl" <<'PERL'
use Socket;
my ($n, $how) = @ARGV;
my @held;
for (1 .. $n) {
	socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!";
	connect($s, pack_sockaddr_un("/run/hookd/hookd.sock")) or die "connect: $!";
	send($s, "x" x 100, 0) if $how eq "junk";
	close($s), next if $how eq "hangup";
	push @held, $s;
}
$| = 1;
print "ready\n";
<STDIN> if $how eq "hold";
PERL
flood() {
	bash -c 'ulimit -n 4096; exec perl "$0" "$@"' "$LAB_STATE/flood.pl" "$@"
}
hook_of nobody prepare "$LAB_STATE/vm1.xml"
fds=$(hookd_fds) mib=$(hookd_mib)
for how in hangup junk; do
	check "a thousand, $how" eval "flood 1000 $how | grep -q ready"
done
exec {hold}> >(flood 1000 hold >"$LAB_STATE/flood.out" 2>&1)
check 'a thousand are held open' wait_for 'grep -q ready "$LAB_STATE/flood.out"' 60
ms=$(now_ms)
for n in 1 2 3 4 5; do
	hook_of nobody prepare "$LAB_STATE/vm1.xml" || not_ok 'an event that nobody owns is answered'
done
note "five events beside them: $(($(now_ms) - ms)) ms"
check 'a guest is prepared beside them' hook vm1 prepare
hook_end vm1
exec {hold}>&-
check 'its descriptors are as before' wait_for '(($(hookd_fds) <= fds))' 30
expect 'its memory has not grown' "$(($(hookd_mib) <= mib + 2))" 1
note "hookd: $fds descriptors and $mib MiB before, $(hookd_fds) and $(hookd_mib) after"
expect 'others cannot connect' "$(setpriv --reuid=65534 --regid=65534 --clear-groups hookctl status 2>&1)" '*answers root only*'
chmod 666 /run/hookd/hookd.sock
expect 'nor with the socket open to them' "$(setpriv --reuid=65534 --regid=65534 --clear-groups hookctl status 2>&1)" '*answers root only*'
expect 'nor as root of a container' "$(setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Ur sh -c 'id -u; hookctl status' 2>&1 | paste -sd' ')" '0 *answers root only*'
chmod 600 /run/hookd/hookd.sock
check 'root of this machine is answered' eval 'hookctl status >/dev/null'
expect_no_txn
expect_before
