/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for libevent, which allocates a few bytes per descriptor number on first use and never
 * frees them. Between the memory of connections, each would keep a page allocated, so they are
 * allocated together, elsewhere.
 */
#ifndef NET_EVENT_SLOTS_H
#define NET_EVENT_SLOTS_H

/* Must be called before any libevent function; later calls have no effect. */
void event_slots_init(void);

#endif
