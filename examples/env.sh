#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Lists what a program knows about the request: its environment, as
# CGI/1.1 defines it.
env | LC_ALL=C sort
