#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
# Sends each message back in capital letters.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));    # messages are UTF-8

$| = 1;    # write each line at once, not when a buffer is full
print uc while <STDIN>;
