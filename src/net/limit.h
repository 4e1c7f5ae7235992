/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many client connections may be open, and which one is closed when there are too many.
 *
 * Each connection has a slot in one of four classes. PENDING: its request is incomplete (the
 * TLS handshake or the head). RESPONSE: it is sent a response, or lingers. IDLE: it persists
 * between two requests. PROGRAM: it belongs to a session. The first three share the slots for
 * connections without a program; the last has slots of its own, so that neither can use up what
 * was promised to the other. A slot may also be that of a session whose client comes back in
 * connections of other slots (ABSENT): it counts for PER_ADDRESS only.
 *
 * A new connection is always accepted. When the slots are used up, another one is closed for
 * it: the oldest idle connection of the address that has most idle ones; without any, the
 * oldest pending connection of the address that has most pending ones, and of those
 * first one that has sent nothing. Where responses hold more than LIMIT_RESPONSES_SHARE of the
 * slots, it is the oldest response of the address that has most of those. Addresses that have
 * equally many take turns. An address is an IPv4 address, also one mapped into IPv6, or a /64
 * of IPv6. Each operation takes constant time but for the
 * search of an address, which is logarithmic.
 *
 * Independently of that, an address may have at most PER_ADDRESS connections of all classes.
 * A few more are accepted, so that they get an HTTP error; see limit_admit(). And a bound on
 * ALL connections stops the accepting, without an error.
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
	LIMIT_SESSION = 5, /* descriptors: a socket, three pipes, and the program (pidfd) */
	LIMIT_RESPONSES_SHARE = 75, /* percent of the slots */
	LIMIT_EXCESS_MAX = 8, /* connections per address that may wait for an error response */
	LIMIT_LOG_MS = 10 * 1000, /* closed connections are logged at most this often */
	LIMIT_TEXT_MAX = 64, /* bytes of limit_text(), terminated */
};

struct limit_settings {
	size_t connections; /* slots for connections without a program, at least 1 */
	size_t programs; /* slots for programs and their clients, at least 1 */
	size_t per_address; /* 0: no bound */
	/* Borrowed: counts the connections of all workers. NULL: this process is the only one.
	 */
	struct tally *tally;
	size_t worker; /* of this process, in TALLY */
	size_t
	    all; /* connections of all classes, after which no more should come; 0: no bound */
	void (*on_full)(void *arg, bool full); /* whether there are as many; may be NULL */
	void *arg; /* borrowed */
};

/* NULL without memory. */
struct limit *limit_new(const struct limit_settings *settings)
    __attribute__((warn_unused_result));

/* Changes the bound on all connections. */
void limit_set_all(struct limit *limit, size_t all);

/* There must be no slot left. Accepts NULL. */
void limit_free(struct limit *limit);

/*
 * A pending slot for an accepted connection from PEER (NULL: see limit_set_client()); its owner
 * sets a handler by limit_on_evict() before anything else happens. May close another
 * connection. NULL: PEER has too many connections, or there is no memory; close the connection.
 */
struct limit_slot *limit_enter(struct limit *limit, const struct sockaddr_storage *peer)
    __attribute__((warn_unused_result));

/* Whose connection it is from now on: NULL stands for a trusted proxy, which has as many as it
 * wants. limit_admit() then reports whether there is room for it. */
void limit_set_client(struct limit_slot *slot, const struct sockaddr_storage *client);

/* Its socket was closed: frees it. Accepts NULL, as do all functions below. */
void limit_leave(struct limit_slot *slot);

/* EVICT(ARG) must close the connection at once, and with it leave the slot. */
void limit_on_evict(struct limit_slot *slot, void (*evict)(void *arg), void *arg);

/* The client has sent something: no longer the first to be closed. */
void limit_heard(struct limit_slot *slot);

/* May close another connection, to make room in the class. */
void limit_move(struct limit_slot *slot, enum limit_class class);

/* Whether the address stays within PER_ADDRESS with this connection, now that its request is
 * complete. False: reject it. */
bool limit_admit(struct limit_slot *slot);

/* Whether there are descriptors for one more program and its client when so many PROGRAMS run:
 * one may outlive its connection, and a connection its program. */
bool limit_has_room_for_program(const struct limit *limit, size_t programs);

/* The same of one more client of a program that runs. */
bool limit_has_room_for_client(const struct limit *limit, size_t programs);

/* Whether no more connections should come. */
bool limit_is_full(const struct limit *limit);

/* Connections in a class. */
size_t limit_count(const struct limit *limit, enum limit_class class);

/* What counts as one address, and its text: "192.0.2.1", "2001:db8::/64". */
uint64_t limit_address(const struct sockaddr_storage *peer);
void limit_text(uint64_t address, char text[LIMIT_TEXT_MAX]);

#endif
