#!/usr/bin/env -S awk -Winteractive -f
# SPDX-License-Identifier: BSD-2-Clause
# A chat: wspipe --shared=addressed --events examples/shared/chat.awk
BEGIN { FS = OFS = "\t" }
$2 == "open" { print "*", "text", "client " $1 " has joined" }
$2 == "close" { print "*", "text", "client " $1 " has left" }
$2 == "text" { id = $1; sub(/^[^\t]*\t[^\t]*\t/, ""); print "*", "text", "client " id ": " $0 }
{ fflush() }
