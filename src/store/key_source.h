/* Where the master key comes from. Inside the store room only. */
#ifndef CHENGMAI_STORE_KEY_SOURCE_H
#define CHENGMAI_STORE_KEY_SOURCE_H

#include "store/keys.h"

/* A source keeps the master key in one file of DIR/keys, in its own form. */
struct key_source {
    const char *name;  /* "file" */
    const char *file;  /* "master" */
    const char *words; /* what it is, for people */
    /* Writes the file, so that obtain() gives the key again. */
    bool (*seal)(int keys_fd, const unsigned char master[KEY_BYTES], struct error *err);
    bool (*obtain)(int keys_fd, unsigned char master[KEY_BYTES], struct error *err);
};
/* All three, NULL at the end: file, passphrase, pkcs11 (which is not built in and says so). */
extern const struct key_source *const key_sources[];
/* NULL where there is none of that name. */
const struct key_source *key_source_of(const char *name);
/* The one whose file lies in the directory; that of a file where there is none. */
const struct key_source *key_source_in_use(int keys_fd);
/* True where a passphrase is configured: the first line of the file that CHENGMAI_PASSPHRASE_FILE
 * names, or of $CREDENTIALS_DIRECTORY/passphrase (systemd's LoadCredential). */
bool key_source_has_passphrase(void);

#endif
