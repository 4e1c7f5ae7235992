#!/usr/bin/env -S awk -Winteractive -f
# SPDX-License-Identifier: BSD-2-Clause
# Rolls dice: "2d6" rolls two dice with six sides each.
#
# -Winteractive makes mawk read each line as soon as it arrives. Other
# awks always do (gawk reports on stderr that it ignores the option).
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
	print "write NdS, such as 2d6: up to 99 dice with up to 999 sides"
	fflush()
}
