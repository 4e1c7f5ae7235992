#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A CGI script, which is started once for each HTTP request, not for a WebSocket. It shows the
# request, or with /events in the path sends one event a second:
#
#     wspipe --cgidir=examples/cgi
#     curl -d 'a body' 'http://localhost:8080/request.sh/some/path?query'
#     curl -N http://localhost:8080/request.sh/events
if [[ $PATH_INFO == /events ]]; then
	printf 'Content-Type: text/event-stream\nCache-Control: no-store\n\n'
	for ((i = 1; ; i++)); do
		printf 'data: %d\n\n' "$i"
		sleep 1
	done
fi
printf 'Content-Type: text/plain; charset=utf-8\n\n'
printf '%s %s\n' "$REQUEST_METHOD" "$REQUEST_URI"
printf 'PATH_INFO=%s\nQUERY_STRING=%s\n' "$PATH_INFO" "$QUERY_STRING"
# The body, as long as it is: of a chunked one the length is not known.
printf 'CONTENT_LENGTH=%s\n\n' "$CONTENT_LENGTH"
cat
