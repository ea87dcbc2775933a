/* SPDX-License-Identifier: MIT */
/*
 * A key store: private keys live in the slots of a pool, which is locked, never dumped, and not
 * there in children. OpenSSL is given one only while it signs; the copy that it makes then is wiped
 * when the key object is freed.
 */
#include <errno.h>
#include <memseal.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_SIZE       32 /* Ed25519: private and public */
#define SIGNATURE_SIZE 64

static const unsigned char message[] = "pay Alice 5";

static int surprises;

__attribute__((noreturn)) static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, error ? strerror(error) : "OpenSSL refuses");
	exit(1);
}

/* Makes a key; the private half goes to a slot, and nowhere else. */
static unsigned char *new_key(struct memseal_pool *pool, unsigned char public_key[KEY_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char *slot = memseal_pool_get(pool);
	size_t size = KEY_SIZE, public_size = KEY_SIZE;

	if (!slot)
		fail("memseal_pool_get", errno);
	if (!key || EVP_PKEY_get_raw_private_key(key, slot, &size) != 1 ||
		EVP_PKEY_get_raw_public_key(key, public_key, &public_size) != 1)
		fail("a new key", 0);
	EVP_PKEY_free(key);
	return slot;
}

static void sign(const unsigned char *slot, unsigned char signature[SIGNATURE_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, slot, KEY_SIZE);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = SIGNATURE_SIZE;

	if (!key || !context || EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
		EVP_DigestSign(context, signature, &size, message, sizeof(message)) != 1)
		fail("signing", 0);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
}

static int is_valid(const unsigned char public_key[KEY_SIZE], const unsigned char *signature)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, KEY_SIZE);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int valid;

	if (!key || !context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) != 1)
		fail("verifying", 0);
	valid = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, message, sizeof(message)) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return valid;
}

static void expect(const char *what, int good)
{
	printf("%s: %s\n", what, good ? "yes" : "no");
	surprises += !good;
}

static void print_status(const struct memseal_pool *pool)
{
	struct memseal_pool_status status = { .size = sizeof(status) };
	int r = memseal_pool_status(pool, &status);

	if (r < 0)
		fail("memseal_pool_status", -r);
	printf("%zu slots, %zu in use\n", status.slots, status.used);
	expect("not swapped out", !!(status.holds & MEMSEAL_POOL_LOCKED));
	expect("in no core dump", !!(status.holds & MEMSEAL_POOL_NO_DUMP));
	expect("not in children", !!(status.holds & MEMSEAL_POOL_NO_FORK));
	expect("guarded", !!(status.holds & MEMSEAL_POOL_GUARDED));
	expect("sealed", !!(status.holds & MEMSEAL_POOL_SEALED));
}

/* A child reads where the key is in its parent. */
static int child_sees(const unsigned char *slot)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(*(volatile const unsigned char *)slot & 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("fork", errno);
	return !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static int is_wiped(const unsigned char *slot)
{
	for (int i = 0; i < KEY_SIZE; i++)
		if (slot[i])
			return 0;
	return 1;
}

static struct memseal_pool *new_pool(void)
{
	struct memseal_pool *pool;
	/* Rather no key store than one that does not keep these. */
	const struct memseal_pool_opts opts = {
		.size = sizeof(opts),
		.demand = MEMSEAL_POOL_LOCKED | MEMSEAL_POOL_NO_DUMP | MEMSEAL_POOL_NO_FORK |
			  MEMSEAL_POOL_GUARDED | MEMSEAL_POOL_SEALED,
	};
	int r = memseal_pool_new_opts(KEY_SIZE, 100, &opts, &pool);

	/* No mseal(2) here. A filter can do it, once the program agrees to what that costs. */
	if (r == -EOPNOTSUPP) {
		puts("this kernel has no mseal(2): a filter is used");
		r = memseal_filter_allow(MEMSEAL_EXEC_REFUSE);
		if (r == 0)
			r = memseal_pool_new_opts(KEY_SIZE, 100, &opts, &pool);
	}
	if (r < 0)
		fail("memseal_pool_new", -r);
	return pool;
}

int main(void)
{
	unsigned char public_key[KEY_SIZE], signature[SIGNATURE_SIZE];
	struct memseal_pool *pool = new_pool();
	unsigned char *slot = new_key(pool, public_key), *again;

	print_status(pool);
	sign(slot, signature);
	expect("the signature is valid", is_valid(public_key, signature));
	signature[0] ^= 1;
	expect("a changed one is not", !is_valid(public_key, signature));
	expect("a child does not see the key", !child_sees(slot));
	expect("the parent still does", !is_wiped(slot));

	memseal_pool_put(pool, slot);
	again = memseal_pool_get(pool);
	expect("what is put back is wiped", again && is_wiped(again));
	memseal_pool_put(pool, again);
	return surprises ? 1 : 0;
}
