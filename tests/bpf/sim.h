/* SPDX-License-Identifier: MIT */
/* The kernel's side of a seccomp filter: what it accepts, and what a program answers. */
#ifndef MEMSEAL_TESTS_BPF_SIM_H
#define MEMSEAL_TESTS_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The checks of bpf_check_classic(), check_load_and_stores() and seccomp_check_filter(): NULL, or
 * what is wrong with the instruction *ret_at.
 */
const char *sim_check(const struct sock_filter *program, size_t length, size_t *ret_at);

/* Runs a program that sim_check() accepted. *ret_steps, unless NULL: instructions run. */
uint32_t sim_run(
	const struct sock_filter *program, const struct seccomp_data *data, size_t *ret_steps);

/*
 * Is the call allowed whatever its arguments, as far as the kernel can tell when it loads the
 * program (seccomp_is_const_allow())? Such a call never runs the program.
 */
bool sim_always_allows(const struct sock_filter *program, uint32_t arch, int nr);

#endif
