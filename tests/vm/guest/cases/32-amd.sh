# shellcheck shell=bash disable=SC1091,SC2016
# Topology amd: one module that is driver and display in one, which the console and the desktop are on.
. /lab/guest/hookd.sh

case_begin 'an AMD card: two rounds'
hookd_up vm1
save_state before
guest_define vm1
check 'hookctl plan' said hookctl plan vm1
check 'the plan names the module' grep -q 'module *amdgpu' "$LAB_STATE/said"
expect_round vm1
check 'the reset was made' eval '(( $(audited HOOKD_STEP=reset) > 0 ))'
profile vm1 <<<$'[Reset]\nMethod=none'
expect_round vm1
note "$(figures prepare/begin ready)"
note "$(figures release/end released)"
