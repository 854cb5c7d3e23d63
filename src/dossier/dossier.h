/* dossier: persons as officers see them, what leaves the house, and who looked. */
#ifndef CHENGMAI_DOSSIER_DOSSIER_H
#define CHENGMAI_DOSSIER_DOSSIER_H

#include "module/module.h"

/* A job of the server: signs the audit chain's head when `audit_head_minutes` have passed since the
 * last one, in real time. */
bool dossier_sign_head(struct platform *platform, struct error *err) MUST_USE;

/* What the loops room writes into loop.subject_kind of a loop about a person; it asserts it. */
enum { DOSSIER_LOOP_OF_PERSON = 0 };

extern const struct module dossier_module;

#endif
