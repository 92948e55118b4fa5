/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "txn/worker-main.h"

int main(int argc, char **argv)
{
        return worker_main(argc, argv, host_new);
}
