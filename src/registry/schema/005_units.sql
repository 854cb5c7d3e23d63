-- registry: the units of a kind within an area, and the venues that a unit runs, for the pages of units.
CREATE INDEX unit_by_category ON unit (category, area_no, unit_no);
CREATE INDEX venue_by_unit ON venue (unit_no, venue_no) WHERE unit_no IS NOT NULL;
