/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option tables: an option of a match or target is said once, as data.  Parser, save printer,
 * `-h` help, manual page, completion and fuzz dictionary read the same rows.
 */
#ifndef FW_OPT_H
#define FW_OPT_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/types.h"

struct fw_use;
struct fw_ext;

enum fw_opt_kind {
	FW_OPT_FLAG,      /* no word follows; nothing stored but the `set` bit */
	FW_OPT_U8,        /* one number min..max, decimal, 0x hex or 0 octal */
	FW_OPT_U16,
	FW_OPT_U32,
	FW_OPT_U64,
	FW_OPT_U8_RANGE,  /* LO[:HI]; two fields of that type, lo first */
	FW_OPT_U16_RANGE,
	FW_OPT_U32_RANGE,
	FW_OPT_PORT_RANGE,/* as U16_RANGE, and service names through the resolver */
	FW_OPT_STRING,    /* min..max bytes into char[max + 1] */
	FW_OPT_ENUM,      /* one of names[]; stores its value as uint8_t */
	FW_OPT_MARK,      /* VALUE[/MASK] into two uint32_t */
	FW_OPT_ADDR,      /* one address of the rule's family into union fw_addr */
	FW_OPT_ADDR_MASK, /* ADDR[/MASK] into two union fw_addr */
	FW_OPT_CUSTOM,    /* parse and print below */
	FW_N_OPT_KINDS
};

#define FW_OPT_NOT      0x01 /* may be negated with ! */
#define FW_OPT_REQUIRED 0x02 /* the extension makes no sense without it */
#define FW_OPT_MULTI    0x04 /* may be given more than once */
#define FW_OPT_HIDDEN   0x08 /* accepted (old spelling), not in help */
#define FW_OPT_CUT      0x10 /* STRING: longer words are cut, not refused, as iptables does */

struct fw_opt_name {
	const char *name;
	uint64_t value;
};

/*
 * Turns names into numbers where the text has names.  The client has one that asks getaddrinfo
 * and /etc/services; the daemon gives NULL, so a name there is an error of kind FW_ERR_NAME.
 * Each returns 0, or -1 when the name is unknown.
 */
struct fw_resolver {
	/* all addresses of a host, family's kind; at most *n, sets *n */
	int (*host)(void *priv, enum fw_family family, const char *name, union fw_addr *ret,
		    size_t *n);
	/* masks by network name (/etc/networks); may be NULL */
	int (*service)(void *priv, const char *name, const char *proto, uint16_t *ret);
	int (*protocol)(void *priv, const char *name, uint8_t *ret);
	/* a user's or group's number, for -m owner; may be NULL */
	int (*id)(void *priv, bool group, const char *name, uint32_t *ret);
	void *priv;
};

/* What an extension may know of its rule while it is parsed or checked. */
struct fw_parse_ctx {
	enum fw_family family;
	enum fw_table_id table;
	uint8_t proto;            /* of the rule, 0: any */
	bool proto_inverted;      /* ! -p */
	bool frag;                /* -f */
	const struct fw_resolver *resolver; /* may be NULL */
};

struct fw_opt {
	const char *name;         /* without dashes; NULL ends the table */
	const char *alias;        /* second spelling or NULL (destination-port / dport) */
	enum fw_opt_kind kind;
	uint8_t flags;            /* FW_OPT_* above */
	uint8_t n_words;          /* words that follow: 0 = the kind's own number (FLAG 0, else 1) */
	uint16_t offset;          /* of the stored value in the extension's data */
	uint64_t min, max;
	uint64_t excludes;        /* mask of 1 << row that may not stand beside this one */
	uint64_t also;            /* mask of rows that must stand beside this one */
	const struct fw_opt_name *names; /* ENUM; ends with {NULL} */
	const char *arg;          /* its value in help: "PORT[:PORT]" */
	const char *help;
	/* CUSTOM; also allowed with another kind to replace its printing.  words[n_words]. */
	int (*parse)(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		     bool inverted, const char *const *words, struct fw_err *err);
	/* The value as save prints it after "--name "; appends nothing but the value. */
	void (*print)(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		      struct fw_buf *out);
};

/*
 * Take option row `opt` of use->ext with its words.  Checks kind, range, negation, repetition and
 * exclusion; stores, and sets its bits in use->set and use->inv.  0 or -EINVAL with err (place
 * not set: the caller knows where the word stands; err->length unset).
 */
int fw_opt_take(const struct fw_parse_ctx *ctx, struct fw_use *use, const struct fw_opt *opt,
		bool inverted, const char *const *words, struct fw_err *err);

/* How many words follow the option's name. */
unsigned int fw_opt_words(const struct fw_opt *opt);

/*
 * All options are read: required ones there, `also` satisfied, ext->check, unused tail of the
 * data cut (ext->used).  0 or -EINVAL with err.
 */
int fw_use_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err);

/* The options as save prints them, each preceded by a space: " --dport 22 ! --syn". */
void fw_use_save(const struct fw_use *use, enum fw_family family, struct fw_buf *out);

/* The words `iptables -L` prints for it, preceded by a space (ext->list or a default from the
 * table).  numeric: no service or host names. */
void fw_use_list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out);

/* The help section `iptables -m NAME -h` appends. */
void fw_ext_help(const struct fw_ext *ext, enum fw_family family, struct fw_buf *out);

/* Helpers for CUSTOM options. */
int fw_parse_u64(const char *word, uint64_t min, uint64_t max, uint64_t *ret); /* 0 or -1 */
int fw_parse_addr(const char *word, enum fw_family family, union fw_addr *ret);
int fw_parse_mask(const char *word, enum fw_family family, union fw_addr *ret); /* "24" or dotted */
int fw_parse_port(const struct fw_parse_ctx *ctx, const char *word, uint16_t *ret,
		  struct fw_err *err);
void fw_print_addr(const union fw_addr *addr, enum fw_family family, struct fw_buf *out);
/* "/24", or "/255.0.255.0" where not a prefix; prints nothing for a full mask if `!full`. */
void fw_print_mask(const union fw_addr *mask, enum fw_family family, bool full, struct fw_buf *out);
/* A string as save quotes it: bare where iptables prints it bare, else "…" with \ escapes. */
void fw_print_quoted(const char *s, struct fw_buf *out);
bool fw_mask_is_prefix(const union fw_addr *mask, enum fw_family family, unsigned int *len);

#endif
