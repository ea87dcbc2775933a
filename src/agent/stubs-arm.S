/* SPDX-License-Identifier: MIT */
/* dlopen() and dlsym(): see stubs.c. At most three arguments are in use; r12 is for veneers. */
	.syntax unified
	.text
	.arm

	.macro stub name, which
	.globl	\name
	.type	\name, %function
	.p2align 2
\name:
	push	{r0, r1, r2, lr}
	mov	r0, #\which
	bl	stub_target
	mov	r12, r0
	pop	{r0, r1, r2, lr}
	cmp	r12, #0
	bxne	r12
	mov	r0, #0
	bx	lr
	.size	\name, . - \name
	.endm

	.hidden	stub_target
	stub	dlopen, 0
	stub	dlsym, 1

	.section .note.GNU-stack, "", %progbits
