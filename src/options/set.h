/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of options: for each, the function that reads a value, checks it and
 * stores it where the row says. Without memory the process exits with 71.
 */
#ifndef OPTIONS_SET_H
#define OPTIONS_SET_H

#include "options/table.h"

option_setter option_set_bool;
option_setter option_set_number;
option_setter option_set_workers;
option_setter option_set_mode; /* permission bits in octal, in an int64_t */
option_setter option_set_path;
option_setter option_set_url_path;
option_setter option_set_files;
option_setter option_set_address;
option_setter option_set_host;
option_setter option_set_origin;
option_setter option_set_header;
option_setter option_set_names;
option_setter option_set_tokens;
option_setter option_set_deflate;
option_setter
    option_set_choice; /* one of row->choices, as row->min + its index in an unsigned */
option_setter option_set_given_number; /* 1 + the number in a uint64_t; 0: not given */
option_setter option_set_unsupported; /* of websocketd: accepts the default only */

#endif
