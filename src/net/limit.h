/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits the number of open client connections, and decides which one is closed when there are
 * too many.
 *
 * Each connection has a slot in one of four classes. PENDING: its request is incomplete (TLS
 * handshake or head). RESPONSE: it is being sent a response, or lingers. IDLE: it persists
 * between two requests. PROGRAM: it belongs to a session. The first three share the slots for
 * connections without a program; PROGRAM has its own, so that neither group can use up the
 * other's slots. A slot may also be that of a session whose client reconnects with other slots
 * (ABSENT): it only counts for PER_ADDRESS.
 *
 * A new connection is always accepted. When the slots are used up, another one is closed: the
 * oldest idle connection of the address with the most idle ones; if there is none, the oldest
 * pending connection of the address with the most pending ones, preferably one that has sent
 * nothing. If responses hold more than LIMIT_RESPONSES_SHARE of the slots, it is the oldest
 * response of the address with the most of them. Addresses with equal counts take turns.
 *
 * An address is an IPv4 address, also if mapped into IPv6, or a /64 of IPv6. Each operation
 * takes constant time, except the lookup of an address, which is logarithmic.
 *
 * Independently, an address may have at most PER_ADDRESS connections of all classes. A few more
 * are accepted, so that they get an HTTP error; see limit_admit(). A limit on ALL connections
 * stops accepting, without an error response.
 */
#ifndef NET_LIMIT_H
#define NET_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct limit;
struct limit_slot;
struct tally;

enum limit_class {
	LIMIT_PENDING,
	LIMIT_RESPONSE,
	LIMIT_IDLE,
	LIMIT_PROGRAM,
	LIMIT_ABSENT,
};

enum {
	LIMIT_SESSION = 5, /* descriptors: a socket, three pipes and a pidfd */
	LIMIT_RESPONSES_SHARE = 75, /* percent of the slots */
	LIMIT_EXCESS_MAX = 8, /* connections per address that may get an error response */
	LIMIT_LOG_MS = 10 * 1000, /* closed connections are logged at most this often */
	LIMIT_TEXT_MAX = 64, /* bytes of limit_text(), including the NUL */
};

struct limit_settings {
	size_t connections; /* slots for connections without a program, at least 1 */
	size_t programs; /* slots for programs and their clients, at least 1 */
	size_t per_address; /* 0: no limit */
	/* Borrowed: counts the connections of all workers. NULL: this process is the only one.
	 */
	struct tally *tally;
	size_t worker; /* number of this process in TALLY */
	size_t all; /* maximum number of connections of all classes; 0: no limit */
	void (*on_full)(void *arg, bool full); /* reports whether ALL is reached; may be NULL */
	void *arg; /* borrowed */
};

/* Returns NULL if memory runs out. */
struct limit *limit_new(const struct limit_settings *settings)
    __attribute__((warn_unused_result));

/* Changes the limit on all connections. */
void limit_set_all(struct limit *limit, size_t all);

/* Frees LIMIT, which must have no slots left. Accepts NULL. */
void limit_free(struct limit *limit);

/*
 * Returns a pending slot for an accepted connection from PEER (NULL: see limit_set_client()).
 * The owner must call limit_on_evict() before anything else happens. May close another
 * connection. Returns NULL if PEER has too many connections or memory runs out; then close the
 * connection.
 */
struct limit_slot *limit_enter(struct limit *limit, const struct sockaddr_storage *peer)
    __attribute__((warn_unused_result));

/* Changes the client of the connection. NULL is a trusted proxy, which has no limit. Call
 * limit_admit() to check the new client's limit. */
void limit_set_client(struct limit_slot *slot, const struct sockaddr_storage *client);

/* Frees the slot of a closed socket. Accepts NULL, as do all functions below. */
void limit_leave(struct limit_slot *slot);

/* Sets the eviction callback. EVICT(ARG) must close the connection at once and leave the
 * slot. */
void limit_on_evict(struct limit_slot *slot, void (*evict)(void *arg), void *arg);

/* Records that the client has sent data, so the connection is no longer the first to be
 * closed. */
void limit_heard(struct limit_slot *slot);

/* Moves the slot to another class. May close another connection in that class. */
void limit_move(struct limit_slot *slot, enum limit_class class);

/* Reports whether the address stays within PER_ADDRESS with this connection, now that its
 * request is complete. If not, reject the request. */
bool limit_admit(struct limit_slot *slot);

/* Reports whether there are descriptors for one more program and its client while PROGRAMS run:
 * a program may outlive its connection, and a connection its program. */
bool limit_has_room_for_program(const struct limit *limit, size_t programs);

/* Reports the same for one more client of a running program. */
bool limit_has_room_for_client(const struct limit *limit, size_t programs);

/* Reports whether the limit on all connections is reached. */
bool limit_is_full(const struct limit *limit);

/* Returns the number of connections in a class. */
size_t limit_count(const struct limit *limit, enum limit_class class);

/* Return the unit that counts as one address, and its text: "192.0.2.1", "2001:db8::/64". */
uint64_t limit_address(const struct sockaddr_storage *peer);
void limit_text(uint64_t address, char text[LIMIT_TEXT_MAX]);

#endif
