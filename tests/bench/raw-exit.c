/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The least that a process can be: no libc, no start-up code, it only exits. What the shim is measured against. */

void _start(void) __attribute__((noreturn, used));

void _start(void)
{
#if defined(__x86_64__)
        __asm__ volatile("xor %%edi, %%edi\n\tmov $60, %%eax\n\tsyscall" ::: "rax", "rdi", "rcx", "r11", "memory");
#elif defined(__aarch64__)
        __asm__ volatile("mov x0, #0\n\tmov x8, #93\n\tsvc #0" ::: "x0", "x8", "memory");
#else
#error "no exit without libc for this processor"
#endif
        __builtin_unreachable();
}
