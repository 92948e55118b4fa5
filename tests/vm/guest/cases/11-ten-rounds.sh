# shellcheck shell=bash disable=SC1091
# Ten rounds in a row, the host as before after each of them.
. /lab/guest/hookd.sh

hookd_up vm1
save_state before
guest_define vm1
for n in 1 2 3 4 5 6 7 8 9 10; do
	case_begin "round $n of 10"
	expect_round vm1
done
