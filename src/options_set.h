/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of options: for each the function that reads a value, checks it and
 * stores it where the row says. NULL, or what is wrong with it in words that
 * follow the option's name. Without memory the process ends with 71.
 */
#ifndef OPTIONS_SET_H
#define OPTIONS_SET_H

#include "options_table.h"

option_setter option_set_bool;
option_setter option_set_number;
option_setter option_set_workers;
option_setter option_set_path;
option_setter option_set_files;
option_setter option_set_address;
option_setter option_set_host;
option_setter option_set_origin;
option_setter option_set_header;
option_setter option_set_names;
option_setter option_set_tokens;
option_setter option_set_deflate;
option_setter option_set_level;
option_setter option_set_format;
option_setter option_set_framing;
option_setter option_set_newline;
option_setter option_set_not_utf8;
option_setter option_set_compat;

#endif
