/* SPDX-License-Identifier: BSD-2-Clause */
/* How a session closes and why. */
#include "session/ending.h"

#include <stdio.h>
#include <stdlib.h>

void
ending_note_cause(struct ending *e, enum session_cause cause)
{
	if (e->cause == SESSION_CAUSE_LOST && !e->cause_is_final)
		e->cause = cause;
}

void
ending_note_reason(struct ending *e, const char *reason)
{
	if (!e->reason.data)
		e->reason = span_of(reason);
}

void
ending_copy_reason(struct ending *e, struct span reason)
{
	char *text = span_dup(reason);

	if (!text)
		return;
	e->reason = (struct span){text, reason.len};
	e->owns_reason = true;
}

bool
ending_begin(struct ending *e, enum closing closing, uint16_t code, const char *reason)
{
	if (e->closing != CLOSING_NONE)
		return false;
	e->closing = closing;
	e->code = code;
	e->reason = span_of(reason);
	ending_note_cause(e, closing == CLOSING_GRACE	? SESSION_CAUSE_VIOLATION
			     : code == CLOSE_GOING_AWAY ? SESSION_CAUSE_SERVER
							: SESSION_CAUSE_ERROR);
	return true;
}

bool
ending_request(struct ending *e, uint16_t code, const char *reason)
{
	return ending_end_grace(e) || ending_begin(e, CLOSING_REQUESTED, code, reason);
}

bool
ending_end_grace(struct ending *e)
{
	if (e->closing != CLOSING_GRACE)
		return false;
	e->closing = CLOSING_REQUESTED;
	return true;
}

void
ending_receive(struct ending *e, uint16_t code, struct span reason)
{
	e->by_peer = e->sent == 0;
	e->received = code;
	ending_note_cause(e, SESSION_CAUSE_CLIENT);
	if (e->closing == CLOSING_NONE && reason.len > 0)
		ending_copy_reason(e, reason);
	/* A client at the end of its input may well wait for the result. */
	if (e->closing == CLOSING_NONE && (code == CLOSE_NORMAL || code == CLOSE_NO_STATUS))
		e->closing = CLOSING_GRACE;
	else
		e->closing = e->closing == CLOSING_SENT ? CLOSING_ANSWERED : CLOSING_REQUESTED;
	e->code = code;
}

/* Returns the close code for the way that the backend ended, with the reason and the cause. */
static uint16_t
ending_code_of(
    const struct backend *backend, char text[FRAME_CONTROL_MAX], enum session_cause *cause)
{
	*cause = SESSION_CAUSE_FAILURE;
	switch (backend->end) {
	case BACKEND_EXIT:
		snprintf(text, FRAME_CONTROL_MAX, "exit %d", backend->value);
		if (backend->value != 0)
			return (uint16_t)(4000 + backend->value);
		*cause = SESSION_CAUSE_EXIT;
		return CLOSE_NORMAL;
	case BACKEND_SIGNAL:
		snprintf(
		    text, FRAME_CONTROL_MAX, "signal %s", util_signal_name(backend->value));
		*cause = SESSION_CAUSE_SIGNAL;
		return (uint16_t)(4256 + backend->value);
	case BACKEND_CLOSED:
		snprintf(text, FRAME_CONTROL_MAX, "the backend closed the connection");
		*cause = SESSION_CAUSE_EXIT;
		return CLOSE_NORMAL;
	case BACKEND_LOST:
	case BACKEND_CUT:
	case BACKEND_LEFT:
		break;
	case BACKEND_UNUSED:
		snprintf(text, FRAME_CONTROL_MAX, "the program was not started");
		return CLOSE_INTERNAL;
	}
	snprintf(text, FRAME_CONTROL_MAX, "the connection to the backend was lost");
	return CLOSE_INTERNAL;
}

struct span
ending_send(
    struct ending *e, const struct backend *backend, bool answers, char text[FRAME_CONTROL_MAX])
{
	struct span reason = e->reason;
	enum session_cause cause;

	if (e->closing == CLOSING_NONE) {
		e->code = ending_code_of(backend, text, &cause);
		reason = span_of(text);
		ending_note_cause(e, cause);
	}
	e->sent = e->code;
	e->closing = answers ? CLOSING_ANSWERED : CLOSING_SENT;
	/* Section 5.5.1: "typically echos the status code". */
	if (answers)
		reason = (struct span){0};
	return reason;
}

void
ending_clear(struct ending *e)
{
	if (e->owns_reason)
		free((char *)(uintptr_t)e->reason.data);
}
