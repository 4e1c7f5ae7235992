#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Echoes each message. Any program works, including those that were
# never meant for the web.
exec cat
