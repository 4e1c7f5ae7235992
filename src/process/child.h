/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running program with three pipes or a terminal, from its start until it is reaped.
 *
 * Three events at the end of a program happen in any order: its stdout ends, it exits, and its
 * user wants it to end. The child leads its own process group, and the whole group ends with
 * it: the group is killed before the leader is reaped, while its ID can't be reused.
 *
 * child_end() begins the termination sequence (process/termination). If the program has exited
 * but other process groups of its terminal session have not, the sequence continues for them
 * until the program is reaped.
 */
#ifndef PROCESS_CHILD_H
#define PROCESS_CHILD_H

#include "net/stream.h"
#include "process/children.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	/* Maximum bytes per read of stderr; each byte may be a line. */
	CHILD_STDERR_BATCH = 4 * 1024,
	/* How long the group of a dead program may go on writing to its stdout. */
	CHILD_GRACE_MS = 250,
};

struct child;
/* on_written, on_stderr_read, on_exit and on_stuck may be NULL. */
struct child_handlers {
	/* Stdout is readable or has ended: call child_read() once. */
	void (*on_stdout)(void *arg);
	void (*on_written)(void *arg); /* the queue to its stdin has shrunk */
	void (*on_stderr)(
	    void *arg, const char *line, size_t len); /* one line, without its newline */
	void (*on_stderr_read)(void *arg); /* all lines of one read were passed on */
	/* The program is dead, but others may still write to its stdout. Not called if stdout
	 * has ended before. */
	void (*on_exit)(void *arg);
	/* The program survived the whole termination sequence; nothing more can be done. */
	void (*on_stuck)(void *arg);
	/* The program was reaped. This is the last call; child_free() may follow. */
	void (*on_reaped)(void *arg);
};

/*
 * Starts a program. Returns 0, or an errno and *OUT NULL; EDQUOT means that the limit of
 * running programs is reached. Calls no handler before the return to the loop. Stdout is not
 * read until child_set_reading().
 */
int child_start(struct children *children, const struct spawn_command *command,
    const struct child_handlers *handlers, void *arg, struct child **out)
    __attribute__((warn_unused_result));

/* Passes further events to HANDLERS and ARG. The child must be unused so far: nothing written
 * to its stdin, nothing read from its stdout. */
void child_adopt(struct child *child, const struct child_handlers *handlers, void *arg);

/* Asks the system whether the program has exited; a handler may report that later. */
bool child_has_exited(const struct child *child);

/* Kills the program and waits up to MS milliseconds for it to exit. Returns true if it did;
 * on_reaped was called then. */
bool child_kill(struct child *child, int ms) __attribute__((warn_unused_result));

/* What is known about a child. */
struct child_facts {
	pid_t pid;
	bool dead;
	bool by_signal; /* valid once DEAD, as the next one */
	uint8_t value; /* exit status or signal number */
	bool stdout_ended;
	/* Once reaped: bytes left in its stdout. For a terminal, which can't report that, an
	 * upper bound. */
	unsigned int left;
};
const struct child_facts *child_facts(const struct child *child);

/* Writes to its stdin, as stream_writev(). Drops the bytes if the program no longer reads. */
void child_write(struct child *child, const struct iovec *parts, int count);
/* Like child_write() for all of BUFFER, which is empty afterwards. */
void child_write_take(struct child *child, struct buffer *buffer);
/* Returns the number of bytes queued for its stdin. */
size_t child_queued(const struct child *child);

void child_set_reading(struct child *child, bool on);

/* Starts or stops reading stderr, which is on at first. Once the program is reaped, its last
 * lines are read in any case. */
void child_set_reading_stderr(struct child *child, bool on);

/*
 * Reads once from its stdout. STREAM_EOF: no more output will come. This includes a dead
 * program whose pipe is empty and whose grace period for other writers is over. Once the
 * program is reaped, never returns STREAM_AGAIN, and no event reports an empty pipe: a user
 * that was not reading must read until STREAM_EOF. STREAM_FAILED also ends the output; the last
 * bytes are lost.
 */
enum stream_result child_read(struct child *child, uint8_t *bytes, size_t capacity, size_t *n);

/* Changes the size of its terminal. */
void child_resize(struct child *child, struct pty_size size);

/* Ends its stdin after queued bytes are written. */
void child_end_input(struct child *child);

/* Begins the termination sequence. Does nothing if it has begun. */
void child_end(struct child *child);

/* Begins the termination sequence without closing stdin: with SIGINT, or with SIGHUP on a
 * terminal. For incomplete input, which must not look complete. */
void child_interrupt(struct child *child);

/* Frees the child. Only valid after on_reaped. Accepts NULL. */
void child_free(struct child *child);

#endif
