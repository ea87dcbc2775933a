/* SPDX-License-Identifier: MIT */
/*
 * Every attack, family by family.
 *
 * Missing on purpose: MADV_HWPOISON and MADV_SOFT_OFFLINE, which take memory away from the whole
 * machine and want CAP_SYS_ADMIN.
 */
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/ptrace.h>

#include "base/uapi.h"
#include "attack/family.h"

const struct attack attack_catalogue[] = {
	{ "munmap", attack_munmap, ATTACK_WHOLE },
	{ "munmap-part", attack_munmap, ATTACK_PART },
	{ "munmap-around", attack_munmap, ATTACK_AROUND },

	{ "mmap-fixed", attack_map_fixed, ATTACK_WHOLE },
	{ "mmap-fixed-part", attack_map_fixed, ATTACK_PART },
	{ "mmap-fixed-around", attack_map_fixed, ATTACK_AROUND },
	{ "shmat-remap", attack_shmat, ATTACK_WHOLE },
	{ "shmat-remap-part", attack_shmat, ATTACK_PART },
	{ "remap-file-pages", attack_remap_file_pages, ATTACK_PART },

	{ "mremap-same", attack_mremap_same, 0 },
	{ "mremap-grow", attack_mremap_grow, 0 },
	{ "mremap-grow-away", attack_mremap_grow_away, 0 },
	{ "mremap-grow-neighbour", attack_mremap_grow_neighbour, 0 },
	{ "mremap-shrink", attack_mremap_shrink, 0 },
	{ "mremap-away", attack_mremap_away, ATTACK_WHOLE },
	{ "mremap-away-part", attack_mremap_away, ATTACK_PART },
	{ "mremap-dontunmap", attack_mremap_dontunmap, ATTACK_WHOLE },
	{ "mremap-dontunmap-part", attack_mremap_dontunmap, ATTACK_PART },
	{ "mremap-duplicate", attack_mremap_duplicate, 0 },
	{ "mremap-onto", attack_mremap_onto, 0 },
	{ "mremap-onto-dontunmap", attack_mremap_onto, MREMAP_DONTUNMAP },

	{ "mprotect-none", attack_mprotect, PROT_NONE },
	{ "mprotect-none-part", attack_mprotect_part, PROT_NONE },
	{ "mprotect-r", attack_mprotect, PROT_READ },
	{ "mprotect-rw", attack_mprotect, PROT_READ | PROT_WRITE },
	{ "mprotect-rw-part", attack_mprotect_part, PROT_READ | PROT_WRITE },
	{ "mprotect-rx", attack_mprotect, PROT_READ | PROT_EXEC },
	{ "mprotect-rwx", attack_mprotect, PROT_READ | PROT_WRITE | PROT_EXEC },
	{ "pkey-mprotect", attack_pkey_mprotect, true },
	{ "pkey-mprotect-no-key", attack_pkey_mprotect, false },

	{ "madv-dontneed", attack_madvise, MADV_DONTNEED },
	{ "madv-dontneed-locked", attack_madvise, MADV_DONTNEED_LOCKED },
	{ "madv-free", attack_madvise, MADV_FREE },
	{ "madv-remove", attack_madvise, MADV_REMOVE },
	{ "madv-dontfork", attack_madvise, MADV_DONTFORK },
	{ "madv-wipeonfork", attack_madvise, MADV_WIPEONFORK },
	{ "madv-guard-install", attack_madvise, MADV_GUARD_INSTALL },
	{ "madv-guard-remove", attack_madvise, MADV_GUARD_REMOVE },
	{ "madv-normal", attack_madvise, MADV_NORMAL },
	{ "madv-random", attack_madvise, MADV_RANDOM },
	{ "madv-sequential", attack_madvise, MADV_SEQUENTIAL },
	{ "madv-willneed", attack_madvise, MADV_WILLNEED },
	{ "madv-dofork", attack_madvise, MADV_DOFORK },
	{ "madv-keeponfork", attack_madvise, MADV_KEEPONFORK },
	{ "madv-mergeable", attack_madvise, MADV_MERGEABLE },
	{ "madv-unmergeable", attack_madvise, MADV_UNMERGEABLE },
	{ "madv-hugepage", attack_madvise, MADV_HUGEPAGE },
	{ "madv-nohugepage", attack_madvise, MADV_NOHUGEPAGE },
	{ "madv-collapse", attack_madvise_part, MADV_COLLAPSE },
	{ "madv-dontdump", attack_madvise, MADV_DONTDUMP },
	{ "madv-dodump", attack_madvise, MADV_DODUMP },
	{ "madv-cold", attack_madvise, MADV_COLD },
	{ "madv-pageout", attack_madvise, MADV_PAGEOUT },
	{ "madv-populate-read", attack_madvise, MADV_POPULATE_READ },
	{ "madv-populate-write", attack_madvise, MADV_POPULATE_WRITE },
	{ "pidfd-dontneed", attack_process_madvise, MADV_DONTNEED },
	{ "pidfd-free", attack_process_madvise, MADV_FREE },
	{ "pidfd-guard-install", attack_process_madvise, MADV_GUARD_INSTALL },
	{ "child-dontneed", attack_process_madvise_child, MADV_DONTNEED },
	{ "child-pageout", attack_process_madvise_child, MADV_PAGEOUT },
	{ "io-uring-dontneed", attack_io_uring_madvise, MADV_DONTNEED },
	{ "io-uring-free", attack_io_uring_madvise, MADV_FREE },
	{ "io-uring-remove", attack_io_uring_madvise, MADV_REMOVE },
	{ "io-uring-guard-install", attack_io_uring_madvise, MADV_GUARD_INSTALL },

	{ "uffd-register", attack_uffd_register, UFFDIO_REGISTER_MODE_MISSING },
	{ "uffd-register-wp", attack_uffd_register, UFFDIO_REGISTER_MODE_WP },
	{ "uffd-protect", attack_uffd_protect, 0 },
	{ "uffd-copy", attack_uffd_copy, false },
	{ "uffd-discard-copy", attack_uffd_copy, true },
	{ "uffd-move-to", attack_uffd_move_to, false },
	{ "uffd-discard-move-to", attack_uffd_move_to, true },
	{ "uffd-move-from", attack_uffd_move_from, 0 },

	{ "proc-mem", attack_proc_mem, 0 },
	{ "proc-mem-child", attack_proc_mem_child, 0 },
	{ "ptrace-poke", attack_ptrace_poke, PTRACE_POKEDATA },
	{ "ptrace-poke-text", attack_ptrace_poke, PTRACE_POKETEXT },
	{ "process-vm-writev", attack_vm_writev, 0 },
	{ "read-into", attack_read_into, 0 },

	{ "file-pwrite", attack_file_pwrite, 0 },
	{ "file-truncate", attack_file_truncate, 0 },
	{ "file-punch-hole", attack_file_punch, 0 },
	{ "file-map-writable", attack_file_map, 0 },
	{ "file-map-files", attack_file_map_files, 0 },
	{ "file-reopen", attack_file_reopen, 0 },
	{ "file-add-seals", attack_file_add_seals, F_SEAL_WRITE | F_SEAL_SHRINK },

	{ "fork-mprotect-rw", attack_fork_mprotect, PROT_READ | PROT_WRITE },
	{ "fork-munmap", attack_fork_munmap, ATTACK_WHOLE },
	{ "child-write", attack_fork_write, 0 },

	{ "mlock", attack_mlock, 0 },
	{ "munlock", attack_munlock, 0 },
	{ "mbind", attack_mbind, 0 },
	{ "move-pages", attack_move_pages, 0 },
	{ "msync", attack_msync, MS_SYNC },
	{ "msync-invalidate", attack_msync, MS_SYNC | MS_INVALIDATE },
};

const size_t attack_count = ARRAY_SIZE(attack_catalogue);
