/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connection helpers' names, as the kernel's modules register them. */
#include "fw/helper.h"

static const char *const names[FW_N_HELPERS] = {
	[FW_HELPER_NAMED] = "amanda",
	"ftp",
	"H.245",
	"irc",
	"netbios-ns",
	"pptp",
	"Q.931",
	"RAS",
	"sane",
	"sip",
	"snmp",
	"snmp_trap",
	"tftp",
};

const char *fw_helper_name(unsigned int helper)
{
	return helper < FW_N_HELPERS ? names[helper] : NULL;
}
