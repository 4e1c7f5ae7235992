/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A user, a group and the supplementary groups, and how a process changes to them for good.
 * Names are looked up once, at startup or at a reload; the change itself is system calls only,
 * so that it can be made between fork and exec in memory that is shared with the parent.
 */
#ifndef PROCESS_ACCOUNT_H
#define PROCESS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * For the functions that a child runs in our memory (process/spawn). It leaves them by exec, so
 * that the shared stack keeps what AddressSanitizer records about their frames; the next child
 * must not trip over it.
 */
#define ACCOUNT_IN_CHILD __attribute__((no_sanitize_address))

enum { ACCOUNT_VARIABLES = 4, ACCOUNT_WHY_MAX = 160 };

struct account {
	uid_t uid; /* unless HAS_USER is false */
	gid_t gid;
	gid_t *groups; /* owned: the supplementary ones */
	size_t group_count;
	bool has_user;
	/* Owned, NULL at the end: HOME, LOGNAME, SHELL and USER of the user, as "NAME=value".
	 */
	char *variables[ACCOUNT_VARIABLES + 1];
};

/* The user, or the group, that NAME is, by name or number; *GID is the group of the user, and
 * is not changed if there is no such name. */
bool account_find_user(const char *name, uid_t *uid, gid_t *gid);
bool account_find_group(const char *name, gid_t *gid);

/*
 * The account of USER with the groups that the system has for it; GROUP replaces its primary
 * one. Without USER, which may be NULL, the user stays, and GROUP is the only group. False: WHY
 * has the reason, as a clause. account_clear() frees.
 */
bool account_find(struct account *account, const char *user, const char *group,
    char why[ACCOUNT_WHY_MAX]) __attribute__((warn_unused_result));

void account_clear(struct account *account);

/* Whether this process may change to another account, and may still end what it started by
 * then: CAP_SETUID, CAP_SETGID and CAP_KILL. */
bool account_may_change(void);

/* Whether the calling process runs as ACCOUNT in all respects, and can't change back. */
bool account_is_ours(const struct account *account);

/*
 * Changes the calling thread to the account: groups, group, user, and then no capability is
 * left. Verified: False with errno if a step failed, or if root could be regained, and then the
 * caller must not go on. Without a user of its own only the groups change.
 */
bool account_become(const struct account *account) __attribute__((warn_unused_result));

#endif
