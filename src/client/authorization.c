/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds header fields with a client's credentials. */
#include "client/authorization.h"

#include "base/base64.h"
#include "base/log.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Returns "NAME: SCHEME VALUE", with VALUE in base64 for Basic. */
static char *
authorization_line(const char *name, const char *scheme, struct span value)
{
	struct buffer out = {0};
	bool basic = strcmp(scheme, "Basic") == 0;
	bool ok = buffer_append(&out, name, strlen(name)) && buffer_append(&out, ": ", 2) &&
		  buffer_append(&out, scheme, strlen(scheme)) && buffer_append(&out, " ", 1);
	char *line;

	if (ok && basic)
		ok = base64_put(&out, (const uint8_t *)value.data, value.len);
	else if (ok)
		ok = buffer_append(&out, value.data, value.len);
	ok = ok && buffer_append(&out, "\r\n", 3);
	line = ok ? strdup((char *)buffer_data(&out)) : NULL;
	buffer_clear(&out);
	return line;
}

char *
authorization_of_url(const char *name, struct span user)
{
	struct buffer plain = {0};
	char *line = NULL;

	if (url_put_user(user, &plain) &&
	    (memchr(user.data, ':', user.len) || buffer_append(&plain, ":", 1)))
		line = authorization_line(name, "Basic",
		    (struct span){(char *)buffer_data(&plain), buffer_len(&plain)});
	buffer_clear(&plain);
	return line;
}

/* Returns what is wrong with the first line of a file, or NULL. */
static const char *
authorization_check(const char *scheme, struct span value)
{
	bool basic = strcmp(scheme, "Basic") == 0;

	if (value.len == 0)
		return "its first line is empty";
	if (basic && !memchr(value.data, ':', value.len))
		return "its first line must be USER:PASSWORD";
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		/* RFC 7617, section 2; RFC 6750, section 2.1, except for the alphabet. */
		if (c < ' ' || c == 0x7f || (!basic && (c == ' ' || c > 0x7f)))
			return basic ? "its first line has a control character"
				     : "its first line is not a token";
	}
	return NULL;
}

char *
authorization_of_file(const char *scheme, const char *path, const char **why)
{
	static char reason[512];
	char text[AUTHORIZATION_MAX + 1];
	FILE *file = fopen(path, "re");
	const char *wrong = NULL;
	char *line = NULL;
	struct stat st;

	if (!file || !fgets(text, sizeof(text), file))
		wrong = !file || ferror(file) ? strerror(errno) : "it is empty";
	if (!wrong && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IRGRP | S_IROTH)))
		log_warnx("%s is readable by other users; run chmod 600 %s", path, path);
	if (!wrong && strlen(text) == AUTHORIZATION_MAX)
		wrong = "its first line is too long";
	if (!wrong) {
		text[strcspn(text, "\r\n")] = '\0';
		wrong = authorization_check(scheme, span_of(text));
	}
	if (!wrong) {
		line = authorization_line("Authorization", scheme, span_of(text));
		wrong = "out of memory";
	}
	explicit_bzero(text, sizeof(text));
	if (file)
		fclose(file);
	snprintf(reason, sizeof(reason), "can't use the credentials in %s: %s", path, wrong);
	*why = reason;
	return line;
}
