/* Inside the access room only. */
#ifndef CHENGMAI_ACCESS_INTERNAL_H
#define CHENGMAI_ACCESS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/access.h"

enum { TOKEN_HASH_BYTES = 32, CACHE_SLOTS = 1024, HOLDER_MAC_BYTES = 16 };

struct cached {
    unsigned char hash[TOKEN_HASH_BYTES];
    timestamp expires_at; /* 0: free */
    struct actor actor;
};

/* A holder's session that was ended before its time. */
struct ended {
    unsigned char mac[HOLDER_MAC_BYTES];
    uint32_t expires; /* unix second; 0: free */
};

struct access {
    struct platform *platform;
    access_loop_holder *holds_loop; /* NULL until the loops room is open */
    pthread_rwlock_t lock; /* owns cache, generation, ended, ended_slots */
    uint64_t generation;   /* raised when the cache is cleared: what was read before is not kept */
    struct cached cache[CACHE_SLOTS];
    struct ended *ended; /* open addressing by the first bytes of the MAC */
    size_t ended_slots;  /* a power of two */
    atomic_size_t ended_count;
};

enum { ACCESS_COMMANDS = 8, ACCESS_ROUTES = 5 };
extern const struct command access_commands[ACCESS_COMMANDS];
extern const struct route access_routes[ACCESS_ROUTES];
extern const struct sql_list login_statements, user_statements, purpose_statements,
    access_command_statements, within_statements, opened_statements;

bool access_unauthenticated(struct error *err, const char *what); /* false */
/* A new token of a user inside a job; kind "token" or "session". (access.c) */
bool token_issue(struct sql *sql, int64_t user_no, const char *kind, timestamp now,
                 timestamp expires, char out[ACCESS_TOKEN_BYTES], struct error *err) MUST_USE;
/* Forgets devices that were not seen for 90 days. (login.c) */
bool devices_forget(struct sql *sql, timestamp now, struct error *err) MUST_USE;
/* glass.c */
#define CIPHER_GLASS ((int64_t)5 << 59) /* rows under KEY_IDENTITY, apart from other rooms' */
extern const struct sql_list glass_statements;
extern const struct sql_text glass_reason_block, glass_reason_replace, glass_reason_plain,
    glass_reason_encrypt;
bool glass_break_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool glass_list_handle(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;

/* holders.c: reads what was ended and has not expired. */
bool holders_open(struct access *access, struct error *err) MUST_USE;

extern const struct sql_list access_lead_statements;
extern const struct sql_text holder_end, holder_ended, holder_forget;

#endif
