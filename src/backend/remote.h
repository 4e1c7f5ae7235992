/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of a shared endpoint as a backend, while another node runs it. Writes are entries
 * (bus/entry) that go to that node. Output arrives by bus_handlers.on_output() instead, because
 * it concerns all nodes.
 */
#ifndef BACKEND_REMOTE_H
#define BACKEND_REMOTE_H

#include "backend/framed.h"
#include "bus/bus.h"
#include "net/loop.h"

/* Creates the backend. PID is the process that the leader reports, or 0. TOPIC, LOOP, RULES and
 * the handlers are borrowed. Returns NULL if out of memory. */
struct backend *remote_new(struct loop *loop, struct bus_topic *topic, pid_t pid,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Marks the program as ended, with END and VALUE. Calls no handler; the caller reports the
 * change. */
void remote_end(struct backend *backend, enum backend_end end, uint8_t value);

#endif
