/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The order of the steps, as data. The way back is no mirror image of the way there: a rescan loses overrides and
 * power settings, and the vendor's module does not load while its only card is on vfio-pci (nvidia.ko: -ENODEV, "No
 * NVIDIA devices probed"), nor does its display module see a card that comes after it. So the driver goes first and
 * loads the module that it is in; the rest of the chain follows. 0: not in that direction. */

enum {
        FORWARD_SCRIPTS = 5, /* they can refuse, and may want the desktop or the card as they are */
        FORWARD_DISPLAY_MANAGER = 10,
        FORWARD_SERVICES = 20,
        FORWARD_SESSIONS = 30,
        FORWARD_HOLDERS = 40,
        FORWARD_POWER = 50,
        FORWARD_BACKLIGHT = 55, /* nothing is done there, but begun before anything takes the driver away */
        FORWARD_VTCONSOLE = 60,
        FORWARD_VIRTUAL_FUNCTIONS = 65, /* before anything is done with one of them */
        FORWARD_OVERRIDE = 70,          /* before module: a reload by udev must not grab the card in between */
        FORWARD_MODULE = 80,
        FORWARD_MEDIATED_DEVICE = 85, /* after the module that makes its parent one */
        FORWARD_FRAMEBUFFER = 90,     /* the kernel may not bring it back: after all that can refuse */
        FORWARD_DRIVER = 100,
        FORWARD_BAR = 106,   /* on the guest's driver, which lets go at once */
        FORWARD_RESET = 110, /* When=prepare: on the guest's driver, nobody has the card open yet */
        FORWARD_SETTLE = 0,
        FORWARD_CONNECTORS = 0,
};

enum {
        BACK_MEDIATED_DEVICE = 5, /* before anything is done to what it stands on */
        BACK_RESET = 10,
        BACK_BAR = 15, /* while the override still keeps the host's driver away */
        BACK_OVERRIDE = 20,
        BACK_DRIVER = 30,
        BACK_VIRTUAL_FUNCTIONS = 35, /* when the guest's are off its driver */
        BACK_MODULE = 40,
        BACK_FRAMEBUFFER = 50,
        BACK_VTCONSOLE = 60,
        BACK_POWER = 70,
        BACK_HOLDERS = 80, /* the sound card is announced again, if it was only withdrawn */
        BACK_SETTLE = 90,
        BACK_CONNECTORS = 92,
        BACK_BACKLIGHT = 95,
        BACK_SERVICES = 100,
        BACK_SESSIONS = 110, /* autologin gettys */
        BACK_DISPLAY_MANAGER = 120,
        BACK_SCRIPTS = 130, /* the desktop does not wait for them */
};
