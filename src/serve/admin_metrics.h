/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics in Prometheus' text format, version 0.0.4. */
#ifndef SERVE_ADMIN_METRICS_H
#define SERVE_ADMIN_METRICS_H

#include "base/buffer.h"
#include "serve/admin_process.h"
#include "session/registry.h"

/* Appends them to OUT. False without memory. */
bool admin_metrics(struct buffer *out, const struct registry *registry,
    const struct admin_facts *facts) __attribute__((warn_unused_result));

#endif
