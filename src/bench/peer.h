/* Peers: programs of their own that answer in lines of "name=value" pairs. */
#ifndef CHENGMAI_BENCH_PEER_H
#define CHENGMAI_BENCH_PEER_H

#include <stdio.h>
#include <sys/types.h>

#include "base/base.h"

enum { PEER_PATH_BYTES = 512, PEER_ANSWER_BYTES = 512, PEER_ARGUMENTS_MAX = 16 };

/* The program "peer-NAME" of $CHENGMAI_BENCH_PEERS, or of ../bench beside the binary's folder;
 * false where it is not there. */
bool peer_find(const char *name, char ret_path[PEER_PATH_BYTES]);
/* Path of this binary. */
bool peer_own_path(char ret_path[PEER_PATH_BYTES], struct error *err) MUST_USE;

struct peer {
    pid_t pid;
    FILE *to, *from;
    const char *name;
};
/* Starts `path` with NULL-terminated arguments (its own name not among them); its words go to our
 * standard error. `name` is kept by reference. */
bool peer_start(const char *name, const char *path, const char *const *arguments,
                struct peer *ret_peer, struct error *err) MUST_USE;
/* Sends `line` (NULL: nothing) and reads one line of answer; ERROR_ENVIRONMENT where it ended. */
bool peer_ask(struct peer *peer, const char *line, char ret_answer[PEER_ANSWER_BYTES],
              struct error *err) MUST_USE;
/* Closes its input and waits; accepts a zeroed one. True where it ended with 0. */
bool peer_finish(struct peer *peer);
/* Number after "NAME=" in an answer; false where there is none. */
bool peer_value(const char *answer, const char *name, double *ret_value) MUST_USE;
/* The same for whole numbers of up to 64 bits. */
bool peer_number(const char *answer, const char *name, uint64_t *ret_value) MUST_USE;

#endif
