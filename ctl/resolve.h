/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names to numbers and back, as the C library knows them. */
#ifndef FWCTL_RESOLVE_H
#define FWCTL_RESOLVE_H

#include "fw/opt.h"

/* Asks /etc/hosts and DNS, /etc/networks, /etc/services, /etc/protocols.  Static. */
extern const struct fw_resolver ctl_resolver;

/* struct fw_list_opts's host_name: the name of an address, or its number where it has none. */
int ctl_host_name(void *priv, enum fw_family family, const union fw_addr *addr, char *ret,
		  size_t size);

#endif
