/* trial_tls: the server's own certificate, for trials on a phone (`serve --tls`); not for
 * production. */
#ifndef CHENGMAI_SERVER_TRIAL_TLS_H
#define CHENGMAI_SERVER_TRIAL_TLS_H

#include "module/module.h"

struct trial_tls {
    struct buffer key, certificate; /* PEM, NUL-terminated; empty where there is none */
};
/* Reads trial-key.pem and trial-certificate.pem of the data directory, or makes them (0600) for
 * `host`, an IPv4 address ("0.0.0.0": all addresses of this machine). ERROR_ENVIRONMENT, ERROR_IO.
 */
bool trial_tls_open(int directory_fd, const char *host, struct trial_tls *ret_tls,
                    struct error *err) MUST_USE;
void trial_tls_release(struct trial_tls *tls);

#endif
