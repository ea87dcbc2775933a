# SPDX-License-Identifier: MIT
# The just-in-time compiler: what it prints, the plain memory beside the code region.

bats_require_minimum_version 1.5.0

setup() {
	[ -x "$BUILD/examples/jit-tcc" ] || skip "libtcc was not there when this was built"
	PATH=$BUILD/tests:$BUILD/examples:$PATH
}

# What it prints; $1 is what mprotect(2) answers: the kernel, that it never was writable memory.
printed() {
	cat <<-END
		allocated: rw-p
		libtcc wants it executable: rw-p
		libtcc wants it executable: rw-p
		published: r-xs
		fib(20) = 6765
		plain: r-xp
		mprotect to writable: plain memory done, code region $1
		munmap: plain memory done, code region EPERM
		mmap over it: plain memory done, code region EPERM
		/proc/self/mem: plain memory done, code region EIO
		fib(20) = 6765
		mappings ever seen writable and executable: 0
	END
}

@test "code that libtcc compiled is published, runs, and stays" {
	diff <(printed EACCES) <(jit-tcc)
}

@test "the same by the filter, where there is no mseal" {
	diff <(printed EPERM) <(deny-syscall 462 38 jit-tcc)
}

# As libtcc's own program does it.
writable_code() {
	cc -x c - -o "$BATS_TEST_TMPDIR/writable-code" <<-'END'
		#include <sys/mman.h>

		int main(void)
		{
			void *mem = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			return mprotect(mem, 4096, 7) != 0;
		}
	END
	"$@" "$BATS_TEST_TMPDIR/writable-code"
}

@test "no memory is writable and executable at any time" {
	writable_code
	run -159 writable_code no-writable-code # SIGSYS
	diff <(printed EACCES) <(no-writable-code jit-tcc)
	diff <(printed EPERM) <(no-writable-code deny-syscall 462 38 jit-tcc)
}
