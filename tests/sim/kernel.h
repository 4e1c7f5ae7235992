/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system, replaced: one connection, and one process with three pipes. System calls on its
 * descriptors come here by --wrap. What a read returns and a write accepts is up to the seed:
 * any number of bytes, EAGAIN, EINTR.
 */
#ifndef TESTS_SIM_KERNEL_H
#define TESTS_SIM_KERNEL_H

#include "bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum kernel_fd { /* descriptors */
	KERNEL_SOCKET = 1000,
	KERNEL_STDIN, /* our ends */
	KERNEL_STDOUT,
	KERNEL_STDERR,
	KERNEL_PIDFD,
	KERNEL_TIMER,
	KERNEL_FD_END,
};

enum { KERNEL_PID = 1000 * 1000 * 1000 }; /* no real one is so high */

/* One direction of the connection, or a pipe. */
struct kernel_pipe {
	struct bytes bytes;
	size_t capacity;
	bool writer_closed; /* nothing more comes */
	bool reader_closed; /* writing fails */
	bool full; /* a write has not found enough room: an event follows */
	uint64_t read; /* bytes so far, as the next one */
	uint64_t written;
};

enum kernel_life { KERNEL_NO_PROCESS, KERNEL_RUNS, KERNEL_ZOMBIE, KERNEL_REAPED };

struct kernel {
	struct kernel_pipe from_client;
	struct kernel_pipe to_client;
	struct kernel_pipe in; /* the program's */
	struct kernel_pipe out;
	struct kernel_pipe err;
	bool reset; /* the connection, by the client */
	bool reset_seen; /* ECONNRESET was returned */
	bool vanished; /* nothing of the client answers */
	int64_t vanished_ms;
	int64_t timer_ms; /* when KERNEL_TIMER is readable; 0: never */
	bool eof_read; /* the client's FIN */
	bool open[KERNEL_FD_END - KERNEL_SOCKET];
	uint64_t edges[KERNEL_FD_END - KERNEL_SOCKET];
	enum kernel_life life;
	bool by_signal;
	int value; /* exit status or signal */
	bool group_killed;
	/* What the program does about signals, and the monitor about bytes for the client. */
	void (*on_signal)(int signal);
	void (*on_sent)(const uint8_t *bytes, size_t len);
	bool quiet; /* no faults: to look at what happens without them */
};
extern struct kernel kernel;

void kernel_reset(void);

bool kernel_is_open(int fd);

/* The events of libevent that FD is ready for, level-triggered, and the number of changes. */
short kernel_poll(int fd);
uint64_t kernel_edge(int fd);

/* Room in a pipe. */
size_t kernel_room(const struct kernel_pipe *pipe);

/* The other sides. */
size_t kernel_client_send(const uint8_t *bytes, size_t len);
size_t kernel_client_receive(struct bytes *to, size_t max);
void kernel_client_fin(void);
void kernel_client_reset(void);
void kernel_client_vanish(void);
size_t kernel_program_read(struct bytes *to, size_t max);
size_t kernel_program_write(struct kernel_pipe *pipe, const uint8_t *bytes, size_t len);
void kernel_program_close(struct kernel_pipe *pipe);
void kernel_program_exit(bool by_signal, int value);

/* After a minute without a confirmation the system gives a connection up. */
void kernel_tick(void);

/* When something happens next of itself. */
int64_t kernel_next_due(void);

#endif
