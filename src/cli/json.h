/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_CLI_JSON_H
#define MEMSEAL_CLI_JSON_H

/*
 * A JSON string, quotes included, out of any bytes: what is not UTF-8 becomes U+FFFD, and control
 * characters are escaped, DEL and C1 (which JSON would allow) too, so that they do not reach a
 * terminal. To be freed; NULL without memory.
 */
char *json_string(const char *text);

#endif
