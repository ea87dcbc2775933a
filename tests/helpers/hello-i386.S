/* SPDX-License-Identifier: MIT */
/* A 32-bit program without a C library: prints a line and waits. */
#define __NR_write 4
#define __NR_pause 29

	.globl	_start
_start:
	mov	$__NR_write, %eax
	mov	$1, %ebx
	mov	$newline, %ecx
	mov	$1, %edx
	int	$0x80
1:	mov	$__NR_pause, %eax
	int	$0x80
	jmp	1b

	.section .rodata
newline:
	.ascii	"\n"

	.data
	.long	1

	.section .note.GNU-stack, "", @progbits
