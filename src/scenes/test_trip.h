/* A small scene that is proved; tests replace parts of it. */
#ifndef CHENGMAI_SCENES_TEST_TRIP_H
#define CHENGMAI_SCENES_TEST_TRIP_H

#include "scenes/test_support.h"

static const char good[] = "scene: trip\n"
                           "version: 3\n"
                           "title: {zh: 行程, en: Trip}\n"
                           "subject: vehicle\n"
                           "opened_by: [manual]\n"
                           "fields:\n"
                           "  - {name: gate, type: checkpoint, required: true}\n"
                           "  - {name: firm, type: unit}\n"
                           "  - {name: leave_by, type: time}\n"
                           "  - {name: kind, type: enum, values: [food, steel]}\n"
                           "  - {name: count, type: int, min: 0, max: 9}\n"
                           "  - {name: seal_no, type: text, max: 9}\n"
                           "  - {name: crew, type: unit, list: true, max: 3}\n"
                           "stages:\n"
                           "  - name: a\n"
                           "    owner: {role: checkpoint_lead, area: gate}\n"
                           "    within: 2h\n"
                           "    next:\n"
                           "      - {to: b, by: [owner], require: [firm, leave_by, kind]}\n"
                           "  - name: b\n"
                           "    owner: {unit_of: firm}\n"
                           "    until: leave_by\n"
                           "    max_visits: 3\n"
                           "    next:\n"
                           "      - {to: c, by: [owner]}\n"
                           "  - name: c\n"
                           "    owner: {role: district_duty, area: subject}\n"
                           "    within: {by: kind, food: 1h, steel: 2h}\n"
                           "    from: b\n"
                           "    next:\n"
                           "      - {to: end, by: [owner]}\n"
                           "      - {to: b, by: [command], note: true}\n"
                           "  - {name: end, final: done}\n"
                           "escalate: [{after: 0m, to: owner_lead}, {after: 4h, to: command}]\n";

#endif
