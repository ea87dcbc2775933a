/* SPDX-License-Identifier: MIT */
/* The initializer of an array of numbers.h. An unknown __NR_ macro stays as it is: text. */
#define TEXT(text)         #text
#define TEXT_OF(macro)     TEXT(macro)
#define NUMBER(NAME, name) [N_##NAME] = TEXT_OF(__NR_##name)

NUMBER(BRK, brk), NUMBER(EXECVE, execve), NUMBER(EXECVEAT, execveat), NUMBER(IOCTL, ioctl),
	NUMBER(IO_URING_ENTER, io_uring_enter), NUMBER(IO_URING_REGISTER, io_uring_register),
	NUMBER(IO_URING_SETUP, io_uring_setup), NUMBER(IPC, ipc), NUMBER(MADVISE, madvise),
	NUMBER(MAP_SHADOW_STACK, map_shadow_stack), NUMBER(MEMFD_CREATE, memfd_create),
	NUMBER(MMAP, mmap), NUMBER(MMAP2, mmap2), NUMBER(MPROTECT, mprotect),
	NUMBER(MREMAP, mremap), NUMBER(MSEAL, mseal), NUMBER(MUNMAP, munmap),
	NUMBER(PERSONALITY, personality), NUMBER(PKEY_MPROTECT, pkey_mprotect),
	NUMBER(PRCTL, prctl), NUMBER(PROCESS_MADVISE, process_madvise),
	NUMBER(REMAP_FILE_PAGES, remap_file_pages), NUMBER(SHMAT, shmat), NUMBER(SHMDT, shmdt),
	NUMBER(USELIB, uselib), NUMBER(USERFAULTFD, userfaultfd),
