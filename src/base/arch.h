/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_H
#define MEMSEAL_BASE_ARCH_H

#if defined(__x86_64__) && defined(__LP64__)
#include "arch-x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "arch-aarch64.h"
#else
#error "memseal does not know the system calls of this architecture yet"
#endif

#endif
