/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pseudo-terminal: the program has the slave, we have the master. Both directions use the one
 * descriptor; the end of output is an error of the master (net/transport: transport_terminal).
 */
#ifndef PROCESS_PTY_H
#define PROCESS_PTY_H

#include <stdint.h>
#include <sys/types.h>

/* How a program is connected. */
enum pty_kind {
	PTY_NONE, /* by three pipes */
	/* Its stdout is the slave of a raw terminal, so that its C library flushes each line:
	 * no echo, no translation, 8 bit. It is not its controlling terminal. */
	PTY_STDOUT,
	PTY_TERMINAL, /* a controlling terminal is its stdin, stdout and stderr */
};

enum {
	PTY_SIZE_MAX = 1000,
	/* More bytes than the kernel keeps between a slave and its master. */
	PTY_BUFFERED_MAX = 64 * 1024,
};

/* In characters; 0 is unknown. */
struct pty_size {
	uint16_t columns;
	uint16_t rows;
};

#define PTY_SIZE_INITIAL ((struct pty_size){80, 24})

/* Opens one. Both descriptors are close-on-exec, the master is non-blocking. 0, or an errno and
 * then nothing is open. */
int pty_open(enum pty_kind kind, struct pty_size size, int *master, int *slave)
    __attribute__((warn_unused_result));

/* The foreground process group gets SIGWINCH if the size is another one. */
void pty_resize(int master, struct pty_size size);

/* The process group in the foreground; 0: unknown. */
pid_t pty_foreground(int master);

#endif
