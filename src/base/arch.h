/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_H
#define MEMSEAL_BASE_ARCH_H

#if defined(__x86_64__) && defined(__LP64__)
#include "arch-x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "arch-aarch64.h"
#elif defined(__riscv) && __riscv_xlen == 64
#include "arch-riscv64.h"
#elif defined(__arm__) && defined(__ARM_EABI__)
#include "arch-arm.h"
#elif defined(__i386__)
#include "arch-i386.h"
#else
#error "memseal does not know the system calls of this architecture yet"
#endif

#endif
