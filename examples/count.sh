#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Counts to ten, one number per message, and exits with status 0.
for ((i = 1; i <= 10; i++)); do
	echo "$i" # bash writes each line immediately: nothing to flush
	sleep 0.3
done
