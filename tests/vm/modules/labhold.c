// SPDX-License-Identifier: GPL-2.0
/* /dev/labhold: whoever has it open cannot end while `hold` is set: its close waits in state D, as that of a vfio device
 * in trouble does. For a QEMU that survives its own stop.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>

static int hold;
module_param(hold, int, 0644);

static ssize_t labhold_write(struct file *f, const char __user *data, size_t size, loff_t *at)
{
	return size;
}

/* Nothing to read, ever. */
static __poll_t labhold_poll(struct file *f, poll_table *t)
{
	return EPOLLOUT | EPOLLWRNORM;
}

static int labhold_release(struct inode *inode, struct file *f)
{
	while (READ_ONCE(hold))
		msleep(100);
	return 0;
}

static const struct file_operations labhold_fops = {
	.owner = THIS_MODULE,
	.write = labhold_write,
	.poll = labhold_poll,
	.release = labhold_release,
	.llseek = noop_llseek,
};

static struct miscdevice labhold = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "labhold",
	.fops = &labhold_fops,
	.mode = 0600,
};
module_misc_device(labhold);

MODULE_DESCRIPTION("A device whose close does not return");
MODULE_LICENSE("GPL");
