/* SPDX-License-Identifier: MIT */
/* dlopen() and dlsym(): see stubs.c. At most three arguments are in use; x16 is for veneers. */
	.text

	.macro stub name, which
	.globl	\name
	.type	\name, %function
	.p2align 4
\name:
	.cfi_startproc
	hint	#34 // bti c
	stp	x29, x30, [sp, #-48]!
	.cfi_def_cfa_offset 48
	.cfi_offset x29, -48
	.cfi_offset x30, -40
	stp	x0, x1, [sp, #16]
	str	x2, [sp, #32]
	mov	w0, #\which
	bl	stub_target
	mov	x16, x0
	ldp	x0, x1, [sp, #16]
	ldr	x2, [sp, #32]
	ldp	x29, x30, [sp], #48
	.cfi_restore x29
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	cbz	x16, 1f
	br	x16
1:	mov	x0, #0
	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.hidden	stub_target
	stub	dlopen, 0
	stub	dlsym, 1

	.section .note.GNU-stack, "", %progbits
