/* SPDX-License-Identifier: MIT */
#ifndef MEMSEAL_BASE_ARCH_H
#define MEMSEAL_BASE_ARCH_H

#if defined(__x86_64__) && defined(__LP64__)
#include "base/arch-x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "base/arch-aarch64.h"
#elif defined(__riscv) && __riscv_xlen == 64
#include "base/arch-riscv64.h"
#elif defined(__arm__) && defined(__ARM_EABI__)
#include "base/arch-arm.h"
#elif defined(__i386__)
#include "base/arch-i386.h"
#else
#error "memseal does not know the system calls of this architecture yet"
#endif

#endif
