/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a program can't be started, and the remedy. */
#include "process/diagnose.h"

#include "base/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	DIAGNOSE_HEAD = 4096, /* bytes of a file that are read: program headers are in them */
	DIAGNOSE_LINE = 256, /* bytes of a first line that the kernel looks at */
	DIAGNOSE_NESTED = 4, /* interpreters that are scripts themselves */
	DIAGNOSE_NAME = 64,
};

/* The first bytes of a file. */
struct diagnose_head {
	unsigned char bytes[DIAGNOSE_HEAD];
	size_t len;
};

/* Reads the start of a regular file; nothing else is opened. */
static bool
diagnose_read(const char *path, struct diagnose_head *head)
{
	char name[32];
	struct stat st;
	ssize_t n = -1;
	int file, fd = open(path, O_PATH | O_CLOEXEC);

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		file = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (file != -1) {
			n = read(file, head->bytes, sizeof(head->bytes));
			close(file);
		}
	}
	close(fd);
	head->len = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

/* The name of a user from the local file: a name service could block. */
static void
diagnose_user(char name[DIAGNOSE_NAME], uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *user;

	snprintf(name, DIAGNOSE_NAME, "%lu", (unsigned long)uid);
	if (!file)
		return;
	while ((user = fgetpwent(file))) {
		if (user->pw_uid == uid) {
			snprintf(name, DIAGNOSE_NAME, "%s", user->pw_name);
			break;
		}
	}
	fclose(file);
}

/* What denies us the file at PATH: the file itself, or a directory that leads to it. False: it
 * is neither. */
static bool
diagnose_denial(const char *path, char text[DIAGNOSE_MAX])
{
	char part[PATH_MAX], user[DIAGNOSE_NAME], owner[DIAGNOSE_NAME];
	size_t len = 0;
	struct stat st;
	struct statvfs fs;
	bool is_file;

	do {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		is_file = path[len] == '\0';
	} while (!is_file && faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) == 0);
	if (stat(part, &st) == -1 || (is_file && S_ISREG(st.st_mode) &&
					 faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) == 0))
		return false;
	if (is_file && S_ISREG(st.st_mode) && (st.st_mode & 0111) == 0) {
		snprintf(text, DIAGNOSE_MAX, "make it executable with chmod +x");
	} else if (is_file && S_ISREG(st.st_mode) && statvfs(part, &fs) == 0 &&
		   (fs.f_flag & ST_NOEXEC)) {
		snprintf(text, DIAGNOSE_MAX,
		    "its file system is mounted with noexec; move it elsewhere");
	} else if (is_file && !S_ISREG(st.st_mode)) {
		snprintf(text, DIAGNOSE_MAX, "not a regular file");
	} else {
		diagnose_user(user, geteuid());
		diagnose_user(owner, st.st_uid);
		snprintf(text, DIAGNOSE_MAX,
		    "permission denied for user %s%s%s (mode %04o, owner %s)", user,
		    is_file ? "" : " in ", is_file ? "" : part, (unsigned)st.st_mode & 07777,
		    owner);
	}
	return true;
}

/* True if a directory of PATH contains an executable file NAME. */
static bool
diagnose_on_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	for (const char *p = path ? path : "/bin:/usr/bin"; *p; p += *p == ':') {
		size_t len = (size_t)(strchrnul(p, ':') - p);

		snprintf(file, sizeof(file), "%.*s/%s", (int)len, len > 0 ? p : ".", name);
		if (access(file, X_OK) == 0)
			return true;
		p += len;
	}
	return false;
}

/*
 * What env(1) will run, of the words after its name in a first line: the kernel passes them as
 * one argument, which -S splits. NULL if that can't be known.
 */
static char *
diagnose_env_program(char *words)
{
	char *word, *rest = NULL;

	words += strspn(words, " \t");
	if (*words != '-')
		return *words == '\0' || strchr(words, '=') ? NULL : words;
	if (strncmp(words, "-S", 2) != 0 && strncmp(words, "-vS", 3) != 0)
		return NULL;
	for (word = strtok_r(strchr(words, 'S') + 1, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		if (word[0] == '-')
			return NULL;
		if (!strchr(word, '='))
			break;
	}
	/* Quotes, escapes and variables are env's own. */
	return word && strpbrk(word, "\\\"'$") ? NULL : word;
}

static bool diagnose_script(const char *path, int depth, char text[DIAGNOSE_MAX]);

static bool
diagnose_same_file(const char *one, const char *two)
{
	struct stat st[2];

	return stat(one, &st[0]) == 0 && stat(two, &st[1]) == 0 &&
	       st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

/* The interpreter that the first line of PATH names, followed by WORDS. */
static bool
diagnose_interpreter(
    const char *path, const char *name, char *words, int depth, char text[DIAGNOSE_MAX])
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	char inner[DIAGNOSE_MAX];
	struct stat st;

	if (stat(name, &st) == -1 && (errno == ENOENT || errno == ENOTDIR)) {
		snprintf(text, DIAGNOSE_MAX,
		    "its interpreter '%s' does not exist (first line of the script)", name);
		return true;
	}
	if (diagnose_same_file(path, name)) {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line names the script itself as its interpreter; write e.g. "
		    "#!/bin/sh");
		return true;
	}
	if (diagnose_denial(name, inner) ||
	    (depth < DIAGNOSE_NESTED && diagnose_script(name, depth + 1, inner))) {
		snprintf(text, DIAGNOSE_MAX, "its interpreter '%s' can't be started: %.*s",
		    name, DIAGNOSE_MAX - DIAGNOSE_LINE - 64, inner);
		return true;
	}
	if (strcmp(base, "env") != 0)
		return false;
	words = diagnose_env_program(words);
	if (!words || (strchr(words, '/') ? access(words, X_OK) == 0 : diagnose_on_path(words)))
		return false;
	snprintf(text, DIAGNOSE_MAX, "its interpreter '%s' %s (first line of the script)",
	    words, strchr(words, '/') ? "can't be executed" : "is not on PATH");
	return true;
}

/* What is wrong with the first line of a script; false: nothing, or it is not a script. */
static bool
diagnose_script(const char *path, int depth, char text[DIAGNOSE_MAX])
{
	struct diagnose_head head;
	char line[DIAGNOSE_LINE];
	const unsigned char *end;
	char *name, *words;
	size_t len;

	if (!diagnose_read(path, &head))
		return false;
	if (head.len >= 5 && memcmp(head.bytes, "\xef\xbb\xbf#!", 5) == 0) {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line starts with a byte order mark; remove it, e.g. with "
		    "sed -i '1s/^\\xEF\\xBB\\xBF//'");
		return true;
	}
	if (head.len < 2 || memcmp(head.bytes, "#!", 2) != 0)
		return false;
	end = memchr(head.bytes, '\n', head.len);
	len = (end ? (size_t)(end - head.bytes) : head.len) - 2;
	if (end && len > 0 && end[-1] == '\r') {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line ends in CR-LF (Windows line endings); convert it with "
		    "dos2unix");
		return true;
	}
	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	memcpy(line, head.bytes + 2, len);
	line[len] = '\0';
	name = line + strspn(line, " \t");
	words = name + strcspn(name, " \t");
	if (*words != '\0')
		*words++ = '\0';
	len = strlen(words);
	while (len > 0 && (words[len - 1] == ' ' || words[len - 1] == '\t'))
		words[--len] = '\0';
	if (*name == '\0') {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line names no interpreter; write e.g. #!/bin/sh");
		return true;
	}
	return diagnose_interpreter(path, name, words, depth, text);
}

/* An executable whose loader (PT_INTERP) does not exist, as one built for another C library. */
static bool
diagnose_loader(const char *path, char text[DIAGNOSE_MAX])
{
	struct diagnose_head head;
	Elf64_Ehdr elf;

	if (!diagnose_read(path, &head) || head.len < sizeof(elf))
		return false;
	memcpy(&elf, head.bytes, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	for (size_t i = 0; i < elf.e_phnum; i++) {
		size_t at = elf.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr part;
		const char *loader;

		if (elf.e_phoff > head.len || at + sizeof(part) > head.len)
			return false;
		memcpy(&part, head.bytes + at, sizeof(part));
		if (part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz == 0 || part.p_offset >= head.len ||
		    part.p_filesz > head.len - part.p_offset)
			return false;
		loader = (const char *)head.bytes + part.p_offset;
		if (loader[part.p_filesz - 1] != '\0' || access(loader, F_OK) == 0)
			return false;
		snprintf(text, DIAGNOSE_MAX,
		    "its loader '%.255s' does not exist; it was built for another system or C "
		    "library",
		    loader);
		return true;
	}
	return false;
}

bool
diagnose_program(const char *path, int error, char text[DIAGNOSE_MAX])
{
	struct stat st;
	bool exists = stat(path, &st) == 0;

	if (error == 0)
		return diagnose_script(path, 0, text);
	if (error == EACCES && diagnose_denial(path, text))
		return true;
	if (exists &&
	    (error == ENOENT || error == EACCES || error == ENOEXEC || error == ELOOP ||
		error == ENOTDIR) &&
	    (diagnose_script(path, 0, text) || diagnose_loader(path, text)))
		return true;
	if (error == ENOEXEC && exists && st.st_size == 0)
		snprintf(text, DIAGNOSE_MAX, "the file is empty");
	else if (error == ENOEXEC)
		snprintf(text, DIAGNOSE_MAX,
		    "not an executable for this machine; if it is a script, its first line "
		    "must name the interpreter, e.g. #!/bin/sh");
	else if (error == ESTALE)
		snprintf(
		    text, DIAGNOSE_MAX, "the file was replaced while it was being started");
	else if (error == ELOOP && exists)
		snprintf(text, DIAGNOSE_MAX,
		    "its interpreter is a script that needs an interpreter, and so on, more "
		    "than "
		    "%d times",
		    DIAGNOSE_NESTED);
	else if (error == ETXTBSY)
		snprintf(text, DIAGNOSE_MAX, "a process has the file open for writing");
	else
		snprintf(text, DIAGNOSE_MAX, "%s", strerror(error));
	return true;
}
