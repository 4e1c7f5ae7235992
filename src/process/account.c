/* SPDX-License-Identifier: BSD-2-Clause */
/* A user, a group and supplementary groups. */
#include "process/account.h"

#include "base/util.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Raw system calls: the C library's functions change all threads and take a lock for that.
 * Where IDs once had 16 bits, the plain call numbers still do. */
#ifdef SYS_setresuid32
enum {
	ACCOUNT_SETGROUPS = SYS_setgroups32,
	ACCOUNT_SETRESGID = SYS_setresgid32,
	ACCOUNT_SETRESUID = SYS_setresuid32,
};
#else
enum {
	ACCOUNT_SETGROUPS = SYS_setgroups,
	ACCOUNT_SETRESGID = SYS_setresgid,
	ACCOUNT_SETRESUID = SYS_setresuid,
};
#endif

struct account_capabilities {
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
};

bool
account_find_user(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *user = getpwnam(name);
	int64_t number;

	if (user) {
		*uid = user->pw_uid;
		*gid = user->pw_gid;
		return true;
	}
	if (util_parse_number(span_of(name), 0, UINT32_MAX - 1, &number))
		return false;
	*uid = (uid_t)number;
	return true;
}

bool
account_find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);
	int64_t number;

	if (!group && util_parse_number(span_of(name), 0, UINT32_MAX - 1, &number))
		return false;
	*gid = group ? group->gr_gid : (gid_t)number;
	return true;
}

static bool
account_no_memory(char why[ACCOUNT_WHY_MAX])
{
	snprintf(why, ACCOUNT_WHY_MAX, "out of memory");
	return false;
}

/* Fills in groups and variables of a user with a passwd entry. */
static bool
account_fill(struct account *account, const struct passwd *user, char why[ACCOUNT_WHY_MAX])
{
	static const char *const names[ACCOUNT_VARIABLES] = {
	    "HOME", "LOGNAME", "SHELL", "USER"};
	const char *const values[ACCOUNT_VARIABLES] = {
	    user->pw_dir, user->pw_name, user->pw_shell, user->pw_name};
	int count = 0;

	/* The first call only counts. */
	(void)getgrouplist(user->pw_name, account->gid, NULL, &count);
	account->groups = calloc((size_t)count + 1, sizeof(*account->groups));
	if (!account->groups)
		return account_no_memory(why);
	if (getgrouplist(user->pw_name, account->gid, account->groups, &count) == -1) {
		snprintf(why, ACCOUNT_WHY_MAX, "its groups changed at this moment");
		return false;
	}
	account->group_count = (size_t)count;
	for (size_t i = 0; i < ACCOUNT_VARIABLES; i++) {
		if (asprintf(&account->variables[i], "%s=%s", names[i], values[i]) == -1) {
			account->variables[i] = NULL;
			return account_no_memory(why);
		}
	}
	return true;
}

bool
account_find(
    struct account *account, const char *user, const char *group, char why[ACCOUNT_WHY_MAX])
{
	const struct passwd *entry = user ? getpwnam(user) : NULL;

	*account = (struct account){.gid = (gid_t)-1, .has_user = user != NULL};
	if (user && !account_find_user(user, &account->uid, &account->gid)) {
		snprintf(why, ACCOUNT_WHY_MAX, "the user does not exist");
		return false;
	}
	if (group && !account_find_group(group, &account->gid)) {
		snprintf(why, ACCOUNT_WHY_MAX, "the group '%.100s' does not exist", group);
		return false;
	}
	if (user && account->uid == 0) {
		snprintf(why, ACCOUNT_WHY_MAX, "root is not allowed; choose another user");
		return false;
	}
	if (account->gid == (gid_t)-1) {
		snprintf(why, ACCOUNT_WHY_MAX,
		    "a number without an entry in passwd(5) needs a "
		    "group, too");
		return false;
	}
	if (entry && !account_fill(account, entry, why)) {
		account_clear(account);
		return false;
	}
	return true;
}

void
account_clear(struct account *account)
{
	free(account->groups);
	for (size_t i = 0; i < ACCOUNT_VARIABLES; i++)
		free(account->variables[i]);
	*account = (struct account){.has_user = false};
}

static ACCOUNT_IN_CHILD bool
account_get_capabilities(struct account_capabilities *out)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &head, out->sets) == 0;
}

bool
account_may_change(void)
{
	static const unsigned int needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;
	struct account_capabilities have;

	return account_get_capabilities(&have) && (have.sets[0].effective & needed) == needed;
}

/* Drops all capabilities, in every set that matters to exec. */
static ACCOUNT_IN_CHILD bool
account_drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	static const struct account_capabilities none;
	struct account_capabilities left;

	if (syscall(SYS_capset, &head, none.sets) == -1 || !account_get_capabilities(&left))
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (left.sets[i].effective || left.sets[i].permitted ||
		    left.sets[i].inheritable)
			return false;
	}
	return true;
}

/* Returns true if the IDs are those of the account and root can't be regained. */
static ACCOUNT_IN_CHILD bool
account_is_final(const struct account *account)
{
	gid_t gids[3];
	uid_t uids[3];

	if (getresuid(&uids[0], &uids[1], &uids[2]) == -1 ||
	    getresgid(&gids[0], &gids[1], &gids[2]) == -1 ||
	    getgroups(0, NULL) != (int)account->group_count)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (gids[i] != account->gid || (account->has_user && uids[i] != account->uid))
			return false;
	}
	if (!account->has_user)
		return true;
	return syscall(ACCOUNT_SETRESUID, -1, 0, -1) == -1 &&
	       syscall(ACCOUNT_SETRESUID, 0, 0, 0) == -1 &&
	       (account->gid == 0 || syscall(ACCOUNT_SETRESGID, 0, 0, 0) == -1);
}

bool
account_is_ours(const struct account *account)
{
	return getuid() == account->uid && !account_may_change() && account_is_final(account);
}

ACCOUNT_IN_CHILD bool
account_become(const struct account *account)
{
	if (syscall(ACCOUNT_SETGROUPS, account->group_count, account->groups) == -1 ||
	    syscall(ACCOUNT_SETRESGID, account->gid, account->gid, account->gid) == -1)
		return false;
	if (account->has_user &&
	    (syscall(ACCOUNT_SETRESUID, account->uid, account->uid, account->uid) == -1 ||
		!account_drop_capabilities()))
		return false;
	if (account_is_final(account))
		return true;
	errno = EPERM;
	return false;
}
