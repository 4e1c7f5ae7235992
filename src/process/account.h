/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A user, a group and supplementary groups, and how a process switches to them permanently.
 * Names are looked up once, at startup or reload. The switch itself uses only system calls, so
 * that it can be made between fork and exec in memory shared with the parent.
 */
#ifndef PROCESS_ACCOUNT_H
#define PROCESS_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * For functions that a child runs in our memory (process/spawn). The child leaves them by exec,
 * which leaves AddressSanitizer's records of their frames on the shared stack; the next child
 * would trip over those.
 */
#define ACCOUNT_IN_CHILD __attribute__((no_sanitize_address))

enum { ACCOUNT_VARIABLES = 4, ACCOUNT_WHY_MAX = 160 };

struct account {
	uid_t uid; /* only valid if HAS_USER */
	gid_t gid;
	gid_t *groups; /* owned: supplementary groups */
	size_t group_count;
	bool has_user;
	/* Owned, NULL-terminated: HOME, LOGNAME, SHELL and USER of the user, as
	 * "NAME=value". */
	char *variables[ACCOUNT_VARIABLES + 1];
};

/* Look up a user or a group by name or number. For a user, sets *GID to the primary group, or
 * leaves it unchanged for a number without a passwd entry. Return false if not found. */
bool account_find_user(const char *name, uid_t *uid, gid_t *gid);
bool account_find_group(const char *name, gid_t *gid);

/*
 * Looks up the account of USER with the supplementary groups that the system lists for it.
 * GROUP, if not NULL, replaces the primary group. If USER is NULL, the user does not change,
 * and GROUP is the only group. Returns false and a reason in WHY, as a clause. Free with
 * account_clear().
 */
bool account_find(struct account *account, const char *user, const char *group,
    char why[ACCOUNT_WHY_MAX]) __attribute__((warn_unused_result));

void account_clear(struct account *account);

/* Returns true if this process may switch to another account and can still signal its children
 * then: CAP_SETUID, CAP_SETGID and CAP_KILL. */
bool account_may_change(void);

/* Returns true if the calling process runs as ACCOUNT in every respect and can't change
 * back. */
bool account_is_ours(const struct account *account);

/*
 * Switches the calling thread to the account: groups, group, user; then drops all capabilities.
 * The result is verified. Returns false with errno if a step failed or root could be regained;
 * the caller must not go on then. Without a user, only the groups change.
 */
bool account_become(const struct account *account) __attribute__((warn_unused_result));

#endif
