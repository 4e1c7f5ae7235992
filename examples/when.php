#!/usr/bin/env php
<?php
// SPDX-License-Identifier: BSD-2-Clause
// Replies with the date that English words mean, such as "last friday of
// next month". PHP's command line program (php-cli) does not buffer output.
while (($line = fgets(STDIN)) !== false) {
	$words = substr(trim($line), 0, 80);
	$date = $words === "" ? false : date_create($words);
	echo $date ? $date->format("l, j F Y") : "write a date, such as: tomorrow", "\n";
}
