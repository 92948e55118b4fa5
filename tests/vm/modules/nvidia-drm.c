// SPDX-License-Identifier: GPL-2.0
/* Stands for nvidia-drm: a DRM device for each card that nvidia has bound. With modeset=1 it keeps the card in use. */
#include <linux/module.h>
#include "lab-kms.h"
#include "lab-nvidia.h"
#include "lab-nvidia-modeset.h"

#define LAB_GPUS 8

static bool modeset = true;
module_param(modeset, bool, 0444);
MODULE_PARM_DESC(modeset, "make DRM devices, and hold the card for as long as this module is loaded");

static bool fbdev = true;
module_param(fbdev, bool, 0444);
MODULE_PARM_DESC(fbdev, "framebuffer console");

static bool hotplug;
module_param(hotplug, bool, 0444);
MODULE_PARM_DESC(hotplug, "also serve cards that nvidia binds after this module was loaded");

static struct lab_kms *screens[LAB_GPUS];	/* nvidia calls us one at a time */

DEFINE_DRM_GEM_FOPS(nv_drm_fops);

static const struct drm_driver nv_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops = &nv_drm_fops,
	.name = "nvidia-drm",
	.desc = "hookd test bed",
	.date = "20240101",
	.major = 0,
	.minor = 0,
	DRM_GEM_SHMEM_DRIVER_OPS,
};

static void nv_drm_probe(struct pci_dev *pdev)
{
	struct lab_kms *kms;
	unsigned int i;

	for (i = 0; i < LAB_GPUS && screens[i]; i++)
		;
	if (!modeset || i == LAB_GPUS)
		return;
	kms = lab_kms_create(&nv_drm_driver, pdev, fbdev);
	if (IS_ERR(kms)) {
		dev_err(&pdev->dev, "nvidia-drm: no display: %ld\n", PTR_ERR(kms));
		return;
	}
	screens[i] = kms;
	lab_nv_use(pdev);
}

static void nv_drm_remove(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < LAB_GPUS; i++) {
		if (!screens[i] || screens[i]->pdev != pdev)
			continue;
		lab_kms_destroy(screens[i]);
		screens[i] = NULL;
		lab_nv_unuse(pdev);
	}
}

static struct lab_nv_client client = { .probe = nv_drm_probe, .remove = nv_drm_remove };

static int __init nv_drm_init(void)
{
	client.hotplug = hotplug;
	lab_nvkms_register(&client);
	return 0;
}
module_init(nv_drm_init);

static void __exit nv_drm_exit(void)
{
	lab_nvkms_unregister(&client);
}
module_exit(nv_drm_exit);

MODULE_DESCRIPTION("hookd test bed: stands for nvidia-drm");
MODULE_LICENSE("GPL");
