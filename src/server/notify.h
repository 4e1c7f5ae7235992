/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports the server's state to its service manager by the protocol of sd_notify(3): datagrams
 * to the Unix socket named by NOTIFY_SOCKET. Without that variable, nothing is sent.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct notify {
	int fd; /* owned: the connected socket; -1: no service manager */
	int64_t watchdog_ms; /* maximum watchdog interval; 0: no watchdog */
};

/* Reads the environment. The watchdog applies to this process if WATCHDOG_PID names it or is
 * not set. */
void notify_init(struct notify *notify);

/* Reports that the server serves ENDPOINTS endpoints: at startup and after a reload. */
void notify_ready(const struct notify *notify, size_t endpoints);

/* Reports the start of a reload; notify_ready() must follow, whatever the result. */
void notify_reloading(const struct notify *notify);

/* Reports that the server accepts no more connections and waits for SESSIONS sessions. */
void notify_stopping(const struct notify *notify, size_t sessions);

/* Sends a watchdog message, as the event loop is running. Call at least every watchdog_ms /
 * 2. */
void notify_watchdog(const struct notify *notify);

/* Reports PID as the new main process; nothing more is sent. */
void notify_hand_over(struct notify *notify, pid_t pid);

void notify_clear(struct notify *notify);

#endif
