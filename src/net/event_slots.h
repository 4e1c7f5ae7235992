/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of libevent. It allocates a few bytes for each descriptor number when that is first
 * used, and never frees them: among the memory of the connection that used it, they would keep
 * a page of it. So they are allocated together, elsewhere.
 */
#ifndef NET_EVENT_SLOTS_H
#define NET_EVENT_SLOTS_H

/* Before anything of libevent; later calls change nothing. */
void event_slots_init(void);

#endif
