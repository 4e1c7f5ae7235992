/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a server, it is a resolver with the names of 127.0.0.N that the tests need. N
 * above 100 is answered only once the file FAKE_NAMES_GO exists, and so is later.example.
 * several.example has the addresses 127.0.0.21, 127.0.0.22 and 127.0.0.23.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int from; /* the address has this name */
	const char *name;
	int to; /* and the name this address; 0: none */
} rows[] = {
    {2, "two.example", 2},
    {3, "evil\nREMOTE_USER=root", 3},
    {4, "liar.example", 9},
    {5, "dot.example.", 5},
    {6, "nowhere.example", 0},
    {7, "$(id).example", 7},
    {8, "-x.example", 8},
    {9, "under_score.example", 9},
    {10, "a..example", 10},
    {11, "UPPER-case1.example", 11},
    {101, "slow.example", 101},
    {0, "several.example", 21},
    {0, "later.example", 1},
};

enum { COUNT = sizeof(rows) / sizeof(rows[0]) };

int
getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t room,
    char *service, socklen_t service_room, int flags)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
	int last = (int)(ntohl(four->sin_addr.s_addr) & 0xff);

	(void)len;
	(void)room;
	(void)service;
	(void)service_room;
	(void)flags;
	while (last > 100 && access(getenv("FAKE_NAMES_GO"), F_OK) != 0)
		usleep(5000);
	for (int i = 0; i < COUNT; i++) {
		if (rows[i].from == last) {
			strcpy(host, rows[i].name);
			return 0;
		}
	}
	return EAI_NONAME;
}

/* The last byte of the address that NAME leads to; 0: none. */
static int
resolve(const char *name)
{
	struct in_addr number;

	if (inet_pton(AF_INET, name, &number) == 1)
		return (int)(ntohl(number.s_addr) & 0xff);
	for (int i = 0; i < COUNT; i++) {
		if (strncmp(rows[i].name, name, strlen(name)) == 0 &&
		    strcspn(rows[i].name, "\n") >= strlen(name))
			return rows[i].to;
	}
	return 0;
}

int
getaddrinfo(
    const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	struct found {
		struct addrinfo info;
		struct sockaddr_in address;
	} * found;
	int last = resolve(name);
	int count = last == 21 ? 3 : 1;

	(void)hints;
	if (last == 0)
		return EAI_NONAME;
	while (strcmp(name, "later.example") == 0 && access(getenv("FAKE_NAMES_GO"), F_OK) != 0)
		usleep(5000);
	found = calloc((size_t)count, sizeof(*found));
	if (!found)
		return EAI_MEMORY;
	for (int i = 0; i < count; i++) {
		found[i].address.sin_family = AF_INET;
		found[i].address.sin_port = htons((uint16_t)(service ? atoi(service) : 0));
		found[i].address.sin_addr.s_addr = htonl(0x7f000000u | (unsigned)(last + i));
		found[i].info.ai_family = AF_INET;
		found[i].info.ai_socktype = SOCK_STREAM;
		found[i].info.ai_addr = (struct sockaddr *)&found[i].address;
		found[i].info.ai_addrlen = sizeof(found[i].address);
		found[i].info.ai_next = i + 1 < count ? &found[i + 1].info : NULL;
	}
	*out = &found->info;
	return 0;
}

void
freeaddrinfo(struct addrinfo *info)
{
	free(info);
}
