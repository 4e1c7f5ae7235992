/* SPDX-License-Identifier: BSD-2-Clause */
/* What is reported about programs that can't be started. */
#include "base/util.h"
#include "process/diagnose.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/wspipe-diagnose-XXXXXX";

static int
enter(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 && setenv("PATH", "/usr/bin:/bin", 1) == 0 ? 0
											  : -1;
}

static int
leave(void **state)
{
	(void)state;
	unlink("file");
	unlink("nested");
	unlink("program");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void
write_file(const char *name, const char *bytes, size_t len, mode_t mode)
{
	int fd;

	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The errno of executing "file"; 0: it was started. */
static int
try_file(void)
{
	char *argv[] = {"file", NULL};
	int status, error = 0, ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv("./file", argv);
		error = errno;
		_exit(write(ends[1], &error, sizeof(error)) != sizeof(error));
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
		error = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return error;
}

#define GONE(name) "its interpreter '" name "' does not exist (first line of the script)"
#define CRLF "its first line ends in CR-LF (Windows line endings); convert it with dos2unix"

/* What is found before the start, and what after its failure; NULL: nothing. */
static void
test_first_lines(void **state)
{
	static const struct {
		const char *text;
		const char *before;
		const char *after;
	} rows[] = {
	    {"#!/bin/sh\n", NULL, NULL},
	    {"#!/bin/sh", NULL, NULL},
	    {"#! \t/bin/sh -e \n", NULL, NULL},
	    {"#!/bin/sh -x\r\n", CRLF, NULL}, /* the shell complains */
	    {"#!/bin/sh\r\necho\r\n", CRLF, CRLF},
	    {"#!/usr/bin/env python3\r\n", CRLF, NULL},
	    {"#!/nonexistent/python\n", GONE("/nonexistent/python"),
		GONE("/nonexistent/python")},
	    {"#!/nonexistent/python -u x\n", GONE("/nonexistent/python"),
		GONE("/nonexistent/python")},
	    {"#!/bin/sh/below\n", GONE("/bin/sh/below"), GONE("/bin/sh/below")},
	    {"#!relative/sh\n", GONE("relative/sh"), GONE("relative/sh")},
	    {"#!\n", "its first line names no interpreter; write e.g. #!/bin/sh",
		"its first line names no interpreter; write e.g. #!/bin/sh"},
	    {"#!/etc/passwd\n",
		"its interpreter '/etc/passwd' can't be started: make it executable with chmod "
		"+x",
		"its interpreter '/etc/passwd' can't be started: make it executable with chmod "
		"+x"},
	    {"#!/dev/null\n",
		"its interpreter '/dev/null' can't be started: not a regular file",
		"its interpreter '/dev/null' can't be started: not a regular file"},
	    {"\xef\xbb\xbf#!/bin/sh\n",
		"its first line starts with a byte order mark; remove it with dos2unix",
		"its first line starts with a byte order mark; remove it with dos2unix"},
	    /* env(1) is started, and fails then. */
	    {"#!/usr/bin/env sh\n", NULL, NULL},
	    {"#!/usr/bin/env nosuch\n", NULL, NULL},
	    {"", NULL, "the file is empty"},
	    {"plain text\n", NULL,
		"not an executable for this machine; if it is a script, its first line must "
		"name the interpreter, e.g. #!/bin/sh"},
	    {"\x7f"
	     "ELF and nothing else, not even a header that is long enough to be one of it",
		NULL,
		"not an executable for this machine; if it is a script, its first line must "
		"name the interpreter, e.g. #!/bin/sh"},
	};
	char text[DIAGNOSE_MAX];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		int error;

		write_file("file", rows[i].text, strlen(rows[i].text), 0700);
		if (diagnose_program("file", 0, text) != (rows[i].before != NULL))
			fail_msg("[%s]: [%s]", rows[i].text, rows[i].before ? "" : text);
		if (rows[i].before)
			assert_string_equal(text, rows[i].before);
		error = try_file();
		if ((error != 0) != (rows[i].after != NULL))
			fail_msg("[%s]: %s", rows[i].text, strerror(error));
		if (error == 0)
			continue;
		assert_true(diagnose_program("file", error, text));
		assert_string_equal(text, rows[i].after);
	}
}

static void
test_interpreter_that_is_a_script(void **state)
{
	char script[256];
	char text[DIAGNOSE_MAX];

	(void)state;
	snprintf(script, sizeof(script), "#!%s/file\n", dir);
	write_file("file", script, strlen(script), 0700);
	assert_int_equal(try_file(), ELOOP);
	assert_true(diagnose_program("file", ELOOP, text));
	assert_string_equal(text, "its interpreter is a script whose interpreter is a script, "
				  "and so on");
}

static void
test_loader_that_does_not_exist(void **state)
{
	static char bytes[1 << 20];
	char text[DIAGNOSE_MAX];
	ssize_t len;
	char *loader = NULL;
	int fd = open("/bin/sh", O_RDONLY);

	(void)state;
	len = read(fd, bytes, sizeof(bytes));
	close(fd);
	assert_true(len > 4096);
	for (size_t i = 0; i < 4096 && !loader; i++) {
		if (memcmp(bytes + i, "/lib", 4) == 0)
			loader = bytes + i;
	}
	if (!loader)
		skip();
	loader[1] = 'x';
	write_file("file", bytes, (size_t)len, 0700);
	assert_int_equal(try_file(), ENOENT);
	assert_true(diagnose_program("file", ENOENT, text));
	assert_string_equal(text, "its loader does not exist; it was built for another system "
				  "or C library");
}

/* A FIFO would hold us, and opening a device can have effects. */
static void
test_only_regular_files_are_opened(void **state)
{
	char text[DIAGNOSE_MAX];

	(void)state;
	unlink("file");
	assert_int_equal(mkfifo("file", 0700), 0);
	assert_false(diagnose_program("file", 0, text));
	assert_true(diagnose_program("file", EACCES, text));
	assert_string_equal(text, "not a regular file");
	assert_false(diagnose_program("/dev/zero", 0, text));
	assert_false(diagnose_program("missing", 0, text));
	assert_true(diagnose_program("missing", ENOENT, text));
	assert_string_equal(text, strerror(ENOENT));
}

static void
test_not_executable(void **state)
{
	char text[DIAGNOSE_MAX];

	(void)state;
	write_file("file", "#!/bin/sh\n", 10, 0644);
	assert_true(diagnose_program("file", EACCES, text));
	assert_string_equal(text, "make it executable with chmod +x");
	assert_true(diagnose_program("file", E2BIG, text));
	assert_string_equal(text, strerror(E2BIG));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_lines),
	    cmocka_unit_test(test_interpreter_that_is_a_script),
	    cmocka_unit_test(test_loader_that_does_not_exist),
	    cmocka_unit_test(test_only_regular_files_are_opened),
	    cmocka_unit_test(test_not_executable),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
