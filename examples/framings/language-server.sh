#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# An unmodified language server for an editor in a browser: pylsp or
# clangd.
#
#     wspipe --framing=lsp examples/framings/language-server.sh
#
# Each WebSocket message is one JSON-RPC message, as editors send it.
# A client can make the server run code with your privileges.
if python3 -c 'import pylsp, setuptools' 2>/dev/null; then
	exec python3 -m pylsp
elif [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import pylsp, setuptools' 2>/dev/null; then
	exec /usr/bin/python3 -m pylsp # PATH has another python3 before Debian's
elif command -v clangd >/dev/null; then
	exec clangd --log=error
fi
echo "install python3-pylsp and python3-setuptools, or clangd" >&2
exit 69
