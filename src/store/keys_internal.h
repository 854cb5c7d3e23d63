/* The key ring, inside the store room only. */
#ifndef CHENGMAI_STORE_KEYS_INTERNAL_H
#define CHENGMAI_STORE_KEYS_INTERNAL_H

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "store/key_source.h"

enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES,
    VERSIONS_MAX = 8, /* of one class in one process */
};

#define TOMBSTONE ".destroyed"
#define MASTER_ASIDE "keys.new" /* beside DIR/keys while the master key changes */
#define MIRROR_FILE "mirror"

/* The versions of a class's key that this process has met. */
struct key_ring {
    int count;                    /* used places, by number of the version */
    int numbers[VERSIONS_MAX];    /* 1 and up; 0: a place that was wiped */
    unsigned char keys[VERSIONS_MAX][KEY_BYTES];
    atomic_int current;           /* the place that encrypts */
    bool destroyed;               /* the whole class; `current` is of this process only */
};

struct keys {
    int directory_fd;            /* DIR */
    pthread_mutex_t lock;        /* owns fd, master, source and every file of DIR/keys */
    int fd;                      /* DIR/keys */
    unsigned char master[KEY_BYTES];
    const struct key_source *source;
    pthread_rwlock_t ring_lock;  /* owns rings; their `current` key is read without it (keys_of) */
    struct key_ring rings[KEY_CLASS_COUNT];
};

/* What a name in DIR/keys is. */
enum key_file_kind { KEY_FILE_OTHER, KEY_FILE_WRAPPED, KEY_FILE_TOMBSTONE };
enum key_file_kind key_file_kind(const char *name);

bool key_file_write(int fd, const unsigned char *master, const char *name,
                    const unsigned char *key, struct error *err) MUST_USE;
bool key_file_read(int fd, const unsigned char *master, const char *name, unsigned char *out,
                   struct error *err) MUST_USE;
bool key_file_exists(int fd, const char *name);
/* Overwrites, syncs, removes (the directory is not synced). Absent is done. */
bool key_file_shred(int fd, const char *name, struct error *err) MUST_USE;
/* Shreds every file of the directory and removes it. Absent is done. */
bool key_directory_shred(int at, const char *name, struct error *err) MUST_USE;
/* Names of the directory's files, sorted; the caller frees each and the list. */
bool key_directory_names(int fd, char ***ret_names, size_t *ret_count,
                         struct error *err) MUST_USE;
void key_names_free(char **names, size_t count);
/* Copies one small file as it is. */
bool key_file_copy(int from_fd, int to_fd, const char *name, struct error *err) MUST_USE;

#endif
