-- registry: the persons of a household and of a unit, for what concerns each of them
CREATE INDEX person_by_household ON person (household_no, person_no) WHERE household_no IS NOT NULL;
CREATE INDEX person_by_unit ON person (unit_no, person_no) WHERE unit_no IS NOT NULL;
