/* SPDX-License-Identifier: GPL-2.0 */
/* What nvidia gives to nvidia-modeset, nvidia-drm and nvidia-uvm. */
#ifndef LAB_NVIDIA_H
#define LAB_NVIDIA_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/pci.h>

#define LAB_NV_MAJOR	195
#define LAB_NV_MODESET	254
#define LAB_NV_CTL	255

struct lab_nv_client {
	struct list_head list;
	bool hotplug;
	void (*probe)(struct pci_dev *pdev);
	void (*remove)(struct pci_dev *pdev);
};

/* A client sees the cards that are bound when it registers; with hotplug, those to come too. */
void lab_nv_client_register(struct lab_nv_client *client);
void lab_nv_client_unregister(struct lab_nv_client *client);

/* While a card is in use, remove() does not return. */
void lab_nv_use(struct pci_dev *pdev);
void lab_nv_unuse(struct pci_dev *pdev);

/* A device node whose open files and mappings count as use of the driver. */
struct lab_nv_node {
	dev_t devt;
	struct cdev *cdev;
};
int lab_nv_node_add(struct lab_nv_node *node, dev_t devt, const char *name, struct module *owner);
void lab_nv_node_del(struct lab_nv_node *node);

#endif
