/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of libwebsockets. The library calls back; here each check waits by running its
 * loop, and SIGALRM ends the program when that takes too long.
 */
#include <libwebsockets.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE = 30, MESSAGE_MAX = 1 << 20, REASON_MAX = 123 };

/* One connection. */
struct talk {
	struct lws *wsi;
	bool opened;
	bool ended;
	/* What came and was not looked at yet. */
	char in[MESSAGE_MAX + 1];
	size_t in_len;
	bool in_binary;
	unsigned int messages;
	char pong[128];
	size_t pong_len;
	unsigned int pongs;
	unsigned int close_code;
	char close_reason[REASON_MAX + 1];
	/* What is to be sent, and as what. */
	bool wants_send;
	bool wants_close;
	enum lws_write_protocol kind;
	size_t out_len;
	unsigned char out[LWS_PRE + MESSAGE_MAX];
};

static struct lws_context *context;
static const char *check_name = "open";

static void
say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) == -1)
		_exit(1);
}

static void
on_alarm(int signal_number)
{
	(void)signal_number;
	say("not ok ");
	say(check_name);
	say(": nothing came in time\n");
	_exit(1);
}

static int
talk_send(struct talk *t)
{
	t->wants_send = false;
	if (lws_write(t->wsi, t->out + LWS_PRE, t->out_len, t->kind) < (int)t->out_len)
		return -1;
	return 0;
}

static void
talk_receive(struct talk *t, const char *data, size_t len)
{
	if (len > MESSAGE_MAX - t->in_len)
		len =
		    MESSAGE_MAX -
		    t->in_len; /* a message that is too long is not the one that is expected */
	memcpy(t->in + t->in_len, data, len);
	t->in_len += len;
	t->in_binary = lws_frame_is_binary(t->wsi);
	if (lws_is_final_fragment(t->wsi) && lws_remaining_packet_payload(t->wsi) == 0)
		t->messages++;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data, size_t len)
{
	struct talk *t = user;
	const unsigned char *bytes = data;

	(void)wsi;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		t->opened = true;
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		printf("# %s\n", data ? (const char *)data : "the connection failed");
		t->ended = true;
		break;
	case LWS_CALLBACK_CLIENT_CLOSED:
		t->ended = true;
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		talk_receive(t, data, len);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		t->pong_len = len < sizeof(t->pong) ? len : sizeof(t->pong);
		memcpy(t->pong, data, t->pong_len);
		t->pongs++;
		break;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (len >= 2) {
			t->close_code = (unsigned int)bytes[0] << 8 | bytes[1];
			snprintf(t->close_reason, sizeof(t->close_reason), "%.*s", (int)len - 2,
			    bytes + 2);
		}
		break;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		if (t->wants_close) {
			lws_close_reason(
			    t->wsi, (enum lws_close_status)4001, (unsigned char *)"bye", 3);
			return -1;
		}
		if (t->wants_send)
			return talk_send(t);
		break;
	default:
		break;
	}
	return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "interop", .callback = on_event, .rx_buffer_size = 65536},
    {0},
};

static void
run_once(void)
{
	lws_service(context, 0);
}

static struct talk *
talk_open(const char *variable)
{
	struct talk *t = calloc(1, sizeof(*t));
	struct lws_client_connect_info info = {0};
	char *url = strdup(getenv(variable));
	const char *scheme, *path;

	if (!t || !url || lws_parse_uri(url, &scheme, &info.address, &info.port, &path))
		exit(1);
	info.context = context;
	info.path = "/";
	info.host = info.address;
	info.protocol = NULL;
	info.local_protocol_name = "interop";
	info.ssl_connection = strcmp(scheme, "wss") == 0 ? LCCSCF_USE_SSL : 0;
	info.userdata = t;
	info.pwsi = &t->wsi;
	alarm(DEADLINE);
	if (!lws_client_connect_via_info(&info))
		t->ended = true;
	while (!t->opened && !t->ended)
		run_once();
	free(url);
	if (t->opened)
		return t;
	printf("not ok open: it could not be opened\n");
	exit(1);
}

static void
begin(const char *name)
{
	check_name = name;
	alarm(DEADLINE);
}

static void
finish(bool good)
{
	printf("%s %s%s\n", good ? "ok" : "not ok", check_name,
	    good ? "" : ": what came is not what was expected");
}

static void
put(struct talk *t, enum lws_write_protocol kind, const void *data, size_t len)
{
	if (len > 0)
		memcpy(t->out + LWS_PRE, data, len);
	t->out_len = len;
	t->kind = kind;
	t->wants_send = true;
	lws_callback_on_writable(t->wsi);
	while (t->wants_send && !t->ended)
		run_once();
}

static bool
came(struct talk *t, bool binary, const void *data, size_t len)
{
	return t->in_binary == binary && t->in_len == len && memcmp(t->in, data, len) == 0;
}

static void
forget(struct talk *t)
{
	t->in_len = 0;
	t->messages = 0;
}

static bool
next_is(struct talk *t, const char *text, size_t len)
{
	bool good;

	while (t->messages == 0 && !t->ended)
		run_once();
	good = t->messages == 1 && came(t, false, text, len);
	forget(t);
	return good;
}

static void
wait_end(struct talk *t)
{
	while (!t->ended)
		run_once();
}

static const char unit[] = "\xe2\x82\xac"
			   "01234567890123";

static bool
echo_text(struct talk *t, size_t n)
{
	static char text[MESSAGE_MAX];
	size_t units = n / (sizeof(unit) - 1) * (sizeof(unit) - 1);

	for (size_t i = 0; i < n; i++)
		text[i] = i < units ? unit[i % (sizeof(unit) - 1)] : 'x';
	put(t, LWS_WRITE_TEXT, text, n);
	return next_is(t, text, n);
}

static bool
echo_binary(struct talk *t, size_t n)
{
	static unsigned char data[MESSAGE_MAX];
	size_t len = n > 0 ? n : 1;
	bool good;

	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 31 + (i >> 8));
	/* Of nothing nothing comes back, so another byte follows it. */
	if (n == 0)
		put(t, LWS_WRITE_BINARY, NULL, 0);
	put(t, LWS_WRITE_BINARY, data, len);
	while (t->in_len < len && !t->ended)
		run_once();
	good = came(t, true, data, len);
	forget(t);
	return good;
}

static bool
ping(struct talk *t, const char *payload, size_t len)
{
	t->pongs = 0;
	put(t, LWS_WRITE_PING, payload, len);
	while (t->pongs == 0 && !t->ended)
		run_once();
	return t->pong_len == len && memcmp(t->pong, payload, len) == 0;
}

static void
check_sizes(struct talk *t, const char *kind, bool (*echo)(struct talk *, size_t))
{
	static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, MESSAGE_MAX};
	char name[32];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "%s-%zu", kind, sizes[i]);
		begin(name);
		finish(echo(t, sizes[i]));
	}
}

int
main(void)
{
	struct lws_context_creation_info info = {0};
	struct talk *t;
	char p[125];

	setvbuf(stdout, NULL, _IONBF, 0); /* the handler writes without it */
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	lws_set_log_level(LLL_ERR, NULL);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.client_ssl_ca_filepath = getenv("INTEROP_CA");
	context = lws_create_context(&info);
	if (!context)
		return 1;

	t = talk_open("INTEROP_TEXT");
	/*
	 * Compression is not asked for: when it was agreed on, version 4.1.6 hands out a
	 * message that is not compressed again and again, and RFC 7692, section 6, lets a
	 * server send such.
	 */
	if (getenv("INTEROP_DEFLATE"))
		printf("skip deflate: it can't take a message that is not compressed\n");
	check_sizes(t, "text", echo_text);
	begin("ping");
	memset(p, 'p', sizeof(p));
	finish(ping(t, "\x00\xff\x80\n", 4) && ping(t, "", 0) && ping(t, p, sizeof(p)));
	begin("close-client");
	t->wants_close = true;
	lws_callback_on_writable(t->wsi);
	wait_end(t);
	finish(true); /* what it was answered by, the library does not tell */

	t = talk_open("INTEROP_BYTES");
	check_sizes(t, "binary", echo_binary);

	begin("close-server");
	t = talk_open("INTEROP_EXIT");
	put(t, LWS_WRITE_TEXT, "3", 1);
	wait_end(t);
	finish(t->close_code == 4003 && strcmp(t->close_reason, "exit 3") == 0);

	begin("pong");
	t = talk_open("INTEROP_IDLE");
	if (next_is(t, "awake", 5)) {
		put(t, LWS_WRITE_TEXT, "still here", 10);
		finish(next_is(t, "still here", 10));
	} else {
		finish(false);
	}
	alarm(0);
	lws_context_destroy(context);
	return 0;
}
