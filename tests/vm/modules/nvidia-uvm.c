// SPDX-License-Identifier: GPL-2.0
/* Stands for nvidia-uvm: its own node, its own major, on top of nvidia. */
#include <linux/module.h>
#include "lab-nvidia.h"

static struct lab_nv_node node;
static dev_t devt;

static int __init nv_uvm_init(void)
{
	int r = alloc_chrdev_region(&devt, 0, 1, "nvidia-uvm");

	if (r)
		return r;
	r = lab_nv_node_add(&node, devt, "nvidia-uvm", THIS_MODULE);
	if (r)
		unregister_chrdev_region(devt, 1);
	return r;
}
module_init(nv_uvm_init);

static void __exit nv_uvm_exit(void)
{
	lab_nv_node_del(&node);
	unregister_chrdev_region(devt, 1);
}
module_exit(nv_uvm_exit);

MODULE_DESCRIPTION("hookd test bed: stands for nvidia-uvm");
MODULE_LICENSE("GPL");
