/* SPDX-License-Identifier: BSD-2-Clause */
/* What a bus between servers keeps and sends: the address of a Redis server, records, what
 * waits to be sent, and what has been seen. */
#include "bus/outbox.h"
#include "bus/record.h"
#include "bus/redis_url.h"
#include "bus/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Addresses */

static void
test_addresses(void **state)
{
	static const struct {
		const char *text;
		enum connect_kind kind;
		const char *host;
		uint16_t port;
		int db;
		const char *user;
		const char *password;
		const char *shown;
	} rows[] = {
	    {"redis://localhost", CONNECT_TCP, "localhost", 6379, 0, "", "",
		"redis://localhost:6379/0"},
	    {"redis://192.0.2.1:1/", CONNECT_TCP, "192.0.2.1", 1, 0, "", "",
		"redis://192.0.2.1:1/0"},
	    {"redis://[::1]:7000/15", CONNECT_TCP, "::1", 7000, 15, "", "",
		"redis://[::1]:7000/15"},
	    {"redis://[::1]", CONNECT_TCP, "::1", 6379, 0, "", "", "redis://[::1]:6379/0"},
	    {"redis://me:p%40ss%3a%2F@h:9/3", CONNECT_TCP, "h", 9, 3, "me", "p@ss:/",
		"redis://h:9/3"},
	    {"redis://:a@b:c@h", CONNECT_TCP, "h", 6379, 0, "", "a@b:c", "redis://h:6379/0"},
	    {"redis+unix:///run/redis.sock", CONNECT_UNIX, "/run/redis.sock", 0, 0, "", "",
		"redis+unix:///run/redis.sock?db=0"},
	    {"redis+unix://u:p@/run/a%20b?db=7", CONNECT_UNIX, "/run/a b", 0, 7, "u", "p",
		"redis+unix:///run/a b?db=7"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct redis_url url;

		assert_null(redis_url_parse(rows[i].text, &url));
		assert_int_equal(url.target.kind, rows[i].kind);
		assert_string_equal(url.target.host, rows[i].host);
		assert_int_equal(url.target.port, rows[i].port);
		assert_int_equal(url.db, rows[i].db);
		assert_string_equal(url.user, rows[i].user);
		assert_string_equal(url.password, rows[i].password);
		assert_string_equal(url.shown, rows[i].shown);
	}
}

static void
test_addresses_that_are_none(void **state)
{
	static const char *const texts[] = {"", "localhost", "redis:", "redis://", "redis:///1",
	    "redis://h:0", "redis://h:65536", "redis://h:x", "redis://h/-1", "redis://h/65536",
	    "redis://h/x", "redis://[::1", "redis://[::1]x", "redis://user@h", "redis://a:%@h",
	    "redis://a:%4@h", "redis://a:%00@h", "redis://a:%zz@h", "rediss://h", "http://h",
	    "redis+unix://", "redis+unix://run/x", "redis+unix:///x?db=", "redis+unix:///x?x=1",
	    "redis+unix:///%"};
	struct redis_url url;
	char text[700];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(texts); i++)
		assert_non_null(redis_url_parse(texts[i], &url));
	memset(text, 'x', sizeof(text));
	memcpy(text, "redis+unix:///", 14);
	text[13 + 107] = '\0';
	assert_null(redis_url_parse(text, &url));
	text[13 + 107] = 'x';
	text[13 + 108] = '\0';
	assert_non_null(redis_url_parse(text, &url));
	text[13 + 108] = 'x';
	memcpy(text, "redis://:xxxxx", 14);
	strcpy(text + sizeof(text) - 4, "@hh");
	assert_non_null(redis_url_parse(text, &url));
}

/* An error is printed: it must not contain what may be a password. */
static void
test_an_error_does_not_show_the_address(void **state)
{
	struct redis_url url;

	(void)state;
	assert_null(strstr(redis_url_parse("redis://me:secret@", &url), "secret"));
	assert_null(strstr(redis_url_parse("redisx://me:secret@h", &url), "secret"));
	assert_int_not_equal(
	    strncmp(redis_url_parse("secret", &url), "must be ", strlen("must be ")), 0);
}

/* Records */

static struct batch
batch_of(char *text, int separator)
{
	return (struct batch){
	    .data = (uint8_t *)text, .len = strlen(text), .separator = separator};
}

/* A record with a body of three parts. */
static size_t
make_record(uint8_t *out)
{
	char lines[] = "a\nb\n", more[] = "c\n", one[] = "x\ny";
	struct batch batches[] = {
	    batch_of(lines, '\n'), batch_of(more, '\n'), batch_of(one, BATCH_NO_SEPARATOR)};
	struct record record = {.kind = RECORD_OUTPUT, .node = 7, .epoch = 8, .seq = 9};
	struct buffer body = {0};
	size_t last = SIZE_MAX, len;

	batches[2].type = MESSAGE_BINARY;
	for (size_t i = 0; i < UTIL_LEN(batches); i++)
		record.messages += record_put_batch(&body, &last, &batches[i]);
	assert_int_equal(record.messages, 4);
	record.body = (struct span){(char *)buffer_data(&body), buffer_len(&body)};
	record_put_header(&record, out);
	memcpy(out + RECORD_HEADER, record.body.data, record.body.len);
	len = RECORD_HEADER + record.body.len;
	buffer_clear(&body);
	return len;
}

static void
test_a_record_is_what_was_put_into_it(void **state)
{
	uint8_t bytes[256];
	size_t len = make_record(bytes);
	struct record record;
	struct batch batch;

	(void)state;
	assert_true(record_parse((struct span){(char *)bytes, len}, &record));
	assert_int_equal(record.kind, RECORD_OUTPUT);
	assert_int_equal(record.messages, 4);
	assert_int_equal(record.node, 7);
	assert_int_equal(record.epoch, 8);
	assert_int_equal(record.seq, 9);
	assert_true(record_next_batch(&record.body, &batch));
	assert_int_equal(batch.separator, '\n');
	assert_int_equal(batch.len, 6);
	assert_memory_equal(batch.data, "a\nb\nc\n", 6);
	assert_true(record_next_batch(&record.body, &batch));
	assert_int_equal(batch.separator, BATCH_NO_SEPARATOR);
	assert_int_equal(batch.type, MESSAGE_BINARY);
	assert_memory_equal(batch.data, "x\ny", 3);
	assert_false(record_next_batch(&record.body, &batch));
}

/* Each byte may be any: what is accepted can be read to its end, within its bounds. */
static void
test_any_bytes_are_read_safely(void **state)
{
	uint8_t bytes[256], *copy;
	size_t len = make_record(bytes);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct record record;

		copy = malloc(cut + 1);
		memcpy(copy, bytes, cut);
		assert_false(record_parse((struct span){(char *)copy, cut}, &record));
		free(copy);
	}
	for (size_t at = 0; at < len; at++) {
		for (int value = 0; value < 256; value++) {
			struct record record;
			struct batch batch;

			copy = malloc(len);
			memcpy(copy, bytes, len);
			copy[at] = (uint8_t)value;
			if (record_parse((struct span){(char *)copy, len}, &record)) {
				while (record_next_batch(&record.body, &batch)) {
					while (batch.separator != BATCH_NO_SEPARATOR &&
					       batch.len > 0)
						(void)batch_next(&batch);
				}
				assert_int_equal(
				    record.kind == RECORD_OUTPUT ? record.body.len : 0, 0);
			}
			free(copy);
		}
	}
}

/* What waits */

static struct span
text_span(const char *text)
{
	return (struct span){text, strlen(text)};
}

static uint64_t
push(struct outbox *outbox, uint64_t seq, const char *text)
{
	return outbox_push(outbox, seq, 1, text_span("<"), text_span(text));
}

static void
assert_next(struct outbox *outbox, const char *text)
{
	struct outbox_item *item = outbox_next(outbox);

	if (!text) {
		assert_null(item);
		return;
	}
	assert_non_null(item);
	assert_int_equal(item->len, strlen(text));
	assert_memory_equal(item->bytes, text, item->len);
}

static void
test_what_is_not_confirmed_is_sent_again(void **state)
{
	struct outbox_budget budget = {.max = 1000};
	struct outbox outbox;

	(void)state;
	outbox_init(&outbox, &budget);
	outbox_confirm_one(&outbox);
	for (uint64_t seq = 1; seq <= 4; seq++)
		assert_int_equal(push(&outbox, seq, (char[]){(char)('a' + seq), '\0'}), 0);
	assert_next(&outbox, "<b");
	assert_next(&outbox, "<c");
	assert_next(&outbox, "<d");
	outbox_confirm_one(&outbox);
	outbox_rewind(&outbox);
	assert_next(&outbox, "<c");
	assert_next(&outbox, "<d");
	assert_next(&outbox, "<e");
	assert_next(&outbox, NULL);
	outbox_confirm(&outbox, 3);
	assert_int_equal(outbox.bytes, 2);
	outbox_confirm(&outbox, 100);
	assert_int_equal(outbox.bytes, 0);
	assert_int_equal(budget.used, 0);
	outbox_clear(&outbox);
}

static void
test_the_oldest_unsent_are_dropped_beyond_the_budget(void **state)
{
	struct outbox_budget budget = {.max = 10};
	struct outbox outbox, other;

	(void)state;
	outbox_init(&outbox, &budget);
	outbox_init(&other, &budget);
	assert_int_equal(push(&outbox, 1, "aa"), 0);
	assert_next(&outbox, "<aa");
	assert_int_equal(push(&outbox, 2, "bb"), 0);
	assert_int_equal(push(&outbox, 3, "cc"), 0);
	/* The first one is on its way. */
	assert_int_equal(push(&outbox, 4, "dd"), 1);
	assert_next(&outbox, "<cc");
	assert_next(&outbox, "<dd");
	assert_int_equal(push(&outbox, 5, "ee"), 1);
	assert_int_equal(push(&other, 1, "ff"), 1);
	assert_int_equal(push(&outbox, 6, ""), 0);
	outbox_clear(&other);
	outbox_clear(&outbox);
	assert_int_equal(budget.used, 0);
}

static void
test_a_window_is_sent_at_a_time(void **state)
{
	struct outbox_budget budget = {.max = 10 * OUTBOX_WINDOW};
	struct outbox outbox;
	char *large = calloc(1, 2 * OUTBOX_WINDOW);

	(void)state;
	outbox_init(&outbox, &budget);
	memset(large, 'x', 2 * OUTBOX_WINDOW - 1);
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_int_equal(push(&outbox, seq, large), 0);
	for (int i = 0; i < 3; i++) {
		assert_non_null(outbox_next(&outbox));
		assert_null(outbox_next(&outbox));
		outbox_confirm_one(&outbox);
	}
	assert_int_equal(budget.used, 0);
	free(large);
}

/* What has been seen */

static void
test_what_comes_twice_is_recognized(void **state)
{
	struct seen seen = {0};
	uint64_t missed;

	(void)state;
	assert_true(seen_add(&seen, 1, 5, &missed));
	assert_int_equal(missed, 0);
	assert_true(seen_add(&seen, 2, 1, &missed));
	assert_false(seen_add(&seen, 1, 5, &missed));
	assert_false(seen_add(&seen, 1, 4, &missed));
	assert_true(seen_add(&seen, 1, 6, &missed));
	assert_int_equal(missed, 0);
	assert_true(seen_add(&seen, 1, 9, &missed));
	assert_int_equal(missed, 2);
	assert_true(seen_add(&seen, 2, 2, &missed));
	seen_clear(&seen);
}

static void
test_the_number_of_nodes_is_bounded(void **state)
{
	struct seen seen = {0};
	uint64_t missed;

	(void)state;
	for (uint64_t node = 1; node <= 3 * SEEN_NODES_MAX; node++) {
		assert_true(seen_add(&seen, node, 1, &missed));
		assert_true(node == 1 || !seen_add(&seen, 1, 1, &missed));
	}
	assert_int_equal(seen.count, SEEN_NODES_MAX);
	assert_false(seen_add(&seen, 3 * SEEN_NODES_MAX, 1, &missed));
	seen_clear(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_addresses_that_are_none),
	    cmocka_unit_test(test_an_error_does_not_show_the_address),
	    cmocka_unit_test(test_a_record_is_what_was_put_into_it),
	    cmocka_unit_test(test_any_bytes_are_read_safely),
	    cmocka_unit_test(test_what_is_not_confirmed_is_sent_again),
	    cmocka_unit_test(test_the_oldest_unsent_are_dropped_beyond_the_budget),
	    cmocka_unit_test(test_a_window_is_sent_at_a_time),
	    cmocka_unit_test(test_what_comes_twice_is_recognized),
	    cmocka_unit_test(test_the_number_of_nodes_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
