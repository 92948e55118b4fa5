// SPDX-License-Identifier: GPL-2.0
/* Stands for amdgpu: one module, PCI driver and KMS device in one; remove() does not wait for open files. */
#include <linux/module.h>
#include "lab-fault.h"
#include "lab-kms.h"

DEFINE_DRM_GEM_FOPS(amd_fops);

static const struct drm_driver amd_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &amd_fops,
	.name = "amdgpu",
	.desc = "hookd test bed",
	.date = "20240101",
	.major = 3,
	.minor = 0,
	DRM_GEM_SHMEM_DRIVER_OPS,
};

static int amd_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct lab_kms *kms;
	int r;

	r = lab_fault_probe(pdev);
	if (r)
		return r;
	r = pci_enable_device(pdev);
	if (r)
		return r;
	kms = lab_kms_create(&amd_drm_driver, pdev, true);
	if (IS_ERR(kms)) {
		pci_disable_device(pdev);
		return PTR_ERR(kms);
	}
	pci_set_drvdata(pdev, kms);
	return 0;
}

static void amd_remove(struct pci_dev *pdev)
{
	lab_fault_remove(pdev);
	lab_kms_destroy(pci_get_drvdata(pdev));
	pci_disable_device(pdev);
}

static const struct pci_device_id amd_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_ATI, PCI_ANY_ID), .class = PCI_CLASS_DISPLAY_VGA << 8, .class_mask = ~0 },
	{ }
};
MODULE_DEVICE_TABLE(pci, amd_ids);

static struct pci_driver amd_driver = {
	.name = "amdgpu",
	.id_table = amd_ids,
	.probe = amd_probe,
	.remove = amd_remove,
};

static int __init amd_init(void)
{
	return pci_register_driver(&amd_driver);
}
module_init(amd_init);

static void __exit amd_exit(void)
{
	lab_fault_exit();
	pci_unregister_driver(&amd_driver);
}
module_exit(amd_exit);

MODULE_DESCRIPTION("hookd test bed: stands for amdgpu");
MODULE_LICENSE("GPL");
