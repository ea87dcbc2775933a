/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"

#define REPLACEMENT 0xfffd

/*
 * The code point at p and its length; an invalid byte is a replacement character of length 1.
 * Refuses what RFC 3629 does: surrogates, more than U+10FFFF, longer forms than needed. The
 * terminating NUL is no continuation byte, so nothing behind it is read.
 */
static uint32_t decode(const unsigned char *p, size_t *ret_len)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *p < 0x80   ? 1
		     : *p < 0xc0 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf8 ? 4
				 : 0;
	uint32_t code = len == 1 ? *p : *p & (0x7fU >> len);

	*ret_len = 1;
	if (len <= 1)
		return len ? code : REPLACEMENT;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < lowest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return REPLACEMENT;
	*ret_len = len;
	return code;
}

char *json_string(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char *string = malloc(strlen(text) * strlen("\\u0000") + sizeof("\"\""));
	char *at = string;
	size_t len;

	if (!string)
		return NULL;
	*at++ = '"';
	for (; *p; p += len) {
		uint32_t code = decode(p, &len);

		if (code == '"' || code == '\\')
			at += sprintf(at, "\\%c", (char)code);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			at += sprintf(at, "\\u%04x", code);
		else if (code == REPLACEMENT)
			at += sprintf(at, "\xef\xbf\xbd");
		else
			at = (char *)memcpy(at, p, len) + len;
	}
	*at++ = '"';
	*at = '\0';
	return string;
}
