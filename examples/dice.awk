#!/usr/bin/env -S awk -Winteractive -f
# SPDX-License-Identifier: BSD-2-Clause
# Rolls the dice that a message asks for: "2d6" is two dice of six sides.
#
# -Winteractive makes mawk read a line as soon as it is there; other awks do so
# anyway (gawk says on stderr that it ignores the option).
BEGIN { srand() }

/^[1-9][0-9]?d[1-9][0-9]?[0-9]?$/ {
	split($0, dice, "d")
	total = 0
	rolls = ""
	for (i = 1; i <= dice[1]; i++) {
		roll = int(rand() * dice[2]) + 1
		total += roll
		rolls = rolls (i > 1 ? " + " : "") roll
	}
	print $0 ": " (dice[1] > 1 ? rolls " = " total : total)
	fflush()
	next
}

{
	print "write NdS, as in 2d6: up to 99 dice of up to 999 sides"
	fflush()
}
