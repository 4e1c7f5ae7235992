/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A calculator in reverse Polish notation: "3 4 +" is 7. The stack is
 * kept between messages, because each connection has its own process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double stack[64];
static size_t depth;

/* Executes one word. Returns NULL, or an error message. */
static const char *
step(const char *word)
{
	char *end;
	double number = strtod(word, &end);

	if (*end == '\0') {
		if (depth == sizeof(stack) / sizeof(stack[0]))
			return "the stack is full";
		stack[depth++] = number;
		return NULL;
	}
	if (strcmp(word, "clear") == 0) {
		depth = 0;
		return NULL;
	}
	if (strlen(word) != 1 || strchr("+-*/", *word) == NULL)
		return "not a number, + - * / or clear";
	if (depth < 2)
		return "needs two numbers";

	double b = stack[--depth], *a = &stack[depth - 1];
	switch (*word) {
	case '+':
		*a += b;
		break;
	case '-':
		*a -= b;
		break;
	case '*':
		*a *= b;
		break;
	default:
		*a /= b;
		break;
	}
	return NULL;
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) != -1) {
		const char *wrong = NULL;
		char *rest = line, *word;

		while (wrong == NULL && (word = strsep(&rest, " \t\r\n")) != NULL) {
			if (*word != '\0' && (wrong = step(word)) != NULL)
				printf("%s: %s\n", word, wrong);
		}
		if (wrong == NULL) {
			printf("[");
			for (size_t i = 0; i < depth; i++)
				printf(" %.10g", stack[i]);
			printf(" ]\n");
		}
		fflush(stdout); /* stdio buffers output to a pipe */
	}
	free(line);
	return 0;
}
