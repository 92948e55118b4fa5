// SPDX-License-Identifier: GPL-2.0
/*
 * Gives emulated PCI functions the ids of real hardware, so that udev, libvirt and the drivers see a vendor's card.
 * Only struct pci_dev is changed; config space keeps the emulated device's own ids. The bus notifier runs before the
 * add uevent and before any driver is matched, so a device that was removed and rescanned gets its ids again.
 *
 * hang_del blocks the removal of such a function for as long as it is set.
 *
 * The class must not be faked: vgaarb and vfio-pci look at what the device was when it appeared.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pci.h>

#define LAB_IDS 16

static char *map = "";
module_param(map, charp, 0444);
MODULE_PARM_DESC(map, "0000:01:00.0=10de:2484,0000:01:00.1=10de:228b,...");

static bool hang_del;
module_param(hang_del, bool, 0644);
MODULE_PARM_DESC(hang_del, "writing to `remove` of a function in the map does not return until this is 0");

static struct lab_id {
	unsigned int domain, bus, slot, func, vendor, device;
} ids[LAB_IDS];
static unsigned int n_ids;

static const struct lab_id *find(const struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < n_ids; i++) {
		const struct lab_id *id = &ids[i];

		if (pci_domain_nr(pdev->bus) == id->domain && pdev->bus->number == id->bus &&
		    pdev->devfn == PCI_DEVFN(id->slot, id->func))
			return id;
	}
	return NULL;
}

static void rewrite(struct pci_dev *pdev)
{
	const struct lab_id *id = find(pdev);

	if (!id)
		return;
	pdev->vendor = id->vendor;
	pdev->device = id->device;
}

static int notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev((struct device *)data);

	if (action == BUS_NOTIFY_ADD_DEVICE)
		rewrite(pdev);
	/* in state D, with the lock of all removals and rescans */
	while (action == BUS_NOTIFY_DEL_DEVICE && READ_ONCE(hang_del) && find(pdev))
		msleep(20);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = notify };

static int __init fakegpu_id_init(void)
{
	struct pci_dev *pdev = NULL;
	const char *p = map;
	int used;

	while (*p) {
		struct lab_id *id = &ids[n_ids];

		if (n_ids == LAB_IDS ||
		    sscanf(p, "%x:%x:%x.%x=%x:%x%n", &id->domain, &id->bus, &id->slot, &id->func,
			   &id->vendor, &id->device, &used) != 6)
			return -EINVAL;
		n_ids++;
		p += used;
		if (*p == ',')
			p++;
	}

	bus_register_notifier(&pci_bus_type, &notifier);
	for_each_pci_dev(pdev)
		rewrite(pdev);
	return 0;
}
module_init(fakegpu_id_init);	/* no exit: ids stay for as long as the machine runs */

MODULE_DESCRIPTION("hookd test bed: PCI ids of real hardware on emulated devices");
MODULE_LICENSE("GPL");
