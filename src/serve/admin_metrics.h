/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics in the Prometheus text format, version 0.0.4. */
#ifndef SERVE_ADMIN_METRICS_H
#define SERVE_ADMIN_METRICS_H

#include "base/buffer.h"
#include "serve/admin_process.h"
#include "session/registry.h"

/* Appends all metrics to OUT. Returns false if memory runs out. */
bool admin_metrics(struct buffer *out, const struct registry *registry,
    const struct admin_facts *facts) __attribute__((warn_unused_result));

#endif
