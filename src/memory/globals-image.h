/* SPDX-License-Identifier: MIT */
/*
 * Where marked variables came to lie is for the linker to say, and not all that can go wrong there
 * is an error of its own. So the image is asked before anything is frozen.
 */
#ifndef MEMSEAL_MEMORY_GLOBALS_IMAGE_H
#define MEMSEAL_MEMORY_GLOBALS_IMAGE_H

#include "base/util.h"

/*
 * Do the pages [start, end) lie in writable data of one loaded image, and are they all there is of
 * every variable in them?
 *
 * -ENOEXEC   no image has them in its writable data, or part of them in RELRO or in the template of
 *            thread-local variables, or its headers are damaged
 * -ENOTUNIQ  a shared library exports one of the variables, so that another image may have its own
 */
int globals_image_check(uint64_t start, uint64_t end) MUST_CHECK;

#endif
