/* SPDX-License-Identifier: MIT */
/*
 * Where a tracer has a thread enter the agent: RDI is the struct attach_request, RSP the end of a
 * stack for it. Gives both back and leaves by rt_sigreturn(2), to what the request says.
 */
	.text
	.globl	attach_enter
	.hidden	attach_enter
	.type	attach_enter, @function
	.p2align 4
attach_enter:
	endbr64
	mov	%rdi, %rbx
	cld
	call	attach_run
	mov	(%rbx), %rsp
	mov	8(%rbx), %rdi
	mov	16(%rbx), %rsi
	mov	$11, %eax		/* munmap(2) */
	syscall
	mov	$15, %eax		/* rt_sigreturn(2) */
	syscall
	hlt
	.size	attach_enter, . - attach_enter
	.hidden	attach_run

	.section .note.GNU-stack, "", @progbits
