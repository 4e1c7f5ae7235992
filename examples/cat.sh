#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Echo: what comes in goes out. Any program will do, also one that was never meant for the web.
exec cat
