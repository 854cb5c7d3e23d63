/* The city's people and places in the register. Inside the sim room. */
#ifndef CHENGMAI_SIM_REGISTER_H
#define CHENGMAI_SIM_REGISTER_H

#include "sim/city.h"

/* Writes persons, households, units, venues, vehicles, staff and their external ids: one unsynced
 * job. */
bool register_city(const struct city *city, struct error *err) MUST_USE;
/* An ID number of its own for every person: area code 999xxx, a real date, a good check digit. The
 * age is reached on `today`. */
void register_id_number(uint32_t person, struct profile profile, int32_t today, char out[19],
                        int *ret_birth_year);
/* A plate of its own for every truck: 苏D and five characters. */
void register_plate(uint32_t truck, char out[16]);
extern const struct sql_list register_statements, matter_statements;

#endif
