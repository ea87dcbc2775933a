/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int early_answer(void);

int main(void)
{
	printf("early %d\n", early_answer());
	return early_answer() == 8 ? 0 : 1;
}
