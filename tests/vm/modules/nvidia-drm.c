// SPDX-License-Identifier: GPL-2.0
/* Stands for nvidia-drm: a DRM device for each card that nvidia has bound. With modeset=1 it keeps the card in use. */
#include <linux/backlight.h>
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

module_param_named(silent, lab_silent, uint, 0644);
MODULE_PARM_DESC(silent, "so often a connector is asked in vain after its driver has come");

static struct lab_kms *screens[LAB_GPUS];	/* nvidia calls us one at a time */
static struct backlight_device *panels[LAB_GPUS];

static int panel_update(struct backlight_device *panel)
{
	return 0;
}

static const struct backlight_ops panel_ops = { .update_status = panel_update };

static void panel_add(unsigned int i)
{
	const struct backlight_properties start = { .type = BACKLIGHT_RAW, .max_brightness = 100, .brightness = 50 };
	char name[16];

	if (panels[i] || !screens[i])
		return;
	snprintf(name, sizeof(name), "nvidia_%u", i);
	panels[i] = backlight_device_register(name, &screens[i]->pdev->dev, NULL, &panel_ops, &start);
	if (IS_ERR(panels[i]))
		panels[i] = NULL;
}

static void panel_remove(unsigned int i)
{
	backlight_device_unregister(panels[i]);	/* NULL is fine */
	panels[i] = NULL;
}

static bool backlight;

static int set_backlight(const char *value, const struct kernel_param *kp)
{
	int r = param_set_bool(value, kp);
	unsigned int i;

	for (i = 0; i < LAB_GPUS; i++) {
		if (backlight)
			panel_add(i);
		else
			panel_remove(i);
	}
	return r;
}

static const struct kernel_param_ops backlight_param = { .set = set_backlight, .get = param_get_bool };
module_param_cb(backlight, &backlight_param, &backlight, 0644);
MODULE_PARM_DESC(backlight, "each screen is a panel whose brightness starts at 50 of 100");

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
	if (backlight)
		panel_add(i);
	lab_nv_use(pdev);
}

static void nv_drm_remove(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < LAB_GPUS; i++) {
		if (!screens[i] || screens[i]->pdev != pdev)
			continue;
		panel_remove(i);
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
