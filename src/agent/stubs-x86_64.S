/* SPDX-License-Identifier: MIT */
/* dlopen() and dlsym(): see stubs.c. At most three arguments are in use; RAX is free. */
	.text

	.macro stub name, which
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	endbr64
	push	%rdi
	.cfi_adjust_cfa_offset 8
	push	%rsi
	.cfi_adjust_cfa_offset 8
	push	%rdx
	.cfi_adjust_cfa_offset 8
	mov	$\which, %edi
	call	stub_target
	pop	%rdx
	.cfi_adjust_cfa_offset -8
	pop	%rsi
	.cfi_adjust_cfa_offset -8
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	test	%rax, %rax
	jz	1f
	jmp	*%rax
1:	ret
	.cfi_endproc
	.size	\name, . - \name
	.endm

	.hidden	stub_target
	stub	dlopen, 0
	stub	dlsym, 1

	.section .note.GNU-stack, "", @progbits
