/* Things that rooms above find and loops are about: alerts, batches, tubes. */
#ifndef CHENGMAI_LOOPS_THINGS_H
#define CHENGMAI_LOOPS_THINGS_H

#include "loops/loops.h"

/* Inside a job: registers a thing of that kind (enum scene_kind) under its code, in its area; a
 * known code keeps its number. */
bool loop_thing_register(struct sql *sql, enum scene_kind kind, struct slice code, int64_t area_no,
                         int64_t *ret_no, struct error *err) MUST_USE;
/* The first open loop about it; 0 where none is open. */
bool loop_open_about(struct sql *sql, enum scene_kind kind, int64_t subject_no,
                     int64_t *ret_loop_no, struct error *err) MUST_USE;

#endif
