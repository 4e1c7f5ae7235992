/* SPDX-License-Identifier: BSD-2-Clause */
/* What an accepted connection inherits from its listener, and how accepting fails. */
#include "net/listener.h"

#include "base/log.h"
#include "base/util.h"
#include "net/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int next_error; /* of accept4(); 0: none */
int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	errno = next_error;
	next_error = 0;
	return errno != 0 ? -1 : __real_accept4(fd, address, len, flags);
}

static void
on_accepted(void *arg, int fd, const struct sockaddr_storage *peer)
{
	assert_int_equal(peer->ss_family, AF_INET);
	*(int *)arg = fd;
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
test_connections_inherit_the_checks_of_the_other_side(void **state)
{
	struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct listener *listener = listener_new((struct sockaddr *)&any, sizeof(any));
	struct loop *loop = loop_new();
	struct sockaddr_storage address;
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int accepted = -1;

	(void)state;
	assert_non_null(listener);
	assert_non_null(loop);
	assert_true(listener_start(listener, loop, 1, on_accepted, NULL, &accepted));
	listener_address(listener, &address);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(any)), 0);
	while (accepted == -1)
		event_base_loop(loop->base, EVLOOP_ONCE);
	assert_int_equal(option(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(
	    option(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), TRANSPORT_DEAD_S * 1000);
	assert_int_equal(option(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_in_range(option(accepted, IPPROTO_TCP, TCP_KEEPIDLE) +
			    2 * option(accepted, IPPROTO_TCP, TCP_KEEPINTVL),
	    1, TRANSPORT_DEAD_S);
	assert_int_equal(option(accepted, IPPROTO_TCP, TCP_KEEPCNT), 2);
	assert_int_equal(fcntl(accepted, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(accepted);
	close(client);
	listener_free(listener);
	loop_free(loop);
}

static void
test_a_connection_that_has_failed_pauses_no_others(void **state)
{
	static const struct {
		int error;
		bool pauses;
	} rows[] = {
	    {EINTR, false},
	    {ECONNABORTED, false},
	    {EPROTO, false},
	    {EHOSTUNREACH, false},
	    {ENETDOWN, false},
	    {EMFILE, true},
	    {ENFILE, true},
	    {ENOMEM, true},
	    {ENOBUFS, true},
	    {EPERM, true},
	};
	struct sockaddr_in any = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct listener *listener = listener_new((struct sockaddr *)&any, sizeof(any));
		struct loop *loop = loop_new();
		struct sockaddr_storage address;
		int client = socket(AF_INET, SOCK_STREAM, 0);
		int accepted = -1;

		assert_true(listener_start(listener, loop, 1, on_accepted, NULL, &accepted));
		listener_address(listener, &address);
		assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(any)), 0);
		next_error = rows[i].error;
		while (next_error != 0)
			event_base_loop(loop->base, EVLOOP_ONCE);
		event_base_loop(loop->base, EVLOOP_NONBLOCK);
		assert_int_equal(accepted == -1, rows[i].pauses);
		while (accepted == -1)
			event_base_loop(loop->base, EVLOOP_ONCE);
		close(accepted);
		close(client);
		listener_free(listener);
		loop_free(loop);
	}
}

static void
test_addresses_as_text(void **state)
{
	static const struct {
		int family;
		const char *host;
		int port;
		const char *text;
	} rows[] = {
	    {AF_INET, "127.0.0.1", 0, "127.0.0.1"},
	    {AF_INET, "0.0.0.0", 1, "0.0.0.0:1"},
	    {AF_INET, "255.10.200.99", 65535, "255.10.200.99:65535"},
	    {AF_INET6, "::1", 0, "::1"},
	    {AF_INET6, "2001:db8::ff", 443, "[2001:db8::ff]:443"},
	    {AF_INET6, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535,
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	    {AF_UNIX, "unix-socket", 0, "unix-socket"},
	};
	char text[LISTENER_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct sockaddr_storage address = {.ss_family = (sa_family_t)rows[i].family};
		struct sockaddr_in *four = (struct sockaddr_in *)&address;
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;

		if (rows[i].family == AF_INET) {
			inet_pton(AF_INET, rows[i].host, &four->sin_addr);
			four->sin_port = htons((uint16_t)rows[i].port);
		} else if (rows[i].family == AF_INET6) {
			inet_pton(AF_INET6, rows[i].host, &six->sin6_addr);
			six->sin6_port = htons((uint16_t)rows[i].port);
		}
		listener_text(&address, text);
		assert_string_equal(text, rows[i].text);
		listener_host_text(&address, text);
		assert_memory_equal(
		    text, rows[i].text + (rows[i].text[0] == '['), strlen(text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connections_inherit_the_checks_of_the_other_side),
	    cmocka_unit_test(test_addresses_as_text),
	    cmocka_unit_test(test_a_connection_that_has_failed_pauses_no_others),
	};

	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
