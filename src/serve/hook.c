/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that authorize requests. */
#include "serve/hook.h"

#include "base/log.h"
#include "serve/access.h"
#include "serve/hook_output.h"
#include "session/session_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_TOO_MANY "too many requests wait for --auth-hook"

struct hook {
	union {
		struct list node; /* in hooks->running or hooks->waiting */
		struct loop_deferred deferred; /* for the deferred free */
	};
	struct hooks *hooks; /* borrowed */
	const struct launcher *launcher; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	hook_handler *handler; /* NULL: the result is not wanted */
	void *arg; /* borrowed: argument of the handler */
	char **env; /* owned until the hook starts */
	struct child *child; /* owned; NULL: the hook is queued */
	struct timer timer;
	struct buffer output;
	bool output_ended;
	bool too_much; /* its output exceeds HOOK_OUTPUT_MAX */
	struct log_limit stderr_limit;
};

void
hooks_init(struct hooks *hooks)
{
	list_init(&hooks->running);
	list_init(&hooks->waiting);
	hooks->running_count = hooks->waiting_count = 0;
}

static const char *
hook_program(const struct hook *hook)
{
	return hook->endpoint->access->hook;
}

static void
hook_release(struct loop_deferred *deferred)
{
	struct hook *hook = LIST_ENTRY_OF(deferred, struct hook, deferred);

	buffer_clear(&hook->output);
	endpoint_unref(hook->endpoint);
	free(hook->env);
	free(hook);
}

/* Frees a hook that is not running and in no list. */
static void
hook_free(struct hook *hook)
{
	timer_stop(&hook->timer);
	child_free(hook->child);
	loop_defer_free(hook->launcher->loop, &hook->deferred, hook_release);
}

/* Reports the result if it is wanted. */
static void
hook_report(struct hook *hook, const struct reject *reject, struct identity *identity)
{
	hook_handler *handler = hook->handler;

	timer_stop(&hook->timer);
	hook->handler = NULL;
	if (handler)
		handler(hook->arg, reject, identity);
}

/*
 * End
 */

/* Allows the request: the output is complete, and the exit status is 0. */
static void
hook_allow(struct hook *hook)
{
	struct identity identity = {.user = NULL};
	struct span text = {
	    (const char *)buffer_data(&hook->output), buffer_len(&hook->output)};
	char why[HOOK_OUTPUT_WHY_MAX];
	struct reject reject;

	if (hook->too_much)
		(void)reject_format(&reject, 500, NULL, "%s printed more than %d bytes",
		    hook_program(hook), HOOK_OUTPUT_MAX);
	else if (!hook_output_parse(text, hook->endpoint->pass_env, &identity, why))
		(void)reject_format(
		    &reject, 500, NULL, "%s: %s (--auth-hook)", hook_program(hook), why);
	else {
		hook_report(hook, NULL, &identity);
		identity_clear(&identity);
		return;
	}
	log_errorx("%s", reject.reason);
	hook_report(hook, &reject, NULL);
}

static void
hook_settle(struct hook *hook)
{
	const struct child_facts *facts = child_facts(hook->child);
	struct reject reject;

	if (!hook->handler)
		return;
	if (facts->by_signal) {
		(void)reject_format(&reject, 503, REJECT_RETRY_LATER,
		    "%s was killed by signal %s (--auth-hook)", hook_program(hook),
		    util_signal_name(facts->value));
		log_errorx("%s", reject.reason);
	} else if (facts->value == 0) {
		hook_allow(hook);
		return;
	} else {
		(void)reject_format(&reject, facts->value == 1 ? 401 : 403, NULL,
		    "%s rejects the request (exit %d)", hook_program(hook), facts->value);
	}
	hook_report(hook, &reject, NULL);
}

static void hook_next(struct hooks *hooks);

static void
hook_read(struct hook *hook)
{
	struct loop *loop = hook->launcher->loop;
	size_t n;

	switch (child_read(hook->child, loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		if (buffer_len(&hook->output) + n > HOOK_OUTPUT_MAX ||
		    !buffer_append(&hook->output, loop->in, n))
			hook->too_much = true;
		return;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
	case STREAM_FAILED:
		hook->output_ended = true;
		return;
	}
}

static void
hook_on_stdout(void *arg)
{
	hook_read(arg);
}

static void
hook_on_reaped(void *arg)
{
	struct hook *hook = arg;
	struct hooks *hooks = hook->hooks;

	while (!hook->output_ended)
		hook_read(hook);
	hook_settle(hook);
	list_remove(&hook->node);
	hooks->running_count--;
	hook_free(hook);
	hook_next(hooks);
}

static void
hook_on_stderr(void *arg, const char *line, size_t len)
{
	struct hook *hook = arg;

	if (!log_shows(LOG_ERROR) || !log_limit_allows(&hook->stderr_limit, util_clock_ms()) ||
	    !log_begin(LOG_ERROR, "stderr", 0, (struct span){line, len}))
		return;
	log_text("program", span_of(hook_program(hook)));
	log_end();
}

static const struct child_handlers hook_child_handlers = {
    .on_stdout = hook_on_stdout,
    .on_stderr = hook_on_stderr,
    .on_reaped = hook_on_reaped,
};

/* Removes a queued hook whose result has been reported or is not wanted. */
static void
hook_drop(struct hook *hook)
{
	list_remove(&hook->node);
	hook->hooks->waiting_count--;
	hook_free(hook);
}

void
hook_end(struct hook *hook)
{
	static const struct reject reject = {.status = 503,
	    .headers = REJECT_RETRY_LATER,
	    .reason = "the client disconnected while other hooks were running"};

	if (hook->child) {
		child_end(hook->child);
	} else {
		hook_report(hook, &reject, NULL);
		hook_drop(hook);
	}
}

void
hook_cancel(struct hook *hook)
{
	hook->handler = NULL;
	timer_stop(&hook->timer);
	if (hook->child)
		child_end(hook->child);
	else
		hook_drop(hook);
}

static void
hook_on_timer(void *arg)
{
	struct hook *hook = arg;
	struct reject reject;

	if (hook->child) {
		(void)reject_format(&reject, 503, REJECT_RETRY_LATER,
		    "%s has not decided within --auth-timeout", hook_program(hook));
		log_errorx("%s", reject.reason);
	} else {
		(void)reject_with(&reject, 503, REJECT_RETRY_LATER, HOOK_TOO_MANY);
	}
	hook_report(hook, &reject, NULL);
	hook_cancel(hook);
}

/*
 * Start
 */

/* Starts the program of the hook. Returns false with the error response in *REJECT. */
static bool
hook_run(struct hook *hook, struct reject *reject)
{
	char *argv[] = {(char *)(uintptr_t)hook_program(hook), NULL};
	struct spawn_command command = {
	    .path = hook_program(hook), .fd = -1, .argv = argv, .envp = hook->env};
	int error;

	if (!launcher_may_fork(hook->launcher, reject))
		return false;
	error = child_start(
	    hook->launcher->children, &command, &hook_child_handlers, hook, &hook->child);
	if (error != 0) {
		(void)reject_start(reject, hook_program(hook), error, NULL);
		/* 403 is reserved for the decision of a hook. */
		if (reject->status == 403)
			reject->status = 500;
		log_errorx("%s (--auth-hook)", reject->reason);
		return false;
	}
	free(hook->env);
	hook->env = NULL;
	list_append(&hook->hooks->running, &hook->node);
	hook->hooks->running_count++;
	child_end_input(hook->child);
	child_set_reading(hook->child, true);
	return true;
}

/* Starts queued hooks while the limit allows. */
static void
hook_next(struct hooks *hooks)
{
	while (hooks->running_count < HOOK_RUNNING_MAX && !list_empty(&hooks->waiting)) {
		struct hook *hook = LIST_ENTRY_OF(hooks->waiting.next, struct hook, node);
		struct reject reject;

		list_remove(&hook->node);
		hooks->waiting_count--;
		if (hook_run(hook, &reject))
			continue;
		hook_report(hook, &reject, NULL);
		hook_free(hook);
	}
}

/* Returns the environment of a hook, which is that of a COMMAND; NULL if memory runs out. */
static char **
hook_env(const struct endpoint *endpoint, const struct env_request *request)
{
	char unique_id[ENV_UNIQUE_ID_LEN + 1];
	const char *rest = endpoint_rest(endpoint, request->path);
	struct span name = {request->path, (size_t)(rest - request->path)};
	struct endpoint_script script = ENDPOINT_NO_SCRIPT;
	char **env = NULL;

	script.script_name = span_dup(name.len > 0 ? name : SPAN("/"));
	script.path_info = strdup(rest);
	if (script.script_name && script.path_info && env_make_unique_id(unique_id))
		env = env_build(endpoint, request, &script, unique_id);
	endpoint_script_clear(&script);
	return env;
}

struct hook *
hook_start(struct hooks *hooks, const struct launcher *launcher, struct endpoint *endpoint,
    const struct env_request *request, hook_handler *handler, void *arg, struct reject *reject)
{
	struct hook *hook = calloc(1, sizeof(*hook));
	bool ok = true;

	if (!hook) {
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	list_init(&hook->node);
	hook->hooks = hooks;
	hook->launcher = launcher;
	hook->endpoint = endpoint_ref(endpoint);
	hook->handler = handler;
	hook->arg = arg;
	timer_init(&hook->timer, &launcher->loop->timers, hook_on_timer, hook);
	hook->env = hook_env(endpoint, request);
	if (!hook->env) {
		ok = reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	} else if (hooks->running_count < HOOK_RUNNING_MAX) {
		ok = hook_run(hook, reject);
	} else if (hooks->waiting_count < HOOK_WAITING_MAX) {
		list_append(&hooks->waiting, &hook->node);
		hooks->waiting_count++;
	} else {
		ok = reject_with(reject, 503, REJECT_RETRY_LATER, HOOK_TOO_MANY);
	}
	if (ok) {
		timer_at(&hook->timer, util_clock_ms() + endpoint->access->hook_ms);
		return hook;
	}
	hook_free(hook);
	return NULL;
}
