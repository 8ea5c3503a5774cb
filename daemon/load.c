/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole rulesets from files (load.h). */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "log.h"
#include "store/io.h"

/* Flows that a crash left are used while most of them can still be what they were. */
#define FRESH_NS (60 * FW_NSEC_PER_SEC)

/* What a start gathers while it reads the state directory. */
struct start {
	struct fwd_editor *editor;
	struct fw_tx *tx;
	struct fwd_baton *baton;
	struct fw_buf recent, flows;
	uint64_t wall; /* when the snapshot was written */
	uint64_t edits;
	bool found; /* a rules file was there */
	char *file;
	size_t size;
};

/*
 * Names in rules files that people write: /etc/services and /etc/protocols are local and quick.
 * Host names are not resolved here: a filter must not wait for DNS before it filters.
 */
static int resolve_service(void *priv, const char *name, const char *proto, uint16_t *ret)
{
	struct servent room, *found;
	char text[1024];

	if (getservbyname_r(name, proto, &room, text, sizeof(text), &found) || !found)
		return -1;
	*ret = ntohs((uint16_t)found->s_port);
	return 0;
}

static int resolve_protocol(void *priv, const char *name, uint8_t *ret)
{
	struct protoent room, *found;
	char text[1024];

	if (getprotobyname_r(name, &room, text, sizeof(text), &found) || !found)
		return -1;
	*ret = (uint8_t)found->p_proto;
	return 0;
}

static int resolve_host(void *priv, enum fw_family family, const char *name, union fw_addr *ret,
			size_t *n)
{
	return -1;
}

static const struct fw_resolver local_names = {
	.host = resolve_host,
	.service = resolve_service,
	.protocol = resolve_protocol,
};

static struct fw_tx *begin(struct fwd_editor *e, struct fw_err *err)
{
	struct fw_tx_env env = fwd_core_env(e->core);
	struct fw_tx *tx = fw_tx_new(e->core->ruleset, &env);

	if (!tx)
		fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	return tx;
}

/* *found: the file is there. */
static int apply_file(struct fw_tx *tx, const char *path, enum fw_family family, bool *found,
		      struct fw_err *err)
{
	struct fw_buf text = FW_BUF_INIT;
	int r;

	r = path ? fwd_io_read(AT_FDCWD, path, &text) : -ENOENT;
	if (!r) {
		*found = true;
		r = fw_tx_apply(tx, family, fw_buf_cstr(&text), text.len, FW_TX_NAMES, NULL,
				&local_names, NULL, err);
	} else if (r == -ENOENT) {
		r = 0;
	} else {
		r = fw_fail(err, FW_ERR_RESOURCE, "cannot be read: %s", strerror(-r));
	}
	fw_buf_deinit(&text);
	return r;
}

static int apply_files(struct fw_tx *tx, const struct fwd_config *c, bool *found, char *file,
		       size_t size, struct fw_err *err)
{
	int r;

	snprintf(file, size, "%s", c->rules ? c->rules : "");
	r = apply_file(tx, c->rules, FW_IP4, found, err);
	if (r)
		return r;
	snprintf(file, size, "%s", c->rules6 ? c->rules6 : "");
	r = apply_file(tx, c->rules6, FW_IP6, found, err);
	if (r)
		return r;
	snprintf(file, size, "%s and %s", c->rules ? c->rules : "(none)",
		 c->rules6 ? c->rules6 : "(none)");
	return fw_tx_prepare(tx, err);
}

int fwd_load_rules(struct fwd_editor *e, char *file, size_t size, struct fw_err *err)
{
	bool found = false;
	struct fw_tx *tx;
	int r;

	file[0] = '\0';
	tx = begin(e, err);
	if (!tx)
		return -ENOMEM;
	r = apply_files(tx, e->core->config, &found, file, size, err);
	if (!r && found)
		r = fwd_edit_replace(e, tx, err);
	fw_tx_free(tx);
	return r;
}

int fwd_load_check(struct fwd_editor *e, char *file, size_t size, struct fw_err *err)
{
	struct fw_tx *tx = begin(e, err);
	bool found = false;
	int r;

	if (!tx)
		return -ENOMEM;
	r = apply_files(tx, e->core->config, &found, file, size, err);
	fw_tx_free(tx);
	return r;
}

static int take_frame(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	struct start *s = priv;
	const char *dir = s->editor->core->config->state_dir;

	switch (f->kind) {
	case FWD_FRAME_EDIT:
		s->edits++;
		snprintf(s->file, s->size, "%s/journal: edit %" PRIu64, dir, f->seq);
		break;
	case FWD_FRAME_RULES: snprintf(s->file, s->size, "%s/snapshot", dir); break;
	case FWD_FRAME_RECENT: fw_buf_add(&s->recent, f->body, f->len); return 0;
	case FWD_FRAME_END: s->wall = strtoull(f->body, NULL, 10); return 0;
	case FWD_FRAME_FLOWS: fw_buf_add(&s->flows, f->body, f->len); return 0;
	case FWD_N_FRAME_KINDS: return 0;
	}
	return fw_tx_apply(s->tx, f->family, f->body, f->len, f->flags,
			   f->table[0] ? f->table : NULL, NULL, NULL, err);
}

/* The monotonic time at which something was written that long ago; negative after a reboot. */
static int64_t then(uint64_t written)
{
	uint64_t wall = fwd_wall();

	return (int64_t)fwd_now() - (int64_t)(wall > written ? wall - written : 0);
}

/* A stop's flows are exact; a crash's are as they were some time before it. */
static int load_flows(struct fw_ct *ct, const struct fw_buf *flows, int64_t now, bool live,
		      struct fw_err *err)
{
	return (live ? fw_ct_load_old : fw_ct_load)(ct, fw_buf_cstr(flows), flows->len, now, err);
}

/* Recent lists and flows go on as if the daemon had been there all the time. */
static void restore_world(struct start *s)
{
	struct fw_world *world = &s->editor->core->world;
	struct fw_err err = FW_ERR_INIT, err2 = FW_ERR_INIT;
	struct fw_buf flows = FW_BUF_INIT;
	uint64_t wall;
	bool live;

	if (s->recent.len &&
	    fw_recent_load(world->recent, fw_buf_cstr(&s->recent), s->recent.len,
			   (uint64_t)then(s->wall), &err))
		fwd_log_err(4, "recent lists of the snapshot", &err);
	if (s->flows.len && load_flows(world->ct, &s->flows, then(s->wall), false, &err2))
		fwd_log_err(4, "flows of before the restart", &err2);
	if (s->flows.len || !s->editor->store ||
	    fwd_store_take_flows(s->editor->store, &flows, &wall, &live))
		return;
	if (live && fwd_wall() - wall > FRESH_NS)
		fwd_log(6, "the flows that a crash left are too old: connections are picked up as "
			   "they come");
	else if (load_flows(world->ct, &flows, then(wall), live, &err2))
		fwd_log_err(4, live ? "flows of before the crash" : "flows of the last stop",
			    &err2);
	fw_buf_deinit(&flows);
}

static int pass_over(void *priv, const struct fwd_frame *f, struct fw_err *err)
{
	return 0;
}

/* What the life before has left; false: nothing, or nothing sound.  Nothing is used before all of
 * it is known to be whole. */
static bool read_baton(struct start *s, int *r, struct fw_err *err)
{
	struct fwd_frame frame = {.kind = FWD_N_FRAME_KINDS};
	struct fw_buf text = FW_BUF_INIT;
	const char *why = "it ends too early";
	size_t n = 1;

	if (s->baton->state < 0)
		return false;
	*r = fwd_baton_read(s->baton, &text);
	for (size_t at = 0; !*r && n && at < text.len; at += n)
		n = fwd_frame_read(text.data + at, text.len - at, &frame, &why);
	if (*r || !n || frame.kind != FWD_FRAME_END) {
		fwd_log(2, "the state from before the restart is lost: %s",
			*r ? strerror(-*r) : why);
		fw_buf_deinit(&text);
		return false;
	}
	for (size_t at = 0; !*r && at < text.len; at += n) {
		n = fwd_frame_read(text.data + at, text.len - at, &frame, &why);
		*r = take_frame(s, &frame, err);
	}
	fw_buf_deinit(&text);
	return true;
}

static int read_state(struct start *s, struct fw_err *err)
{
	struct fwd_editor *e = s->editor;
	int r = 0;

	if (read_baton(s, &r, err)) {
		if (!r && e->store) /* the journal goes on */
			r = fwd_store_load(e->store, pass_over, NULL, err);
		e->compact = true; /* the directory may be another, or have been emptied */
		return r ? r : fw_tx_prepare(s->tx, err);
	}
	r = 0;
	if (e->store)
		r = fwd_store_load(e->store, take_frame, s, err);
	if (r)
		return r;
	if (e->store && !fwd_store_empty(e->store))
		return fw_tx_prepare(s->tx, err);
	return apply_files(s->tx, e->core->config, &s->found, s->file, s->size, err);
}

int fwd_load_start(struct fwd_editor *e, struct fwd_baton *baton, char *file, size_t size,
		   struct fw_err *err)
{
	struct start s = {.editor = e, .baton = baton, .file = file, .size = size};
	int r;

	snprintf(file, size, "%s", "state");
	s.tx = begin(e, err);
	if (!s.tx)
		return -ENOMEM;
	r = read_state(&s, err);
	if (!r)
		r = fwd_edit_publish(e, s.tx, NULL, err);
	fw_tx_free(s.tx);
	if (!r)
		restore_world(&s);
	fw_buf_deinit(&s.recent);
	fw_buf_deinit(&s.flows);
	if (!r && s.edits)
		fwd_log(6, "%" PRIu64 " edits replayed from the journal", s.edits);
	/* What came from the rules files is the state from now on. */
	if (!r && s.found)
		r = fwd_edit_snapshot(e, err);
	return r;
}
