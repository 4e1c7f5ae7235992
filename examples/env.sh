#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Lists what a program is told about the request: the environment of CGI/1.1, sorted.
env | LC_ALL=C sort
