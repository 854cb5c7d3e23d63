/* dossier: persons as officers see them, what leaves the house, and who looked. */
#ifndef CHENGMAI_DOSSIER_DOSSIER_H
#define CHENGMAI_DOSSIER_DOSSIER_H

#include "module/module.h"

/* A job of the server: signs the audit chain's head when `audit_head_minutes` have passed since the
 * last one, in real time. */
bool dossier_sign_head(struct platform *platform, struct error *err) MUST_USE;

extern const struct module dossier_module;

#endif
