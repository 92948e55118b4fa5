/* SPDX-License-Identifier: GPL-2.0 */
/* What nvidia-modeset gives to nvidia-drm. */
#ifndef LAB_NVIDIA_MODESET_H
#define LAB_NVIDIA_MODESET_H

#include "lab-nvidia.h"

void lab_nvkms_register(struct lab_nv_client *client);
void lab_nvkms_unregister(struct lab_nv_client *client);

#endif
