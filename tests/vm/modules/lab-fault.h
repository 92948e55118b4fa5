/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults that a test switches on and off at run time through /sys/module/MODULE/parameters/. A task in one of the hang_*
 * loops is in state D, as in the real drivers, and goes on when the parameter is written back to 0.
 */
#ifndef LAB_FAULT_H
#define LAB_FAULT_H

#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>

#define LAB_KNOB(name, type, value, text)	\
	static type name = value;		\
	module_param(name, type, 0644);		\
	MODULE_PARM_DESC(name, text)

LAB_KNOB(hang_probe, bool, false, "probe() blocks until this is 0");
LAB_KNOB(hang_remove, bool, false, "remove() blocks until this is 0");
LAB_KNOB(hang_exit, bool, false, "module exit blocks until this is 0");
LAB_KNOB(warn, bool, false, "remove() has a message about its device, which journald looks up");
LAB_KNOB(fail_probe, uint, 0, "errno that probe() returns");
LAB_KNOB(probe_ms, uint, 0, "time that probe() takes");
LAB_KNOB(remove_ms, uint, 0, "time that remove() takes");
LAB_KNOB(exit_ms, uint, 0, "time that module exit takes");

/* A user inside the kernel that no device file shows: the module's reference count, and nothing else. */
static bool pin;

static int pin_set(const char *text, const struct kernel_param *kp)
{
	bool before = pin;
	int r = param_set_bool(text, kp);

	if (r || pin == before)
		return r;
	if (pin)
		__module_get(THIS_MODULE);
	else
		module_put(THIS_MODULE);
	return 0;
}

static const struct kernel_param_ops pin_ops = { .set = pin_set, .get = param_get_bool };
module_param_cb(pin, &pin_ops, &pin, 0644);
MODULE_PARM_DESC(pin, "the module is in use until this is 0");

static char fault_bdf[16];
module_param_string(fault_bdf, fault_bdf, sizeof(fault_bdf), 0644);
MODULE_PARM_DESC(fault_bdf, "probe and remove faults only for this PCI address");

static inline bool lab_fault_here(struct pci_dev *pdev)
{
	return fault_bdf[0] <= ' ' || !strncmp(fault_bdf, pci_name(pdev), strlen(pci_name(pdev)));
}

static inline void lab_hang(const bool *knob)
{
	while (READ_ONCE(*knob))
		msleep(20);
}

static inline int lab_fault_probe(struct pci_dev *pdev)
{
	if (!lab_fault_here(pdev))
		return 0;
	if (probe_ms)
		msleep(probe_ms);
	lab_hang(&hang_probe);
	return -(int)fail_probe;
}

static inline void lab_fault_remove(struct pci_dev *pdev)
{
	if (!lab_fault_here(pdev))
		return;
	if (remove_ms)
		msleep(remove_ms);
	if (warn)
		dev_warn(&pdev->dev, "lab: being removed\n");
	lab_hang(&hang_remove);
}

static inline void lab_fault_exit(void)
{
	if (exit_ms)
		msleep(exit_ms);
	lab_hang(&hang_exit);
}

#endif
