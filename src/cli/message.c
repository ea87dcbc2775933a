/* SPDX-License-Identifier: MIT */
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *title = "memseal";
static int usage_status;

void set_title(const char *command, int status)
{
	title = command;
	usage_status = status;
}

static void vcomplain(const char *fmt, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, args);
	fprintf(stderr, "%s: %s\n", title, line);
}

void complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(fmt, args);
	va_end(args);
}

void die(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(fmt, args);
	va_end(args);
	exit(status);
}

struct quoted quote(const char *text)
{
	struct quoted ret = { "'" };
	size_t len = 1;

	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (len + sizeof("\\xff...'") > sizeof(ret.text)) {
			len += (size_t)sprintf(ret.text + len, "...");
			break;
		}
		/* Bytes above ASCII too: in UTF-8, C1 controls hide there. */
		if (*p < 0x20 || *p >= 0x7f)
			len += (size_t)sprintf(ret.text + len, "\\x%02x", *p);
		else
			ret.text[len++] = (char)*p;
	}
	strcpy(ret.text + len, "'");
	return ret;
}

int next_option(int argc, char **argv, const char *shorts, const struct option *longs)
{
	char letter[] = "-?";
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	if (c == ':')
		die(usage_status, "option %s needs a value", quote(argv[optind - 1]).text);
	if (c != '?')
		return c;
	/* optopt is an unknown letter, or 0 or a known one if it was a long option. */
	letter[1] = (char)optopt;
	die(usage_status, "invalid option %s: see %s --help",
		quote(optopt && !strchr(shorts, optopt) ? letter : argv[optind - 1]).text, title);
}
