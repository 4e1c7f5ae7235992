#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Exits as the first message asks: "3" exits with status 3, "signal
# TERM" sends itself that signal. The WebSocket's close code reports it:
# 4003, 4271.
echo "How should I exit? Send a number from 0 to 255, or: signal TERM"
read -r word name || exit 0
case $word in
signal)
	kill -s "$name" $$ || exit 2
	sleep 1 # this signal does not terminate a shell
	;;
*[!0-9]* | '')
	echo "not a number: $word"
	exit 2
	;;
*) exit "$word" ;;
esac
