/* SPDX-License-Identifier: MIT */
/* dlopen() and dlsym(): see stubs.c. At most three arguments are in use; t1 is free. */
	.text

	.macro stub name, which
	.globl	\name
	.type	\name, %function
	.p2align 2
\name:
	.cfi_startproc
	addi	sp, sp, -32
	.cfi_def_cfa_offset 32
	sd	ra, 24(sp)
	.cfi_offset ra, -8
	sd	a0, 0(sp)
	sd	a1, 8(sp)
	sd	a2, 16(sp)
	li	a0, \which
	call	stub_target
	mv	t1, a0
	ld	a0, 0(sp)
	ld	a1, 8(sp)
	ld	a2, 16(sp)
	ld	ra, 24(sp)
	.cfi_restore ra
	addi	sp, sp, 32
	.cfi_def_cfa_offset 0
	beqz	t1, 1f
	jr	t1
1:	li	a0, 0
	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.hidden	stub_target
	stub	dlopen, 0
	stub	dlsym, 1

	.section .note.GNU-stack, "", %progbits
