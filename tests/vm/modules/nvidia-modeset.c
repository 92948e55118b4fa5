// SPDX-License-Identifier: GPL-2.0
/* The middle of the chain: /dev/nvidia-modeset, and a layer between nvidia-drm and nvidia. */
#include <linux/module.h>
#include "lab-nvidia.h"
#include "lab-nvidia-modeset.h"

static struct lab_nv_node node;

void lab_nvkms_register(struct lab_nv_client *client)
{
	lab_nv_client_register(client);
}
EXPORT_SYMBOL_GPL(lab_nvkms_register);

void lab_nvkms_unregister(struct lab_nv_client *client)
{
	lab_nv_client_unregister(client);
}
EXPORT_SYMBOL_GPL(lab_nvkms_unregister);

static int __init nv_modeset_init(void)
{
	return lab_nv_node_add(&node, MKDEV(LAB_NV_MAJOR, LAB_NV_MODESET), "nvidia-modeset", THIS_MODULE);
}
module_init(nv_modeset_init);

static void __exit nv_modeset_exit(void)
{
	lab_nv_node_del(&node);
}
module_exit(nv_modeset_exit);

MODULE_DESCRIPTION("hookd test bed: stands for nvidia-modeset");
MODULE_LICENSE("GPL");
