#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Prints the CPU load in percent, four times a second. The message
# "work" keeps all processors busy for two seconds.
work() {
	local end=$((SECONDS + 2))
	while ((SECONDS < end)); do :; done
}

while :; do
	read -r -t 0.25 message # wait for a message, or 0.25 seconds
	case $? in
	0)
		[[ $message == work && -z $(jobs -r) ]] || continue
		for ((i = $(nproc); i > 0; i--)); do work & done
		;;
	1) exit ;; # the client disconnected
	esac
	read -r _ user nice system idle iowait irq softirq _ </proc/stat
	busy=$((user + nice + system + irq + softirq))
	total=$((busy + idle + iowait))
	((last_total == 0 || last_total == total)) ||
		echo $((100 * (busy - last_busy) / (total - last_total)))
	last_busy=$busy last_total=$total
done
