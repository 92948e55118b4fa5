// SPDX-License-Identifier: GPL-2.0
/*
 * Stands for the proprietary nvidia module: device nodes, /proc/driver/nvidia, other modules on top, and a remove() that
 * cannot be interrupted and does not return while anybody uses the card.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "lab-fault.h"
#include "lab-nvidia.h"

#define LAB_GPUS 8

LAB_KNOB(wait_clients, bool, true, "remove() blocks while the card is in use; 0: its users are thrown out");

static bool need_card;
module_param(need_card, bool, 0444);
MODULE_PARM_DESC(need_card, "loading fails (ENODEV) when no card can be bound, as with the vendor's driver");

struct lab_gpu {
	struct pci_dev *pdev;
	unsigned int minor;
	atomic_t users;
	bool going;
	struct lab_nv_node node;
	struct proc_dir_entry *proc;
};

static DEFINE_MUTEX(lock);		/* gpus[], clients; never held while remove() waits */
static struct lab_gpu *gpus[LAB_GPUS];
static LIST_HEAD(clients);
static atomic_t driver_users;
static struct class *lab_class;
static struct page *lab_page;
static struct proc_dir_entry *proc_top, *proc_gpus;
static struct lab_nv_node ctl;

void lab_nv_use(struct pci_dev *pdev)
{
	struct lab_gpu *gpu = pci_get_drvdata(pdev);

	atomic_inc(&gpu->users);
}
EXPORT_SYMBOL_GPL(lab_nv_use);

void lab_nv_unuse(struct pci_dev *pdev)
{
	struct lab_gpu *gpu = pci_get_drvdata(pdev);

	atomic_dec(&gpu->users);
}
EXPORT_SYMBOL_GPL(lab_nv_unuse);

void lab_nv_client_register(struct lab_nv_client *client)
{
	unsigned int i;

	mutex_lock(&lock);
	list_add(&client->list, &clients);
	for (i = 0; i < LAB_GPUS; i++)
		if (gpus[i] && !gpus[i]->going)
			client->probe(gpus[i]->pdev);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(lab_nv_client_register);

void lab_nv_client_unregister(struct lab_nv_client *client)
{
	unsigned int i;

	mutex_lock(&lock);
	list_del(&client->list);
	for (i = 0; i < LAB_GPUS; i++)
		if (gpus[i])
			client->remove(gpus[i]->pdev);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(lab_nv_client_unregister);

static int node_open(struct inode *inode, struct file *file)
{
	unsigned int minor = iminor(inode);
	atomic_t *users = &driver_users;

	mutex_lock(&lock);
	if (imajor(inode) == LAB_NV_MAJOR && minor < LAB_GPUS)
		users = gpus[minor] && !gpus[minor]->going ? &gpus[minor]->users : NULL;
	if (users)
		atomic_inc(users);
	mutex_unlock(&lock);
	file->private_data = users;
	return users ? 0 : -ENODEV;
}

static int node_release(struct inode *inode, struct file *file)
{
	atomic_dec(file->private_data);
	return 0;
}

static int node_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vm_insert_page(vma, vma->vm_start, lab_page);
}

int lab_nv_node_add(struct lab_nv_node *node, dev_t devt, const char *name, struct module *owner)
{
	static const struct file_operations fops = {
		.owner = THIS_MODULE,
		.open = node_open,
		.release = node_release,
		.mmap = node_mmap,
		.llseek = noop_llseek,
	};
	struct device *dev;
	int r;

	node->devt = devt;
	node->cdev = cdev_alloc();
	if (!node->cdev)
		return -ENOMEM;
	node->cdev->ops = &fops;
	node->cdev->owner = owner;	/* an open file pins the module that owns the node */
	r = cdev_add(node->cdev, devt, 1);
	if (r)
		goto fail;
	dev = device_create(lab_class, NULL, devt, NULL, "%s", name);
	r = PTR_ERR_OR_ZERO(dev);
	if (r)
		goto fail;
	return 0;
fail:
	cdev_del(node->cdev);
	return r;
}
EXPORT_SYMBOL_GPL(lab_nv_node_add);

void lab_nv_node_del(struct lab_nv_node *node)
{
	device_destroy(lab_class, node->devt);
	cdev_del(node->cdev);
}
EXPORT_SYMBOL_GPL(lab_nv_node_del);

static int information_show(struct seq_file *m, void *v)
{
	struct lab_gpu *gpu = m->private;

	seq_puts(m, "Model: \t\t NVIDIA lab card\n");
	seq_puts(m, "Bus Type: \t PCIe\n");
	seq_printf(m, "Bus Location: \t %s\n", pci_name(gpu->pdev));
	seq_printf(m, "Device Minor: \t %u\n", gpu->minor);
	return 0;
}

static int nv_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct lab_nv_client *client;
	struct lab_gpu *gpu;
	char name[16];
	int r;

	r = lab_fault_probe(pdev);
	if (r)
		return r;
	r = pci_enable_device(pdev);
	if (r)
		return r;
	r = pci_request_region(pdev, 2, "nvidia");
	if (r)
		goto disable;
	r = -ENOMEM;
	gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		goto release;
	gpu->pdev = pdev;
	pci_set_drvdata(pdev, gpu);

	mutex_lock(&lock);
	while (gpu->minor < LAB_GPUS && gpus[gpu->minor])
		gpu->minor++;
	r = -ENOSPC;
	if (gpu->minor == LAB_GPUS)
		goto unlock;
	snprintf(name, sizeof(name), "nvidia%u", gpu->minor);
	r = lab_nv_node_add(&gpu->node, MKDEV(LAB_NV_MAJOR, gpu->minor), name, THIS_MODULE);
	if (r)
		goto unlock;
	gpus[gpu->minor] = gpu;
	gpu->proc = proc_mkdir(pci_name(pdev), proc_gpus);
	if (gpu->proc)
		proc_create_single_data("information", 0444, gpu->proc, information_show, gpu);
	list_for_each_entry(client, &clients, list)
		if (client->hotplug)
			client->probe(pdev);
	mutex_unlock(&lock);
	return 0;

unlock:
	mutex_unlock(&lock);
	pci_set_drvdata(pdev, NULL);
	kfree(gpu);
release:
	pci_release_region(pdev, 2);
disable:
	pci_disable_device(pdev);
	return r;
}

static void nv_remove(struct pci_dev *pdev)
{
	struct lab_gpu *gpu = pci_get_drvdata(pdev);
	struct lab_nv_client *client;

	mutex_lock(&lock);
	gpu->going = true;
	if (!wait_clients)
		list_for_each_entry(client, &clients, list)
			client->remove(pdev);
	mutex_unlock(&lock);

	if (atomic_read(&gpu->users) || atomic_read(&driver_users))
		dev_warn(&pdev->dev, "Attempting to remove device while it is in use\n");
	while (READ_ONCE(wait_clients) && (atomic_read(&gpu->users) || atomic_read(&driver_users)))
		msleep(50);
	lab_fault_remove(pdev);

	mutex_lock(&lock);
	list_for_each_entry(client, &clients, list)
		client->remove(pdev);
	proc_remove(gpu->proc);
	lab_nv_node_del(&gpu->node);
	gpus[gpu->minor] = NULL;
	pci_set_drvdata(pdev, NULL);
	mutex_unlock(&lock);

	/* wait_clients=0 lets files outlive the card; they count on, so it is not freed under them */
	if (!atomic_read(&gpu->users))
		kfree(gpu);
	pci_release_region(pdev, 2);
	pci_disable_device(pdev);
}

static const struct pci_device_id nv_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID), .class = PCI_CLASS_DISPLAY_VGA << 8, .class_mask = ~0 },
	{ PCI_DEVICE(PCI_VENDOR_ID_NVIDIA, PCI_ANY_ID), .class = PCI_CLASS_DISPLAY_3D << 8, .class_mask = ~0 },
	{ }
};
MODULE_DEVICE_TABLE(pci, nv_ids);

static struct pci_driver nv_driver = {
	.name = "nvidia",
	.id_table = nv_ids,
	.probe = nv_probe,
	.remove = nv_remove,
};

static char *nv_devnode(struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static bool any_gpu(void)
{
	unsigned int i;

	for (i = 0; i < LAB_GPUS; i++)
		if (READ_ONCE(gpus[i]))
			return true;
	return false;
}

static int __init nv_init(void)
{
	int r = -ENOMEM;

	lab_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!lab_page)
		return r;
	r = register_chrdev_region(MKDEV(LAB_NV_MAJOR, 0), 256, "nvidia");
	if (r)
		goto page;
	lab_class = class_create(THIS_MODULE, "nvidia");
	r = PTR_ERR_OR_ZERO(lab_class);
	if (r)
		goto region;
	lab_class->devnode = nv_devnode;
	proc_top = proc_mkdir("driver/nvidia", NULL);
	proc_gpus = proc_mkdir("gpus", proc_top);
	r = lab_nv_node_add(&ctl, MKDEV(LAB_NV_MAJOR, LAB_NV_CTL), "nvidiactl", THIS_MODULE);
	if (r)
		goto class;
	r = pci_register_driver(&nv_driver);
	if (r)
		goto node;
	if (need_card && !any_gpu()) {
		pr_err("NVRM: No NVIDIA devices probed.\n");
		r = -ENODEV;
		goto driver;
	}
	return 0;

driver:
	pci_unregister_driver(&nv_driver);
node:
	lab_nv_node_del(&ctl);
class:
	proc_remove(proc_top);
	class_destroy(lab_class);
region:
	unregister_chrdev_region(MKDEV(LAB_NV_MAJOR, 0), 256);
page:
	__free_page(lab_page);
	return r;
}
module_init(nv_init);

static void __exit nv_exit(void)
{
	lab_fault_exit();
	pci_unregister_driver(&nv_driver);
	lab_nv_node_del(&ctl);
	proc_remove(proc_top);
	class_destroy(lab_class);
	unregister_chrdev_region(MKDEV(LAB_NV_MAJOR, 0), 256);
	__free_page(lab_page);
}
module_exit(nv_exit);

MODULE_DESCRIPTION("hookd test bed: stands for the proprietary nvidia module");
MODULE_LICENSE("GPL");
