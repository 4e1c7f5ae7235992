/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pseudo-terminal: the program has the slave, we have the master, one descriptor for both
 * directions. The end of output appears as an error of the master (net/transport:
 * transport_terminal).
 */
#ifndef PROCESS_PTY_H
#define PROCESS_PTY_H

#include <stdint.h>
#include <sys/types.h>

/* How a program is connected. */
enum pty_kind {
	PTY_NONE, /* three pipes */
	/* Stdout is the slave of a raw terminal (no echo, no translation, 8 bit), so that the C
	 * library flushes each line. It is not the controlling terminal. */
	PTY_STDOUT,
	PTY_TERMINAL, /* stdin, stdout and stderr are the controlling terminal */
};

enum {
	PTY_SIZE_MAX = 1000,
	/* Upper bound for the bytes that the kernel buffers between slave and master. */
	PTY_BUFFERED_MAX = 64 * 1024,
};

/* In characters; 0 means unknown. */
struct pty_size {
	uint16_t columns;
	uint16_t rows;
};

#define PTY_SIZE_INITIAL ((struct pty_size){80, 24})

/* Opens a pseudo-terminal. Both descriptors are close-on-exec; the master is non-blocking.
 * Returns 0, or an errno with nothing left open. */
int pty_open(enum pty_kind kind, struct pty_size size, int *master, int *slave)
    __attribute__((warn_unused_result));

/* Sets the size. If it changes, the foreground process group gets SIGWINCH. */
void pty_resize(int master, struct pty_size size);

/* Returns the foreground process group, or 0 if unknown. */
pid_t pty_foreground(int master);

#endif
