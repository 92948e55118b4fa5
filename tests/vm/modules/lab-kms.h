/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small KMS device on QEMU's VGA: shmem buffers, copied on damage into the linear framebuffer (BAR 0), mode set through
 * the dispi registers (BAR 2, from 0x500). Included by each module that drives a screen.
 */
#ifndef LAB_KMS_H
#define LAB_KMS_H

#include <drm/drm_aperture.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_fb_helper.h>
#include <drm/drm_format_helper.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_simple_kms_helper.h>
#include <linux/pci.h>

#define LAB_DISPI	0x500	/* 16-bit registers, two bytes apart */
#define LAB_XRES	1
#define LAB_YRES	2
#define LAB_BPP		3
#define LAB_ENABLE	4	/* 0x41: on, linear framebuffer */
#define LAB_VIRT_WIDTH	6
#define LAB_VIRT_HEIGHT	7
#define LAB_X_OFFSET	8
#define LAB_Y_OFFSET	9
#define LAB_VGA(port)	(0x400 + (port) - 0x3c0)

struct lab_kms {
	struct drm_device *drm;
	struct pci_dev *pdev;
	void __iomem *fb, *regs;
	resource_size_t fb_size;
	struct drm_simple_display_pipe pipe;
	struct drm_connector connector;
	unsigned int asked;
};

static unsigned int lab_silent;	/* so often a connector is asked in vain after its driver has come */

static inline void lab_dispi(struct lab_kms *kms, unsigned int reg, u16 value)
{
	writew(value, kms->regs + LAB_DISPI + reg * 2);
}

static int lab_get_modes(struct drm_connector *connector)
{
	int n = drm_add_modes_noedid(connector, 1280, 1024);

	drm_set_preferred_mode(connector, 1024, 768);
	return n;
}

static enum drm_connector_status lab_detect(struct drm_connector *connector, bool force)
{
	struct lab_kms *kms = container_of(connector, struct lab_kms, connector);

	return kms->asked++ < lab_silent ? connector_status_disconnected : connector_status_connected;
}

static const struct drm_connector_helper_funcs lab_connector_helper = { .get_modes = lab_get_modes };

static const struct drm_connector_funcs lab_connector_funcs = {
	.detect = lab_detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

static void lab_copy(struct lab_kms *kms, struct drm_plane_state *state, const struct drm_rect *clip)
{
	struct drm_shadow_plane_state *shadow = to_drm_shadow_plane_state(state);
	struct drm_framebuffer *fb = state->fb;
	unsigned int pitch = fb->width * 4;
	struct iosys_map dst;

	iosys_map_set_vaddr_iomem(&dst, kms->fb + drm_fb_clip_offset(pitch, fb->format, clip));
	drm_fb_memcpy(&dst, &pitch, shadow->data, fb, clip);
}

static void lab_pipe_enable(struct drm_simple_display_pipe *pipe, struct drm_crtc_state *crtc,
			    struct drm_plane_state *plane)
{
	struct lab_kms *kms = pipe->crtc.dev->dev_private;
	const struct drm_display_mode *mode = &crtc->mode;
	struct drm_rect all;
	int idx;

	if (!drm_dev_enter(kms->drm, &idx))
		return;
	lab_dispi(kms, LAB_ENABLE, 0);
	lab_dispi(kms, LAB_BPP, 32);
	lab_dispi(kms, LAB_XRES, mode->hdisplay);
	lab_dispi(kms, LAB_YRES, mode->vdisplay);
	lab_dispi(kms, LAB_VIRT_WIDTH, plane->fb->width);
	lab_dispi(kms, LAB_VIRT_HEIGHT, plane->fb->height);
	lab_dispi(kms, LAB_X_OFFSET, 0);
	lab_dispi(kms, LAB_Y_OFFSET, 0);
	lab_dispi(kms, LAB_ENABLE, 0x41);
	readb(kms->regs + LAB_VGA(0x3da));		/* attribute controller: next write is an index */
	writeb(0x20, kms->regs + LAB_VGA(0x3c0));	/* unblank */

	drm_rect_init(&all, 0, 0, plane->fb->width, plane->fb->height);
	lab_copy(kms, plane, &all);
	drm_dev_exit(idx);
}

static void lab_pipe_disable(struct drm_simple_display_pipe *pipe)
{
	struct lab_kms *kms = pipe->crtc.dev->dev_private;
	int idx;

	if (!drm_dev_enter(kms->drm, &idx))
		return;
	readb(kms->regs + LAB_VGA(0x3da));
	writeb(0, kms->regs + LAB_VGA(0x3c0));
	drm_dev_exit(idx);
}

static void lab_pipe_update(struct drm_simple_display_pipe *pipe, struct drm_plane_state *old)
{
	struct lab_kms *kms = pipe->crtc.dev->dev_private;
	struct drm_plane_state *state = pipe->plane.state;
	struct drm_rect clip;
	int idx;

	if (!state->fb || !pipe->crtc.state->active || !drm_dev_enter(kms->drm, &idx))
		return;
	if (old->fb && old->fb->width != state->fb->width)
		lab_dispi(kms, LAB_VIRT_WIDTH, state->fb->width);
	if (drm_atomic_helper_damage_merged(old, state, &clip))
		lab_copy(kms, state, &clip);
	drm_dev_exit(idx);
}

static const struct drm_simple_display_pipe_funcs lab_pipe_funcs = {
	.enable = lab_pipe_enable,
	.disable = lab_pipe_disable,
	.update = lab_pipe_update,
	DRM_GEM_SIMPLE_DISPLAY_PIPE_SHADOW_PLANE_FUNCS,
};

static enum drm_mode_status lab_mode_valid(struct drm_device *drm, const struct drm_display_mode *mode)
{
	struct lab_kms *kms = drm->dev_private;

	return mode->hdisplay * mode->vdisplay * 4 > kms->fb_size ? MODE_MEM : MODE_OK;
}

static const struct drm_mode_config_funcs lab_mode_config = {
	.fb_create = drm_gem_fb_create_with_dirty,
	.mode_valid = lab_mode_valid,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

static int lab_kms_setup(struct lab_kms *kms)
{
	static const u32 formats[] = { DRM_FORMAT_XRGB8888 };
	struct drm_device *drm = kms->drm;
	int r;

	r = drmm_mode_config_init(drm);
	if (r)
		return r;
	drm->mode_config.max_width = drm->mode_config.max_height = 4096;
	drm->mode_config.preferred_depth = 24;
	drm->mode_config.prefer_shadow = 1;
	drm->mode_config.funcs = &lab_mode_config;

	drm_connector_helper_add(&kms->connector, &lab_connector_helper);
	r = drm_connector_init(drm, &kms->connector, &lab_connector_funcs, DRM_MODE_CONNECTOR_HDMIA);
	if (r)
		return r;
	r = drm_simple_display_pipe_init(drm, &kms->pipe, &lab_pipe_funcs, formats, ARRAY_SIZE(formats), NULL,
					 &kms->connector);
	if (r)
		return r;
	drm_plane_enable_fb_damage_clips(&kms->pipe.plane);
	drm_mode_config_reset(drm);
	return drm_dev_register(drm, 0);
}

/*
 * Not devm: the DRM device belongs to a module that may go while the PCI device stays bound (nvidia_drm), or that may go
 * only after its PCI device (amdgpu with an open file).
 */
static struct lab_kms *lab_kms_create(const struct drm_driver *driver, struct pci_dev *pdev, bool fbdev)
{
	struct drm_device *drm;
	struct lab_kms *kms;
	int r;

	r = drm_aperture_remove_conflicting_pci_framebuffers(pdev, driver);
	if (r)
		return ERR_PTR(r);

	drm = drm_dev_alloc(driver, &pdev->dev);
	if (IS_ERR(drm))
		return ERR_CAST(drm);

	r = -ENOMEM;
	kms = drmm_kzalloc(drm, sizeof(*kms), GFP_KERNEL);
	if (!kms)
		goto put;
	drm->dev_private = kms;
	kms->drm = drm;
	kms->pdev = pdev;
	kms->fb_size = pci_resource_len(pdev, 0);

	r = pci_request_region(pdev, 0, driver->name);
	if (r)
		goto put;
	r = -ENOMEM;
	kms->fb = ioremap_wc(pci_resource_start(pdev, 0), kms->fb_size);
	kms->regs = ioremap(pci_resource_start(pdev, 2), pci_resource_len(pdev, 2));
	if (!kms->fb || !kms->regs)
		goto unmap;

	r = lab_kms_setup(kms);
	if (r)
		goto unmap;
	if (fbdev)
		drm_fbdev_generic_setup(drm, 32);
	return kms;

unmap:
	if (kms->fb)
		iounmap(kms->fb);
	if (kms->regs)
		iounmap(kms->regs);
	pci_release_region(pdev, 0);
put:
	drm_dev_put(drm);
	return ERR_PTR(r);
}

static void lab_kms_destroy(struct lab_kms *kms)
{
	drm_dev_unplug(kms->drm);
	drm_atomic_helper_shutdown(kms->drm);
	iounmap(kms->fb);
	iounmap(kms->regs);
	pci_release_region(kms->pdev, 0);
	drm_dev_put(kms->drm);
}

#endif
