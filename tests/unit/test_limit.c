/* SPDX-License-Identifier: BSD-2-Clause */
/* Which connection is closed when there are too many, how many an address may have, and when a
 * client is too slow. */
#include "base/log.h"
#include "base/util.h"
#include "net/limit.h"
#include "net/rate.h"
#include "net/tally.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t now_ms = 1000;

int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return now_ms;
}

/* A connection, which notes when it was closed for another one. */
struct client {
	struct limit_slot *slot; /* NULL: closed */
	unsigned int evicted; /* in which turn; 0: not */
};

static unsigned int evictions;

static void
on_evict(void *arg)
{
	struct client *client = arg;
	struct limit_slot *slot = client->slot;

	client->slot = NULL;
	client->evicted = ++evictions;
	limit_leave(slot);
}

static struct sockaddr_storage
peer_of(const char *text)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&peer;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&peer;

	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		peer.ss_family = AF_INET;
		return peer;
	}
	peer.ss_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
	return peer;
}

static bool
enter(struct limit *limit, struct client *client, const char *text)
{
	struct sockaddr_storage peer = peer_of(text);

	*client = (struct client){.slot = limit_enter(limit, &peer)};
	limit_on_evict(client->slot, on_evict, client);
	return client->slot;
}

static void
leave(struct client *client)
{
	limit_leave(client->slot);
	client->slot = NULL;
}

static struct limit *
make(size_t connections, size_t programs, size_t per_address)
{
	struct limit_settings settings = {
	    .connections = connections, .programs = programs, .per_address = per_address};
	struct limit *limit = limit_new(&settings);

	assert_non_null(limit);
	evictions = 0;
	return limit;
}

static void
clear(struct limit *limit, struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++)
		leave(&clients[i]);
	for (enum limit_class class = LIMIT_PENDING; class <= LIMIT_PROGRAM; class ++)
		assert_int_equal(limit_count(limit, class), 0);
	limit_free(limit);
}

static void
test_the_oldest_of_the_address_with_most_goes(void **state)
{
	struct limit *limit = make(6, 1, 0);
	struct client c[10];

	(void)state;
	assert_true(enter(limit, &c[0], "192.0.2.1"));
	assert_true(enter(limit, &c[1], "192.0.2.2"));
	assert_true(enter(limit, &c[2], "192.0.2.1"));
	assert_true(enter(limit, &c[3], "192.0.2.1"));
	assert_true(enter(limit, &c[4], "192.0.2.2"));
	assert_true(enter(limit, &c[5], "192.0.2.3"));
	assert_int_equal(evictions, 0);
	/* Three of .1, two of .2, one of .3. */
	assert_true(enter(limit, &c[6], "192.0.2.3"));
	assert_int_equal(c[0].evicted, 1);
	/* Two of each: the one that has had two for the longest time. */
	assert_true(enter(limit, &c[7], "192.0.2.4"));
	assert_int_equal(c[1].evicted, 2);
	assert_true(enter(limit, &c[8], "192.0.2.4"));
	assert_int_equal(c[2].evicted + c[5].evicted, 3);
	assert_int_equal(limit_count(limit, LIMIT_PENDING), 6);
	clear(limit, c, 9);
}

static void
test_who_has_a_few_is_safe_from_who_has_thousands(void **state)
{
	enum { SLOTS = 4096, FLOOD = 20000 };
	static struct client flood[FLOOD], honest[100];
	struct limit *limit = make(SLOTS, 1, 0);

	(void)state;
	for (size_t i = 0; i < FLOOD; i++) {
		char text[32];

		assert_true(enter(limit, &flood[i], "198.51.100.7"));
		if (i % 200 != 0)
			continue;
		snprintf(text, sizeof(text), "203.0.113.%zu", i / 200);
		assert_true(enter(limit, &honest[i / 200], text));
	}
	for (size_t i = 0; i < UTIL_LEN(honest); i++)
		assert_int_equal(honest[i].evicted, 0);
	/* Strictly the oldest first. */
	for (size_t i = 0; i < FLOOD; i++)
		assert_int_equal(flood[i].evicted, i < FLOOD + 100 - SLOTS ? i + 1 : 0);
	for (size_t i = 0; i < UTIL_LEN(honest); i++)
		leave(&honest[i]);
	clear(limit, flood, FLOOD);
}

static void
test_an_address_is_a_32_or_a_64(void **state)
{
	static const struct {
		const char *one;
		const char *other;
		bool same;
		const char *text;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1", true, "192.0.2.1"},
	    {"192.0.2.1", "192.0.2.2", false, "192.0.2.1"},
	    {"192.0.2.1", "::ffff:192.0.2.1", true, "192.0.2.1"},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false, "192.0.2.1"},
	    {"2001:db8::1", "2001:db8::ffff:2", true, "2001:db8::/64"},
	    {"2001:db8:0:1::1", "2001:db8::1", false, "2001:db8:0:1::/64"},
	    {"2001:db8::1", "2001:db8:8000::1", false, "2001:db8::/64"},
	    {"::1", "::2", true, "::/64"},
	    {"::1", "127.0.0.1", false, "::/64"},
	    {"0:ffff::1", "0.0.0.0", true, "0.0.0.0"}, /* reserved: RFC 4291 */
	    {"255.255.255.255", "::", false, "255.255.255.255"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct sockaddr_storage one = peer_of(rows[i].one);
		struct sockaddr_storage other = peer_of(rows[i].other);
		char text[LIMIT_TEXT_MAX];

		assert_int_equal(limit_address(&one) == limit_address(&other), rows[i].same);
		limit_text(limit_address(&one), text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
test_a_prefix_counts_as_one_when_it_is_evicted(void **state)
{
	struct limit *limit = make(4, 1, 0);
	struct client c[5];

	(void)state;
	assert_true(enter(limit, &c[0], "2001:db8::1"));
	assert_true(enter(limit, &c[1], "192.0.2.1"));
	assert_true(enter(limit, &c[2], "2001:db8::2"));
	assert_true(enter(limit, &c[3], "2001:db8:0:1::2"));
	assert_true(enter(limit, &c[4], "192.0.2.2"));
	assert_int_equal(c[0].evicted, 1);
	clear(limit, c, 5);
}

static void
test_programs_and_others_take_nothing_from_each_other(void **state)
{
	struct limit *limit = make(2, 2, 0);
	struct client c[8];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(limit_has_room_for_program(limit, i));
		assert_true(enter(limit, &c[i], "192.0.2.1"));
		limit_move(c[i].slot, LIMIT_PROGRAM);
	}
	assert_false(limit_has_room_for_program(limit, 2));
	/* One program less is enough for several clients of the others. */
	assert_false(limit_has_room_for_client(limit, 2));
	assert_true(limit_has_room_for_client(limit, 1));
	for (size_t i = 2; i < 7; i++)
		assert_true(enter(limit, &c[i], "192.0.2.1"));
	assert_int_equal(evictions, 3);
	assert_int_equal(c[2].evicted, 1);
	assert_int_equal(limit_count(limit, LIMIT_PROGRAM), 2);
	/* A session that ends needs a slot of the others for its last bytes. */
	limit_move(c[0].slot, LIMIT_RESPONSE);
	assert_int_equal(c[5].evicted, 4);
	assert_true(limit_has_room_for_program(limit, 1));
	assert_false(limit_has_room_for_program(limit, 2));
	clear(limit, c, 7);
	assert_true(limit_has_room_for_program(NULL, 99));
}

static void
test_responses_go_first_when_they_hold_most_slots(void **state)
{
	struct limit *limit = make(8, 1, 0);
	struct client c[16];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_true(enter(limit, &c[i], i < 4 ? "192.0.2.1" : "192.0.2.2"));
		limit_move(c[i].slot, LIMIT_RESPONSE);
	}
	assert_true(enter(limit, &c[6], "192.0.2.3"));
	assert_true(enter(limit, &c[7], "192.0.2.4"));
	/* Three quarters are their share: a pending one goes. */
	assert_true(enter(limit, &c[8], "192.0.2.5"));
	assert_int_equal(c[6].evicted, 1);
	/* One more: the oldest of the address that has most. */
	limit_move(c[7].slot, LIMIT_RESPONSE);
	assert_true(enter(limit, &c[9], "192.0.2.6"));
	assert_int_equal(c[0].evicted, 2);
	assert_true(enter(limit, &c[10], "192.0.2.7"));
	assert_int_equal(c[8].evicted, 3);
	/* And where there are only responses. */
	limit_move(c[9].slot, LIMIT_RESPONSE);
	limit_move(c[10].slot, LIMIT_RESPONSE);
	assert_true(enter(limit, &c[11], "192.0.2.1"));
	assert_int_equal(c[1].evicted, 4);
	clear(limit, c, 12);
}

static void
test_idle_connections_go_first(void **state)
{
	struct limit *limit = make(8, 1, 0);
	struct client c[12];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		assert_true(enter(limit, &c[i], i < 3 ? "192.0.2.1" : "192.0.2.2"));
		if (i != 3)
			limit_move(c[i].slot, LIMIT_RESPONSE);
	}
	limit_move(c[0].slot, LIMIT_IDLE);
	limit_move(c[4].slot, LIMIT_IDLE);
	limit_move(c[1].slot, LIMIT_IDLE);
	/* One that gets a request is no longer idle. */
	limit_move(c[4].slot, LIMIT_PENDING);
	assert_true(enter(limit, &c[8], "192.0.2.3"));
	assert_int_equal(c[0].evicted, 1);
	assert_true(enter(limit, &c[9], "192.0.2.3"));
	assert_int_equal(c[1].evicted, 2);
	assert_true(enter(limit, &c[10], "192.0.2.3"));
	assert_int_equal(c[3].evicted, 3);
	clear(limit, c, 11);
}

static void
test_one_slot_is_enough(void **state)
{
	struct limit *limit = make(1, 1, 0);
	struct client c[3];

	(void)state;
	assert_true(enter(limit, &c[0], "192.0.2.1"));
	assert_true(enter(limit, &c[1], "192.0.2.2"));
	assert_int_equal(c[0].evicted, 1);
	limit_move(c[1].slot, LIMIT_RESPONSE);
	assert_true(enter(limit, &c[2], "192.0.2.2"));
	assert_int_equal(c[1].evicted, 2);
	clear(limit, c, 3);
}

static void
on_full(void *arg, bool full)
{
	*(int *)arg += full ? 1 : -1;
}

static void
test_what_is_absent_counts_for_its_address_only(void **state)
{
	struct limit *limit = make(1, 1, 2);
	struct client c[3] = {0};

	(void)state;
	assert_true(enter(limit, &c[0], "192.0.2.1"));
	limit_move(c[0].slot, LIMIT_ABSENT);
	assert_true(limit_has_room_for_program(limit, 0));
	assert_true(enter(limit, &c[1], "192.0.2.1"));
	assert_true(limit_admit(c[1].slot));
	assert_int_equal(evictions, 0);
	limit_move(c[1].slot, LIMIT_PROGRAM);
	assert_true(enter(limit, &c[2], "192.0.2.1"));
	assert_false(limit_admit(c[2].slot));
	leave(&c[0]);
	assert_true(limit_admit(c[2].slot));
	clear(limit, c, 3);
}

static void
test_a_bound_on_all_is_reported(void **state)
{
	int full = 0;
	struct limit_settings settings = {
	    .connections = 10, .programs = 10, .all = 2, .on_full = on_full, .arg = &full};
	struct limit *limit = limit_new(&settings);
	struct client c[3];

	(void)state;
	assert_non_null(limit);
	assert_true(enter(limit, &c[0], "192.0.2.1"));
	assert_int_equal(full, 0);
	assert_true(enter(limit, &c[1], "192.0.2.2"));
	assert_int_equal(full, 1);
	assert_true(limit_is_full(limit));
	/* Whatever their class. */
	limit_move(c[1].slot, LIMIT_PROGRAM);
	assert_int_equal(full, 1);
	/* It is not enforced here: those that are in a batch still come. */
	assert_true(enter(limit, &c[2], "192.0.2.3"));
	leave(&c[0]);
	assert_int_equal(full, 1);
	leave(&c[1]);
	assert_int_equal(full, 0);
	limit_set_all(limit, 1);
	assert_int_equal(full, 1);
	limit_set_all(limit, 0);
	assert_int_equal(full, 0);
	clear(limit, c, 3);
}

static void
test_who_has_said_nothing_goes_before_who_has(void **state)
{
	struct limit *limit = make(4, 1, 0);
	struct client c[7];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(enter(limit, &c[i], "192.0.2.1"));
	limit_heard(c[2].slot);
	limit_heard(c[0].slot);
	limit_heard(c[0].slot);
	limit_heard(NULL);
	assert_true(enter(limit, &c[4], "192.0.2.1"));
	assert_int_equal(c[1].evicted, 1);
	assert_true(enter(limit, &c[5], "192.0.2.1"));
	assert_int_equal(c[3].evicted, 2);
	limit_heard(c[4].slot);
	limit_heard(c[5].slot);
	assert_true(enter(limit, &c[6], "192.0.2.2"));
	assert_int_equal(c[2].evicted, 3);
	clear(limit, c, 7);
}

/* What goes first according to the header, found by looking at all of them. */
struct model {
	struct client client;
	int address;
	enum limit_class class;
	bool heard;
	unsigned int entered; /* into what it is compared within */
};

static size_t
model_count(const struct model *m, size_t n, enum limit_class class, int address)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += m[i].client.slot && m[i].class == class &&
			 (address == -1 || m[i].address == address);
	return count;
}

/* Whether it was right to evict VICTIM, which is counted here as if it were still open. */
static void
model_check(struct model *m, size_t n, size_t victim, struct limit_slot *was, size_t slots)
{
	size_t responses, most = 0;
	enum limit_class class;

	m[victim].client.slot = was;
	responses = model_count(m, n, LIMIT_RESPONSE, -1);
	class = model_count(m, n, LIMIT_IDLE, -1) > 0 ? LIMIT_IDLE
		: responses > slots * 3 / 4 || model_count(m, n, LIMIT_PENDING, -1) == 0
		    ? LIMIT_RESPONSE
		    : LIMIT_PENDING;
	assert_int_equal(m[victim].class, class);
	for (size_t i = 0; i < n; i++) {
		size_t count = model_count(m, n, class, m[i].address);

		most = count > most ? count : most;
		if (m[i].client.slot && m[i].class == class &&
		    m[i].address == m[victim].address)
			assert_true(m[i].heard == m[victim].heard
					? m[i].entered >= m[victim].entered
					: m[i].heard);
	}
	assert_int_equal(model_count(m, n, class, m[victim].address), most);
	m[victim].client.slot = NULL;
}

static void
test_any_sequence_agrees_with_a_simple_model(void **state)
{
	enum { CLIENTS = 40, SLOTS = 12, STEPS = 20000 };
	static struct model m[CLIENTS];
	struct limit *limit = make(SLOTS, CLIENTS, 0);
	unsigned int clock = 0;

	(void)state;
	srand(1);
	for (int step = 0; step < STEPS; step++) {
		size_t i = (size_t)rand() % CLIENTS;
		struct limit_slot *before[CLIENTS];
		unsigned int evicted = evictions;
		bool entered = false;

		for (size_t k = 0; k < CLIENTS; k++)
			before[k] = m[k].client.slot;
		if (!m[i].client.slot) {
			char text[32];

			m[i].address = rand() % 5;
			m[i].class = LIMIT_PENDING;
			m[i].heard = false;
			m[i].entered = ++clock;
			snprintf(text, sizeof(text), "192.0.2.%d", m[i].address);
			assert_true(enter(limit, &m[i].client, text));
			entered = true;
		} else if (rand() % 3 == 0) {
			leave(&m[i].client);
		} else if (m[i].class == LIMIT_PENDING && !m[i].heard) {
			limit_heard(m[i].client.slot);
			m[i].heard = true;
			m[i].entered = ++clock;
		} else if (m[i].class == LIMIT_PENDING && rand() % 2 == 0) {
			limit_move(m[i].client.slot, LIMIT_RESPONSE);
			m[i].class = LIMIT_RESPONSE;
			m[i].entered = ++clock;
		} else if (m[i].class == LIMIT_PENDING) {
			limit_move(m[i].client.slot, LIMIT_PROGRAM);
			m[i].class = LIMIT_PROGRAM;
		} else if (m[i].class == LIMIT_PROGRAM) {
			limit_move(m[i].client.slot, LIMIT_RESPONSE);
			entered = true;
		} else if (rand() % 2 == 0) {
			m[i].class = m[i].class == LIMIT_IDLE ? LIMIT_PENDING : LIMIT_IDLE;
			limit_move(m[i].client.slot, m[i].class);
			m[i].entered = ++clock;
		}
		assert_true(evictions - evicted <= 1);
		for (size_t k = 0; k < CLIENTS && evictions > evicted; k++) {
			struct limit_slot *own = m[i].client.slot;

			if (k == i || !before[k] || m[k].client.slot)
				continue;
			assert_true(entered);
			m[i].client.slot = NULL; /* it was not in the class yet */
			model_check(m, CLIENTS, k, before[k], SLOTS);
			m[i].client.slot = own;
		}
		if (m[i].client.slot && m[i].class == LIMIT_PROGRAM && entered) {
			m[i].class = LIMIT_RESPONSE;
			m[i].entered = ++clock;
		}
		for (enum limit_class class = LIMIT_PENDING; class <= LIMIT_PROGRAM; class ++)
			assert_int_equal(
			    limit_count(limit, class), model_count(m, CLIENTS, class, -1));
		assert_true(limit_count(limit, LIMIT_PENDING) +
				limit_count(limit, LIMIT_RESPONSE) +
				limit_count(limit, LIMIT_IDLE) <=
			    SLOTS);
	}
	assert_true(evictions > 1000);
	for (size_t i = 0; i < CLIENTS; i++)
		leave(&m[i].client);
	clear(limit, NULL, 0);
}

static void
test_an_address_has_at_most_its_bound_of_all_classes(void **state)
{
	struct limit *limit = make(100, 100, 3);
	struct client c[20], other;

	(void)state;
	for (size_t i = 0; i < 3 + LIMIT_EXCESS_MAX; i++) {
		assert_true(enter(limit, &c[i], "192.0.2.1"));
		assert_int_equal(limit_admit(c[i].slot), i < 3);
	}
	/* No more may wait for their error. */
	assert_false(enter(limit, &c[11], "192.0.2.1"));
	assert_true(enter(limit, &other, "192.0.2.2"));
	assert_true(limit_admit(other.slot));
	/* Programs and responses count as well, until they are closed. */
	limit_move(c[0].slot, LIMIT_PROGRAM);
	limit_move(c[1].slot, LIMIT_RESPONSE);
	assert_false(limit_admit(c[3].slot));
	leave(&c[0]);
	assert_true(limit_admit(c[3].slot));
	assert_true(limit_admit(c[3].slot));
	assert_false(limit_admit(c[4].slot));
	leave(&c[5]);
	assert_true(enter(limit, &c[11], "192.0.2.1"));
	assert_false(limit_admit(c[11].slot));
	assert_int_equal(evictions, 0);
	leave(&other);
	clear(limit, c, 12);
	assert_true(limit_admit(NULL));
}

/* The connections of a trusted proxy belong to its clients. */
static void
test_the_client_of_a_proxy_is_counted(void **state)
{
	struct sockaddr_storage one = peer_of("192.0.2.1"), two = peer_of("192.0.2.2");
	struct limit *limit = make(20, 1, 2);
	struct client c[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		c[i] = (struct client){.slot = limit_enter(limit, NULL)};
		limit_on_evict(c[i].slot, on_evict, &c[i]);
		assert_true(limit_admit(c[i].slot));
	}
	for (size_t i = 0; i < 4; i++) {
		limit_set_client(c[i].slot, i == 2 ? &two : &one);
		assert_int_equal(limit_admit(c[i].slot), i < 3);
	}
	/* One of them serves another client now, and then none. */
	limit_set_client(c[0].slot, &two);
	assert_true(limit_admit(c[0].slot));
	assert_true(limit_admit(c[3].slot));
	limit_set_client(c[4].slot, &two);
	assert_false(limit_admit(c[4].slot));
	limit_set_client(c[2].slot, NULL);
	assert_true(limit_admit(c[4].slot));
	limit_move(c[4].slot, LIMIT_PROGRAM);
	limit_set_client(c[4].slot, &one);
	assert_false(limit_admit(c[4].slot));
	clear(limit, c, 6);
}

static void
test_the_bound_holds_over_all_workers(void **state)
{
	struct tally *tally = tally_new(2);
	struct limit *limits[2];
	struct client c[10];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct limit_settings settings = {.connections = 50,
		    .programs = 1,
		    .per_address = 4,
		    .tally = tally,
		    .worker = i};

		limits[i] = limit_new(&settings);
		assert_non_null(limits[i]);
	}
	for (size_t i = 0; i < 8; i++) {
		assert_true(enter(limits[i % 2], &c[i], "2001:db8::1"));
		assert_int_equal(limit_admit(c[i].slot), i < 4);
	}
	leave(&c[0]);
	assert_true(limit_admit(c[5].slot));
	assert_false(limit_admit(c[6].slot));
	/* Worker 1 dies, which had c[1], c[3] and c[5]. */
	tally_clear(tally, 1);
	assert_true(limit_admit(c[6].slot));
	assert_true(limit_admit(c[4].slot));
	assert_true(enter(limits[0], &c[8], "2001:db8::2"));
	assert_true(limit_admit(c[8].slot));
	assert_true(enter(limits[0], &c[9], "2001:db8::3"));
	assert_false(limit_admit(c[9].slot));
	for (size_t i = 0; i < 10; i++)
		leave(&c[i]);
	limit_free(limits[0]);
	limit_free(limits[1]);
	tally_free(tally);
	tally_free(NULL);
}

/* More addresses than there are rows, and all of them come and go. */
static void
test_a_tally_is_exact_as_long_as_it_has_rows(void **state)
{
	enum { ADDRESSES = TALLY_ROWS / 2, ALL = 4 * TALLY_ROWS };
	static int rows[ADDRESSES];
	struct tally *tally = tally_new(3);
	size_t sum, missing = 0;
	uint64_t first;

	(void)state;
	assert_non_null(tally);
	for (uint64_t round = 0; round < 4; round++) {
		first = round * ADDRESSES;
		for (size_t i = 0; i < ADDRESSES; i++) {
			rows[i] = tally_add(tally, first + i, 0, &sum);
			assert_int_equal(sum, rows[i] == TALLY_NONE ? 0 : 1);
			missing += rows[i] == TALLY_NONE;
			if (rows[i] == TALLY_NONE)
				continue;
			assert_int_equal(tally_add(tally, first + i, 2, &sum), rows[i]);
			assert_int_equal(sum, 2);
			tally_remove(tally, rows[i], 2);
		}
		for (size_t i = 0; i < ADDRESSES; i++)
			tally_remove(tally, rows[i], 0);
	}
	assert_int_equal(missing, 0);
	for (uint64_t i = 0; i < ALL; i++)
		missing += tally_add(tally, i, 1, &sum) == TALLY_NONE;
	assert_true(missing >= ALL - TALLY_ROWS);
	tally_clear(tally, 1);
	assert_true(tally_add(tally, 1 << 20, 0, &sum) != TALLY_NONE);
	assert_int_equal(sum, 1);
	tally_clear(NULL, 0);
	tally_free(tally);
}

static void
test_processes_count_in_one_tally(void **state)
{
	enum { PROCESSES = 4, TIMES = 20000 };
	struct tally *tally = tally_new(PROCESSES + 1);
	size_t sum;
	int status;

	(void)state;
	for (size_t worker = 0; worker < PROCESSES; worker++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < TIMES; i++) {
			int row = tally_add(tally, (uint64_t)i % 3, worker, &sum);

			if (row == TALLY_NONE || sum == 0 || sum > PROCESSES)
				_exit(1);
			tally_remove(tally, row, worker);
		}
		_exit(tally_add(tally, 1, worker, &sum) == TALLY_NONE);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_true(tally_add(tally, 1, PROCESSES, &sum) != TALLY_NONE);
	assert_in_range(sum, 2, PROCESSES + 1);
	tally_free(tally);
}

static void
test_the_log_says_now_and_then_who_is_closed(void **state)
{
	struct limit *limit = make(2, 1, 1);
	static struct client c[40];
	char text[4096] = "";
	FILE *log = tmpfile();
	size_t lines = 0;

	(void)state;
	log_setup(fileno(log), LOG_TEXT, LOG_WARN);
	for (size_t i = 0; i < 20; i++) {
		(void)enter(limit, &c[i], "192.0.2.1");
		now_ms += LIMIT_LOG_MS / 5;
	}
	for (size_t i = 20; i < 40; i++)
		(void)enter(limit, &c[i], "2001:db8::1");
	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	rewind(log);
	assert_true(fread(text, 1, sizeof(text) - 1, log) > 0);
	fclose(log);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 4);
	assert_non_null(strstr(text, " warn server all 2 slots for connections without a "
				     "program are in use; closing the "
				     "oldest connection without a complete request from "
				     "192.0.2.1, which has 2 (1 closed "
				     "so far)\n"));
	assert_non_null(strstr(text, "from 192.0.2.1, which has 2 (6 closed so far)\n"));
	clear(limit, c, 40);
}

static void
test_a_client_earns_time_by_what_it_confirms(void **state)
{
	struct rate rate;

	(void)state;
	rate_start(&rate, 1000 * RATE_MIN, 30 * 1000);
	assert_int_equal(rate.due_ms, now_ms + 30 * 1000);
	now_ms += 20 * 1000;
	assert_true(rate_check(&rate, 995 * RATE_MIN));
	assert_int_equal(rate.due_ms, now_ms + 15 * 1000);
	/* Never more than the credit. */
	assert_true(rate_check(&rate, 900 * RATE_MIN));
	assert_int_equal(rate.due_ms, now_ms + 30 * 1000);
	now_ms += 29 * 1000;
	assert_true(rate_check(&rate, 900 * RATE_MIN));
	now_ms += 1000;
	assert_false(rate_check(&rate, 900 * RATE_MIN));
	/* What was confirmed meanwhile counts, if it is enough. */
	rate_start(&rate, 1000 * RATE_MIN, 30 * 1000);
	now_ms += 40 * 1000;
	assert_true(rate_check(&rate, 989 * RATE_MIN));
	assert_int_equal(rate.due_ms, now_ms + 1000);
	now_ms += 10 * 1000;
	assert_false(rate_check(&rate, 980 * RATE_MIN));
	rate_start(&rate, 1, 30 * 1000);
	now_ms += 300 * 1000;
	assert_true(rate_check(&rate, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_oldest_of_the_address_with_most_goes),
	    cmocka_unit_test(test_who_has_a_few_is_safe_from_who_has_thousands),
	    cmocka_unit_test(test_an_address_is_a_32_or_a_64),
	    cmocka_unit_test(test_a_prefix_counts_as_one_when_it_is_evicted),
	    cmocka_unit_test(test_programs_and_others_take_nothing_from_each_other),
	    cmocka_unit_test(test_responses_go_first_when_they_hold_most_slots),
	    cmocka_unit_test(test_idle_connections_go_first),
	    cmocka_unit_test(test_one_slot_is_enough),
	    cmocka_unit_test(test_what_is_absent_counts_for_its_address_only),
	    cmocka_unit_test(test_a_bound_on_all_is_reported),
	    cmocka_unit_test(test_who_has_said_nothing_goes_before_who_has),
	    cmocka_unit_test(test_any_sequence_agrees_with_a_simple_model),
	    cmocka_unit_test(test_an_address_has_at_most_its_bound_of_all_classes),
	    cmocka_unit_test(test_the_client_of_a_proxy_is_counted),
	    cmocka_unit_test(test_the_bound_holds_over_all_workers),
	    cmocka_unit_test(test_a_tally_is_exact_as_long_as_it_has_rows),
	    cmocka_unit_test(test_processes_count_in_one_tally),
	    cmocka_unit_test(test_the_log_says_now_and_then_who_is_closed),
	    cmocka_unit_test(test_a_client_earns_time_by_what_it_confirms),
	};

	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
