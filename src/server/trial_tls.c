/* A certificate of the server's own making, for trials on a phone: `serve --tls`.
 *
 * Browsers give camera and service workers to encrypted pages only. In production nginx stands in
 * front with the city's certificate (deploy/nginx); here the server makes a key and a certificate
 * for the addresses of this machine, signed by itself, and keeps both in the data directory (0600).
 * It proves nothing to anybody who has not put it on the phone by hand; and a phone that trusts it
 * trusts whatever its key signs (phones take authorities only), so that it comes off after the
 * trial. Made again when it is about to end or an address has changed. */
#include "server/trial_tls.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static const char key_name[] = "trial-key.pem", certificate_name[] = "trial-certificate.pem";

enum {
    PEM_BYTES_MAX = 1 << 16,
    NAMES_BYTES_MAX = 2048,
    ADDRESSES_MAX = 32,
    DAYS_VALID = 397, /* the longest that browsers take */
    DAYS_LEFT_MIN = 7,
};

struct addresses {
    char texts[ADDRESSES_MAX][INET_ADDRSTRLEN];
    size_t count;
};

static bool failed(const char *what, struct error *err)
{
    return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = certificate_name},
                     "libcrypto with P-256", "%s", what);
}

static void add_address(struct addresses *addresses, const char *text)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (strcmp(addresses->texts[i], text) == 0)
            return;
    if (addresses->count < ADDRESSES_MAX)
        snprintf(addresses->texts[addresses->count++], INET_ADDRSTRLEN, "%s", text);
}

/* The address that is listened on; where that is every one, those that this machine has. */
static void find_addresses(const char *host, struct addresses *addresses)
{
    struct ifaddrs *all;
    char text[INET_ADDRSTRLEN];
    addresses->count = 0;
    add_address(addresses, "127.0.0.1");
    if (strcmp(host, "0.0.0.0") != 0) {
        add_address(addresses, host);
        return;
    }
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
            inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr,
                      text, sizeof text))
            add_address(addresses, text);
    freeifaddrs(all);
}

/* ---- What is kept */

/* Whether the kept certificate names every address and lasts a while. */
static bool still_fits(struct slice pem, const struct addresses *addresses)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    int days = 0, seconds;
    bool fits = certificate &&
                ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1 &&
                days >= DAYS_LEFT_MIN;
    for (size_t i = 0; fits && i < addresses->count; i++)
        fits = X509_check_ip_asc(certificate, addresses->texts[i], 0) == 1;
    X509_free(certificate);
    BIO_free(bio);
    return fits;
}

static bool read_kept(int directory_fd, const struct addresses *addresses,
                      struct trial_tls *tls)
{
    struct error absent;
    return file_read_whole(directory_fd, key_name, &tls->key, &absent) &&
           file_read_whole(directory_fd, certificate_name, &tls->certificate, &absent) &&
           still_fits(buffer_slice(&tls->certificate), addresses);
}

/* ---- Making one */

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const struct addresses *addresses)
{
    char names[NAMES_BYTES_MAX] = "DNS:localhost";
    unsigned char serial[16];
    for (size_t i = 0; i < addresses->count; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, ",IP:%s", addresses->texts[i]);
    }
    world_random_bytes(serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 1; /* positive, and not shorter than it looks */
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    X509_NAME *name = X509_get_subject_name(certificate);
    bool done =
        number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) &&
        X509_set_version(certificate, X509_VERSION_3) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), DAYS_VALID, -3600, NULL) &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   (const unsigned char *)"Chengmai trial", -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
        add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
        add_extension(certificate, NID_subject_alt_name, names) &&
        X509_sign(certificate, key, EVP_sha256()) > 0;
    BN_free(number);
    return done;
}

static bool take_text(BIO *bio, bool written, struct buffer *out)
{
    char *text;
    long length = written ? BIO_get_mem_data(bio, &text) : 0;
    if (length > 0)
        buffer_append(out, text, (size_t)length);
    BIO_free(bio);
    return length > 0;
}

static bool make(const struct addresses *addresses, struct trial_tls *tls, struct error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *key_text = BIO_new(BIO_s_mem()), *certificate_text = BIO_new(BIO_s_mem());
    buffer_clear(&tls->key);
    buffer_clear(&tls->certificate);
    bool made = key && certificate && key_text && certificate_text &&
                fill_certificate(certificate, key, addresses);
    made = take_text(key_text,
                     made && PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL),
                     &tls->key) &&
           take_text(certificate_text,
                     made && PEM_write_bio_X509(certificate_text, certificate),
                     &tls->certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made || failed("no certificate could be made", err);
}

bool trial_tls_open(int directory_fd, const char *host, struct trial_tls *ret_tls,
                    struct error *err)
{
    struct trial_tls tls;
    struct addresses addresses;
    buffer_init(&tls.key, PEM_BYTES_MAX);
    buffer_init(&tls.certificate, PEM_BYTES_MAX);
    find_addresses(host, &addresses);
    if (!read_kept(directory_fd, &addresses, &tls) &&
        (!make(&addresses, &tls, err) ||
         !file_replace(directory_fd, key_name, tls.key.data, tls.key.length, err) ||
         !file_replace(directory_fd, certificate_name, tls.certificate.data,
                       tls.certificate.length, err))) {
        trial_tls_release(&tls);
        return false;
    }
    buffer_append(&tls.key, "", 1); /* the library reads texts */
    buffer_append(&tls.certificate, "", 1);
    *ret_tls = tls;
    return true;
}

void trial_tls_release(struct trial_tls *tls)
{
    if (tls->key.data)
        OPENSSL_cleanse(tls->key.data, tls->key.length);
    buffer_release(&tls->key);
    buffer_release(&tls->certificate);
}
