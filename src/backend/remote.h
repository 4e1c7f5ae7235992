/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of a shared endpoint as a backend, while another node runs it: what is written to
 * it are entries (bus/entry), which go to that node. Its output comes another way, as it
 * concerns all nodes: bus_handlers.on_output().
 */
#ifndef BACKEND_REMOTE_H
#define BACKEND_REMOTE_H

#include "backend/framed.h"
#include "bus/bus.h"
#include "net/loop.h"

/* PID is the process that the leader reports, or 0. TOPIC, LOOP, RULES and the handlers are
 * borrowed. NULL without memory. */
struct backend *remote_new(struct loop *loop, struct bus_topic *topic, pid_t pid,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg)
    __attribute__((warn_unused_result));

/* Marks it as ended, with END and VALUE. Calls no handler: the caller reports it. */
void remote_end(struct backend *backend, enum backend_end end, uint8_t value);

#endif
