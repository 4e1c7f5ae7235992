/* SPDX-License-Identifier: BSD-2-Clause */
/* Restricts the files that a program may use with Landlock. */
#include "process/landlock.h"

#include "base/util.h"
#include "process/account.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Access rights that older system headers lack. */
#define LANDLOCK_TRUNCATE (UINT64_C(1) << 14)
#define LANDLOCK_IOCTL_DEV (UINT64_C(1) << 15)

enum {
	LANDLOCK_ABI_REFER = 2,
	LANDLOCK_ABI_TRUNCATE = 3,
	LANDLOCK_ABI_IOCTL_DEV = 5,
	/* Maximum depth of scripts that are started by scripts, as in execve(2). */
	LANDLOCK_INTERPRETERS = 4,
	LANDLOCK_LINE = 256, /* bytes of the first line that the kernel examines */
};

/* Rights for files. */
#define LANDLOCK_FILE_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
#define LANDLOCK_FILE_WRITE                                                                    \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_TRUNCATE |    \
	    LANDLOCK_IOCTL_DEV)
/* Rights for directories and everything beneath them. Device nodes can't be created. */
#define LANDLOCK_TREE_READ (LANDLOCK_FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_TREE_WRITE                                                                    \
	(LANDLOCK_FILE_WRITE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |   \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                     \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                       \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |                       \
	    LANDLOCK_ACCESS_FS_REFER)
#define LANDLOCK_ALL                                                                           \
	(LANDLOCK_TREE_READ | LANDLOCK_TREE_WRITE | LANDLOCK_ACCESS_FS_MAKE_CHAR |             \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK)

/* What any program needs; missing paths are skipped. */
static const struct {
	const char *path;
	enum landlock_access access;
} landlock_common[] = {
    {"/usr", LANDLOCK_READ},
    {"/bin", LANDLOCK_READ},
    {"/sbin", LANDLOCK_READ},
    {"/lib", LANDLOCK_READ},
    {"/lib32", LANDLOCK_READ},
    {"/lib64", LANDLOCK_READ},
    {"/libx32", LANDLOCK_READ},
    {"/etc/ld.so.cache", LANDLOCK_READ},
    {"/etc/ld.so.conf", LANDLOCK_READ},
    {"/etc/ld.so.conf.d", LANDLOCK_READ},
    {"/etc/ld.so.preload", LANDLOCK_READ},
    {"/dev/zero", LANDLOCK_READ},
    {"/dev/urandom", LANDLOCK_READ},
    {"/dev/null", LANDLOCK_WRITE},
    {"/dev/tty", LANDLOCK_WRITE},
};

/* Returns the ABI version, which is queried once, or -1 with errno. */
static int
landlock_abi(void)
{
	static int abi = -1;

	if (abi == -1)
		abi = (int)syscall(
		    SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi;
}

/* Returns the rights that ABI supports. */
static uint64_t
landlock_known(int abi)
{
	uint64_t known = LANDLOCK_ALL;

	if (abi < LANDLOCK_ABI_REFER)
		known &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < LANDLOCK_ABI_TRUNCATE)
		known &= ~LANDLOCK_TRUNCATE;
	if (abi < LANDLOCK_ABI_IOCTL_DEV)
		known &= ~LANDLOCK_IOCTL_DEV;
	return known;
}

bool
landlock_allow(int ruleset, const char *path, enum landlock_access access)
{
	struct landlock_path_beneath_attr beneath = {
	    .parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	bool is_write = access == LANDLOCK_WRITE;
	struct stat st;
	int result = -1, saved;

	if (beneath.parent_fd == -1)
		return false;
	if (fstat(beneath.parent_fd, &st) == 0) {
		beneath.allowed_access =
		    S_ISDIR(st.st_mode) ? (is_write ? LANDLOCK_TREE_WRITE : LANDLOCK_TREE_READ)
					: (is_write ? LANDLOCK_FILE_WRITE : LANDLOCK_FILE_READ);
		beneath.allowed_access &= landlock_known(landlock_abi());
		result = (int)syscall(
		    SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	}
	saved = errno;
	close(beneath.parent_fd);
	errno = saved;
	return result == 0;
}

int
landlock_new(void)
{
	int abi = landlock_abi();
	struct landlock_ruleset_attr attr = {.handled_access_fs = landlock_known(abi)};
	bool ok = true;
	int ruleset, saved;

	if (abi == -1)
		return -1;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	for (size_t i = 0; i < UTIL_LEN(landlock_common) && ruleset != -1 && ok; i++)
		ok = landlock_allow(
			 ruleset, landlock_common[i].path, landlock_common[i].access) ||
		     errno == ENOENT;
	if (ok)
		return ruleset;
	saved = errno;
	close(ruleset);
	errno = saved;
	return -1;
}

const char *
landlock_why(int error)
{
	switch (error) {
	case ENOSYS:
		return "this kernel has no Landlock, which Linux has since 5.13";
	case EOPNOTSUPP:
		return "Landlock is off; add landlock to lsm= on the kernel's command line";
	default:
		return strerror(error);
	}
}

const char *
landlock_gap(void)
{
	return landlock_abi() < LANDLOCK_ABI_TRUNCATE
		   ? "can't keep a program from truncating files that it may only read, which "
		     "Linux can since 6.2"
		   : NULL;
}

/* Reads the interpreter from the first line of the script at PATH. Returns false if there is
 * none. */
static bool
landlock_interpreter(const char *path, char name[LANDLOCK_LINE])
{
	char line[LANDLOCK_LINE];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd == -1 ? -1 : read(fd, line, sizeof(line) - 1);
	const char *start;

	if (fd != -1)
		close(fd);
	if (n < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	start = line + 2 + strspn(line + 2, " \t");
	snprintf(name, LANDLOCK_LINE, "%.*s", (int)strcspn(start, " \t\n"), start);
	return *name == '/';
}

bool
landlock_allow_program(int ruleset, const char *path)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s", path);
	for (int i = 0; i <= LANDLOCK_INTERPRETERS; i++) {
		char next[LANDLOCK_LINE];

		if (!landlock_allow(ruleset, name, LANDLOCK_READ))
			return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
		if (!landlock_interpreter(name, next))
			break;
		snprintf(name, sizeof(name), "%s", next);
	}
	return true;
}

ACCOUNT_IN_CHILD bool
landlock_apply(int ruleset)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}
