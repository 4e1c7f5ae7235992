/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of an MCP endpoint. */
#ifndef SERVE_MCP_SETTINGS_H
#define SERVE_MCP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct mcp_settings {
	bool on;
	/* Idle timeout of a session without a connection and of a request without a response;
	 * 0: none. */
	int64_t idle_ms;
};

#endif
