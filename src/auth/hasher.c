/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks passwords in a thread. */
#include "auth/hasher.h"

#include "net/offload.h"

#include <stdlib.h>
#include <string.h>

enum { HASHER_NICE = 5 };

/* A pair being checked. */
struct hasher_job {
	struct offload_job job; /* first: it is cast back */
	struct hasher *hasher; /* borrowed */
	struct passwords *passwords; /* a reference */
	struct list node; /* in hasher->queue */
	struct list waits; /* struct hasher_wait */
	uint64_t address;
	uint8_t digest[DIGEST_LEN];
	/* Used by the thread while it has the job. */
	char hash[PASSWORDS_HASH_MAX + 1];
	char *password; /* owned */
	bool known; /* the hash is the user's */
	bool matched;
};

struct hasher {
	struct offload *offload; /* owned */
	struct list queue; /* in order of arrival */
	struct hasher_job *running; /* owned; NULL: none */
};

static void
hasher_job_free(struct hasher_job *job)
{
	if (job->password) {
		explicit_bzero(job->password, strlen(job->password));
		free(job->password);
	}
	list_remove(&job->node);
	passwords_unref(job->passwords);
	free(job);
}

static void
hasher_run(struct offload_job *offloaded)
{
	struct hasher_job *job = (struct hasher_job *)(void *)offloaded;

	job->matched = passwords_match(job->hash, job->password);
}

/* Passes the next job that is still wanted to the thread. */
static void
hasher_next(struct hasher *hasher)
{
	while (!hasher->running && !list_empty(&hasher->queue)) {
		struct hasher_job *job =
		    LIST_ENTRY_OF(hasher->queue.next, struct hasher_job, node);

		list_remove(&job->node);
		if (list_empty(&job->waits)) {
			hasher_job_free(job);
			continue;
		}
		/* Only one job at a time, so there is room. */
		if (!offload_submit(hasher->offload, &job->job))
			abort();
		hasher->running = job;
	}
}

static void
hasher_on_done(struct offload_job *offloaded)
{
	struct hasher_job *job = (struct hasher_job *)(void *)offloaded;
	struct hasher *hasher = job->hasher;
	bool matched = job->matched && job->known;

	hasher->running = NULL;
	hasher_next(hasher);
	if (matched)
		passwords_add(job->passwords, job->digest);
	while (!list_empty(&job->waits)) {
		struct hasher_wait *wait =
		    LIST_ENTRY_OF(job->waits.next, struct hasher_wait, node);

		list_remove(&wait->node);
		wait->done(wait->arg, matched);
	}
	hasher_job_free(job);
}

struct hasher *
hasher_new(struct loop *loop)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	list_init(&hasher->queue);
	hasher->offload = offload_new(loop, 1, HASHER_NICE);
	if (hasher->offload)
		return hasher;
	free(hasher);
	return NULL;
}

void
hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	while (!list_empty(&hasher->queue))
		hasher_job_free(LIST_ENTRY_OF(hasher->queue.next, struct hasher_job, node));
	offload_free(hasher->offload);
	free(hasher);
}

/* Returns the job for a pair, or NULL. Frees jobs without waiters. Sets *WAITING to the number
 * of other queued jobs, and *OWN to those of ADDRESS. */
static struct hasher_job *
hasher_find(struct hasher *hasher, const uint8_t digest[DIGEST_LEN], uint64_t address,
    size_t *waiting, size_t *own)
{
	struct list *next;

	*waiting = *own = 0;
	if (hasher->running && memcmp(hasher->running->digest, digest, DIGEST_LEN) == 0)
		return hasher->running;
	for (struct list *node = hasher->queue.next; node != &hasher->queue; node = next) {
		struct hasher_job *job = LIST_ENTRY_OF(node, struct hasher_job, node);

		next = node->next;
		if (list_empty(&job->waits)) {
			hasher_job_free(job);
			continue;
		}
		if (memcmp(job->digest, digest, DIGEST_LEN) == 0)
			return job;
		++*waiting;
		*own += job->address == address;
	}
	return NULL;
}

enum hasher_result
hasher_check(struct hasher *hasher, struct passwords *passwords, const char *user,
    const char *password, uint64_t address, struct hasher_wait *wait)
{
	uint8_t digest[DIGEST_LEN];
	struct hasher_job *job;
	size_t waiting, own;

	passwords_digest(passwords, user, password, digest);
	if (passwords_has(passwords, digest))
		return HASHER_MATCHED;
	job = hasher_find(hasher, digest, address, &waiting, &own);
	if (job) {
		list_append(&job->waits, &wait->node);
		return HASHER_QUEUED;
	}
	if (waiting >= HASHER_QUEUE_MAX || own >= HASHER_ADDRESS_MAX)
		return HASHER_FULL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return HASHER_FULL;
	list_init(&job->node);
	list_init(&job->waits);
	job->job = (struct offload_job){.run = hasher_run, .done = hasher_on_done};
	job->hasher = hasher;
	job->passwords = passwords_ref(passwords);
	job->address = address;
	memcpy(job->digest, digest, DIGEST_LEN);
	strcpy(job->hash, passwords_hash(passwords, user, &job->known));
	job->password = strdup(password);
	if (!job->password) {
		hasher_job_free(job);
		return HASHER_FULL;
	}
	list_append(&job->waits, &wait->node);
	list_append(&hasher->queue, &job->node);
	hasher_next(hasher);
	return HASHER_QUEUED;
}

void
hasher_cancel(struct hasher_wait *wait)
{
	list_remove(&wait->node);
}
