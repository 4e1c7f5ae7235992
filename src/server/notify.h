/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports the state of the server to its service manager: the protocol of sd_notify(3),
 * datagrams to the Unix socket that NOTIFY_SOCKET names. Without one, nothing is sent.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct notify {
	int fd; /* owned: connected; -1: nothing to notify */
	int64_t
	    watchdog_ms; /* from one sign of life to the next, at most; 0: none is expected */
};

/* Reads the environment. The sign of life is expected of this process if WATCHDOG_PID names it,
 * or nobody. */
void notify_init(struct notify *notify);

/* It serves, ENDPOINTS of them: at startup, and after a reload. */
void notify_ready(const struct notify *notify, size_t endpoints);

/* A reload begins; notify_ready() follows, whatever comes of it. */
void notify_reloading(const struct notify *notify);

/* It accepts no more connections, and waits for so many SESSIONS. */
void notify_stopping(const struct notify *notify, size_t sessions);

/* The event loop has come round: to be called at least every watchdog_ms / 2. */
void notify_watchdog(const struct notify *notify);

/* From now on PID is the main process; nothing more is sent. */
void notify_hand_over(struct notify *notify, pid_t pid);

void notify_clear(struct notify *notify);

#endif
