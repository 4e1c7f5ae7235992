#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
# Returns each message in capital letters.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));    # messages are UTF-8

$| = 1;    # flush after each line
print uc while <STDIN>;
