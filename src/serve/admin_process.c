/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the resource usage of processes. */
#include "serve/admin_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PROCESS_PATH_MAX = 64,
	PROCESS_FDS_MAX = 4096, /* maximum number of descriptors to count one by one */
};

const struct admin_usage_row admin_usage_rows[ADMIN_USAGE_KINDS] = {
    [ADMIN_USAGE_CPU] = {"process_cpu_seconds_total", "counter",
	"User and system CPU time in seconds.", true},
    [ADMIN_USAGE_RESIDENT] = {"process_resident_memory_bytes", "gauge",
	"Resident memory in bytes.", false},
    [ADMIN_USAGE_VIRTUAL] = {"process_virtual_memory_bytes", "gauge",
	"Virtual memory in bytes.", false},
    [ADMIN_USAGE_OPEN_FDS] = {"process_open_fds", "gauge", "Open file descriptors.", false},
    [ADMIN_USAGE_MAX_FDS] = {"process_max_fds", "gauge", "Limit of open file descriptors.",
	false},
    [ADMIN_USAGE_START] = {"process_start_time_seconds", "gauge",
	"Start of the process, in seconds since 1970.", true},
};

static void
process_set(struct admin_usage *usage, enum admin_usage_kind kind, double value)
{
	usage->known |= 1u << kind;
	usage->values[kind] = value;
}

/* Parses /proc/PID/stat (proc(5)): fields 14 and 15 are the CPU times, 23 and 24 the memory. */
static void
process_read_stat(pid_t pid, struct admin_usage *usage)
{
	char path[PROCESS_PATH_MAX], text[1024];
	unsigned long user, system, virtual;
	long resident;
	ssize_t len = -1;
	char *rest;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		len = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (len <= 0)
		return;
	text[len] = '\0';
	/* The program name may contain any character. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1,
			 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d "
			 "%*d %*d %*d %*d %*d %*u %lu %ld",
			 &user, &system, &virtual, &resident) != 4)
		return;
	process_set(
	    usage, ADMIN_USAGE_CPU, (double)(user + system) / (double)sysconf(_SC_CLK_TCK));
	process_set(usage, ADMIN_USAGE_VIRTUAL, (double)virtual);
	process_set(
	    usage, ADMIN_USAGE_RESIDENT, (double)resident * (double)sysconf(_SC_PAGESIZE));
}

/* Since Linux 6.2 the size of the directory is the number of descriptors. On older kernels they
 * are counted up to a limit, because counting many takes too long. */
static void
process_read_fds(pid_t pid, struct admin_usage *usage)
{
	char path[PROCESS_PATH_MAX];
	struct stat st;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (stat(path, &st) == 0 && st.st_size > 0) {
		process_set(usage, ADMIN_USAGE_OPEN_FDS, (double)st.st_size);
		return;
	}
	dir = opendir(path);
	if (!dir)
		return;
	for (const struct dirent *entry; count <= PROCESS_FDS_MAX && (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	/* Don't count the descriptor of the directory itself. */
	count -= pid == getpid();
	if (count < PROCESS_FDS_MAX)
		process_set(usage, ADMIN_USAGE_OPEN_FDS, (double)count);
}

void
admin_usage_read(const struct admin_process *process, struct admin_usage *out)
{
	struct rlimit limit;

	*out = (struct admin_usage){.known = 0};
	process_read_stat(process->pid, out);
	if (out->known == 0)
		return;
	process_read_fds(process->pid, out);
	/* All processes have the same limit. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		process_set(out, ADMIN_USAGE_MAX_FDS, (double)limit.rlim_cur);
	process_set(out, ADMIN_USAGE_START, (double)process->started_ms / 1000);
}
