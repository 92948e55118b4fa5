/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operating system of a nested guest: a multiboot kernel that looks for the passed-through VGA device and paints its
 * screen, so that a photograph shows who has the card. Nothing else runs; the guest then halts. With "button" at the end of
 * its command line it waits, busily, for the power button (virsh shutdown) and turns the machine off: q35 with SeaBIOS.
 */
#include <stdint.h>

__attribute__((section(".multiboot"), used)) static const uint32_t header[] = {0x1BADB002, 0, -0x1BADB002u};

static uint8_t stack[4096] __attribute__((aligned(16), used));

__asm__(".globl _start\n_start:\n\tmov $stack + 4096, %esp\n\tpush %ebx\n\tcall paint\n1:\thlt\n\tjmp 1b\n");

static void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
static void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
static uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static uint32_t pci_read(unsigned int bus, unsigned int devfn, unsigned int reg)
{
	outl(0xcf8, 0x80000000u | bus << 16 | devfn << 8 | reg);
	return inl(0xcfc);
}

static void pci_write(unsigned int bus, unsigned int devfn, unsigned int reg, uint32_t v)
{
	outl(0xcf8, 0x80000000u | bus << 16 | devfn << 8 | reg);
	outl(0xcfc, v);
}

/* 5 x 7 letters, a bit a dot, top row first */
static const struct { char c; uint8_t row[7]; } font[] = {
	{'G', {14, 17, 16, 23, 17, 17, 14}}, {'U', {17, 17, 17, 17, 17, 17, 14}}, {'E', {31, 16, 16, 30, 16, 16, 31}},
	{'S', {15, 16, 16, 14, 1, 1, 30}},   {'T', {31, 4, 4, 4, 4, 4, 4}},       {'H', {17, 17, 17, 31, 17, 17, 17}},
	{'A', {14, 17, 17, 31, 17, 17, 17}}, {'C', {14, 17, 16, 16, 16, 17, 14}}, {'R', {30, 17, 17, 30, 20, 18, 17}},
	{'D', {30, 17, 17, 17, 17, 17, 30}},
};

static void text(uint32_t *fb, int x, int y, int scale, const char *s)
{
	for (; *s; s++, x += 6 * scale)
		for (unsigned int f = 0; f < sizeof(font) / sizeof(font[0]); f++)
			for (int i = 0; font[f].c == *s && i < 35 * scale * scale; i++) {
				int px = i % (5 * scale), py = i / (5 * scale);

				if (font[f].row[py / scale] & (16 >> px / scale))
					fb[(y + py) * 1024 + x + px] = 0xffffff;
			}
}

static void paint_on(uint32_t *fb, volatile uint16_t *dispi, volatile uint8_t *vga)
{
	dispi[4] = 0;
	dispi[1] = dispi[6] = 1024;
	dispi[2] = dispi[7] = 768;
	dispi[3] = 32;
	dispi[8] = dispi[9] = 0;
	dispi[4] = 0x41;
	(void)vga[0x3da - 0x3c0];
	vga[0] = 0x20;
	for (int i = 0; i < 1024 * 768; i++)
		fb[i] = 0x204060 + ((i / 1024 / 6) << 8);
	text(fb, 190, 300, 12, "THE GUEST");
	text(fb, 80, 420, 12, "HAS THE CARD");
}

static int waits_for_button(const char *words)
{
	static const char button[] = " button";
	const char *end = words;

	while (*end)
		end++;
	for (int i = sizeof(button) - 2; i >= 0; i--)
		if (end == words || *--end != button[i])
			return 0;
	return 1;
}

/* info: multiboot's; flags, then the command line as its fifth word */
__attribute__((used)) void paint(const uint32_t *info)
{
	for (unsigned int bus = 0; bus < 32; bus++)
		for (unsigned int devfn = 0; devfn < 256; devfn++) {
			uint32_t id = pci_read(bus, devfn, 0), fb, regs;

			if (id == 0xffffffffu || pci_read(bus, devfn, 8) >> 16 != 0x0300)
				continue;
			fb = pci_read(bus, devfn, 0x10) & ~15u;
			regs = pci_read(bus, devfn, 0x18) & ~15u;
			if (!fb || !regs)
				continue;
			pci_write(bus, devfn, 4, pci_read(bus, devfn, 4) | 2);
			paint_on((uint32_t *)fb, (volatile uint16_t *)(regs + 0x500), (volatile uint8_t *)(regs + 0x400));
		}
	if (info[0] & 4 && waits_for_button((const char *)info[4])) {
		outw(0x602, 0x100); /* PM1_EN: the power button */
		while (!(inw(0x600) & 0x100)) /* PM1_STS */
			;
		outw(0x604, 0x2000); /* PM1_CNT: S5 */
	}
}
