#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ends as the first message says: "3" is exit status 3, "signal TERM" a death by that signal.
# The WebSocket is closed with the code that tells it: 4003, 4271.
echo "How shall I end? A number from 0 to 255, or: signal TERM"
read -r word name || exit 0
case $word in
signal)
	kill -s "$name" $$ || exit 2
	sleep 1 # the signal was one that does not kill
	;;
*[!0-9]* | '')
	echo "not a number: $word"
	exit 2
	;;
*) exit "$word" ;;
esac
