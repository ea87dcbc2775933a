/* SPDX-License-Identifier: MIT */
/* Built several times with another NUMBER. The table of pointers makes it RELRO worth the name. */
static int add(int x)
{
	return x + NUMBER;
}

static int subtract(int x)
{
	return x - NUMBER;
}

static int (*const volatile operations[])(int) = { add, subtract };

int plugin(int x)
{
	return operations[0](x) + operations[1](x);
}
