/* SPDX-License-Identifier: MIT */
/* dlopen() and dlsym(): see stubs.c. All arguments are on the stack; EAX is free. */
	.text

	.macro stub name, which
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	sub	$8, %esp /* the stack is aligned at calls */
	.cfi_adjust_cfa_offset 8
	push	$\which
	.cfi_adjust_cfa_offset 4
	call	stub_target
	add	$12, %esp
	.cfi_adjust_cfa_offset -12
	test	%eax, %eax
	jz	1f
	jmp	*%eax
1:	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.hidden	stub_target
	stub	dlopen, 0
	stub	dlsym, 1

	.section .note.GNU-stack, "", @progbits
