/* Where the master key comes from.
 *
 *   file        keys/master         the 32 bytes, mode 0600
 *   passphrase  keys/master.sealed  magic 8 | operations 8 | memory 8 | salt 16 | nonce 24 |
 *                                   cipher 32 | tag 16; the key of the seal is Argon2id of the
 *                                   passphrase, all before the nonce is authenticated with it
 *   pkcs11      keys/master.pkcs11  which token and object; needs a token library: not built in
 *
 * A passphrase never stands on a command line or in an environment: only the name of the file that
 * holds it does. */
#include "store/key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A file */

static bool file_seal(int keys_fd, const unsigned char master[KEY_BYTES], struct error *err)
{
    return file_replace(keys_fd, "master", master, KEY_BYTES, err);
}

/* Refuses a file that others may read. */
static bool is_private(int keys_fd, const char *name, const char *source, struct error *err)
{
    struct stat status;
    if (fstatat(keys_fd, name, &status, 0) != 0)
        return error_set_errno(err, source, "look at");
    return !(status.st_mode & 077) ||
           error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = source}, "mode 0600",
                     "others may read the master key");
}

static bool file_obtain(int keys_fd, unsigned char master[KEY_BYTES], struct error *err)
{
    struct buffer bytes;
    if (!is_private(keys_fd, "master", "keys/master", err))
        return false;
    buffer_init(&bytes, KEY_BYTES);
    bool done = file_read_whole(keys_fd, "master", &bytes, err);
    if (done && bytes.length != KEY_BYTES)
        done = error_set(err, ERROR_CORRUPT, (struct error_place){.source = "keys/master"},
                         "32 bytes", "the master key has %zu bytes", bytes.length);
    if (done)
        memcpy(master, bytes.data, KEY_BYTES);
    if (bytes.data)
        sodium_memzero(bytes.data, bytes.length);
    buffer_release(&bytes);
    return done;
}

/* ---- A passphrase */

enum {
    PASSPHRASE_BYTES_MIN = 12,
    PASSPHRASE_BYTES_MAX = 1024,
    /* about a quarter of a second; read back from the seal, within bounds */
    OPERATIONS = 3,
    OPERATIONS_MAX = 16,
    MEMORY_BYTES = 64 << 20,
    MEMORY_BYTES_MAX = 1 << 30,
};

struct seal {
    char magic[8];
    uint64_t operations, memory_bytes;
    unsigned char salt[crypto_pwhash_SALTBYTES];
    unsigned char nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    unsigned char cipher[KEY_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES];
};
_Static_assert(sizeof(struct seal) == 112, "a sealed master key is 112 bytes");
_Static_assert(sizeof(int) >= 4 && OPERATIONS >= crypto_pwhash_OPSLIMIT_MIN, "Argon2id's range");
static const char seal_magic[8] = {'C', 'M', 'S', 'E', 'A', 'L', '0', '1'};

static bool passphrase_path(char out[512])
{
    const char *named = getenv("CHENGMAI_PASSPHRASE_FILE");
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (named && *named)
        return snprintf(out, 512, "%s", named) < 512;
    return credentials && *credentials && snprintf(out, 512, "%s/passphrase", credentials) < 512 &&
           access(out, R_OK) == 0;
}

bool key_source_has_passphrase(void)
{
    char path[512];
    return passphrase_path(path);
}

/* The key of the seal, from the passphrase. */
static bool stretch(const struct seal *seal, unsigned char out[KEY_BYTES], struct error *err)
{
    struct error_place place = {.source = "CHENGMAI_PASSPHRASE_FILE"};
    char path[512];
    struct buffer text;
    if (!passphrase_path(path))
        return error_set(err, ERROR_ENVIRONMENT, place, "the name of the file that holds it",
                         "the master key is sealed by a passphrase, and none is given");
    if (!is_private(AT_FDCWD, path, path, err))
        return false;
    buffer_init(&text, PASSPHRASE_BYTES_MAX);
    bool done = file_read_whole(AT_FDCWD, path, &text, err);
    const char *end = done && text.length ? memchr(text.data, '\n', text.length) : NULL;
    size_t length = end ? (size_t)(end - text.data) : text.length;
    if (done && length < PASSPHRASE_BYTES_MIN)
        done = error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = path},
                         "a first line of at least 12 bytes", "the passphrase is too short");
    if (done && crypto_pwhash(out, KEY_BYTES, text.data, length, seal->salt, seal->operations,
                              (size_t)seal->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        done = error_set(err, ERROR_MEMORY, place, NULL, "no memory to stretch the passphrase");
    if (text.data)
        sodium_memzero(text.data, text.length);
    buffer_release(&text);
    return done;
}

static bool passphrase_seal(int keys_fd, const unsigned char master[KEY_BYTES],
                            struct error *err)
{
    struct seal seal = {.operations = OPERATIONS, .memory_bytes = MEMORY_BYTES};
    unsigned char key[KEY_BYTES];
    memcpy(seal.magic, seal_magic, sizeof seal_magic);
    world_random_bytes(seal.salt, sizeof seal.salt);
    world_random_bytes(seal.nonce, sizeof seal.nonce);
    if (!stretch(&seal, key, err))
        return false;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        seal.cipher, NULL, master, KEY_BYTES, (const unsigned char *)&seal,
        offsetof(struct seal, nonce), NULL, seal.nonce, key);
    sodium_memzero(key, sizeof key);
    return file_replace(keys_fd, "master.sealed", &seal, sizeof seal, err);
}

static bool read_seal(int keys_fd, struct seal *ret_seal, struct error *err)
{
    struct buffer bytes;
    buffer_init(&bytes, sizeof *ret_seal);
    bool done = file_read_whole(keys_fd, "master.sealed", &bytes, err);
    bool formed = done && bytes.length == sizeof *ret_seal &&
                  memcmp(bytes.data, seal_magic, sizeof seal_magic) == 0;
    if (formed)
        memcpy(ret_seal, bytes.data, sizeof *ret_seal);
    buffer_release(&bytes);
    if (!done)
        return false;
    return (formed && ret_seal->operations >= crypto_pwhash_OPSLIMIT_MIN &&
            ret_seal->operations <= OPERATIONS_MAX &&
            ret_seal->memory_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
            ret_seal->memory_bytes <= MEMORY_BYTES_MAX) ||
           error_set(err, ERROR_CORRUPT, (struct error_place){.source = "keys/master.sealed"},
                     "a master key sealed by a passphrase", "the file is damaged");
}

static bool passphrase_obtain(int keys_fd, unsigned char master[KEY_BYTES], struct error *err)
{
    struct seal seal;
    unsigned char key[KEY_BYTES];
    if (!read_seal(keys_fd, &seal, err) || !stretch(&seal, key, err))
        return false;
    bool opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
                      master, NULL, NULL, seal.cipher, sizeof seal.cipher,
                      (const unsigned char *)&seal, offsetof(struct seal, nonce), seal.nonce,
                      key) == 0;
    sodium_memzero(key, sizeof key);
    return opened ||
           error_set(err, ERROR_REFUSED, (struct error_place){.source = "keys/master.sealed"},
                     "the passphrase that sealed it", "the passphrase does not fit");
}

/* ---- A token */

static bool no_token(struct error *err)
{
    return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "pkcs11"},
                     "the source 'file' or 'passphrase'",
                     "this program was built without a PKCS#11 library");
}

static bool token_seal(int keys_fd, const unsigned char master[KEY_BYTES], struct error *err)
{
    (void)keys_fd, (void)master;
    return no_token(err);
}

static bool token_obtain(int keys_fd, unsigned char master[KEY_BYTES], struct error *err)
{
    (void)keys_fd, (void)master;
    return no_token(err);
}

/* ---- All */

static const struct key_source from_file = {
    .name = "file", .file = "master", .words = "a file that only its owner may read",
    .seal = file_seal, .obtain = file_obtain};
static const struct key_source from_passphrase = {
    .name = "passphrase", .file = "master.sealed", .words = "a passphrase, by Argon2id",
    .seal = passphrase_seal, .obtain = passphrase_obtain};
static const struct key_source from_token = {
    .name = "pkcs11", .file = "master.pkcs11", .words = "a PKCS#11 token (not built in)",
    .seal = token_seal, .obtain = token_obtain};
const struct key_source *const key_sources[] = {&from_file, &from_passphrase, &from_token, NULL};

const struct key_source *key_source_of(const char *name)
{
    for (size_t i = 0; key_sources[i]; i++)
        if (strcmp(key_sources[i]->name, name) == 0)
            return key_sources[i];
    return NULL;
}

const struct key_source *key_source_in_use(int keys_fd)
{
    for (size_t i = 1; key_sources[i]; i++)
        if (faccessat(keys_fd, key_sources[i]->file, F_OK, 0) == 0)
            return key_sources[i];
    return &from_file;
}
