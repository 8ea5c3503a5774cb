/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol (docs/protocol.md has the whole of it).
 *
 * A client connects to the unix stream socket, writes one request, half-closes, and reads the
 * reply until end of file.  First line of a request: a verb and its arguments, separated by single
 * spaces; the rest is the body.  First line of a reply: "ok", or "error LINE:COLUMN MESSAGE"; after
 * an error line come, each on a line of its own and only where there is something to say,
 * "hint TEXT", "code WORD" (fw_err_code_name), "length N", "words TEXT" (iptables' wording).
 *
 *	ping                                      version and state, one "key value" a line
 *	save 4|6 [counters] [all] [zero] [table T] [chain C [number N]]
 *	                                          restore text, as iptables-save without comments;
 *	                                          zero: counters read and zeroed in one step
 *	restore 4|6 [noflush] [counters] [test] [table T]
 *	                                          body: restore text
 *	recent list [NAME] | add NAME ADDR | del NAME ADDR | flush NAME
 *	conn list|count|delete|flush [json] [KEY VALUE]...
 *	metrics                                   Prometheus text format 0.0.4
 *	drops [N]                                 the last dropped packets: age, rule, packet
 *	explain                                   body: a packet described (issue later)
 *	status                                    same as ping, longer
 */
#ifndef FW_PROTOCOL_H
#define FW_PROTOCOL_H

#define FW_RUN_DIR            "/run/fwd"
#define FW_SOCKET_DEFAULT     FW_RUN_DIR "/control.sock"
#define FW_SOCKET_NETNS_FMT   FW_RUN_DIR "/net-%llu.sock" /* inode of /proc/self/ns/net */
#define FW_SOCKET_ENV         "FWCTL_SOCKET"

#define FW_REQUEST_LINE_MAX   1024                 /* bytes of the first line */
#define FW_REQUEST_MAX        (256u * 1024 * 1024) /* bytes of a whole request */
#define FW_TEXT_LINE_MAX      65536                /* bytes of one line of restore text */
#define FW_CLIENTS_MAX        256
#define FW_CLIENT_IDLE_S      30                   /* an idle half request is closed */

#endif
