-- status: the overrides that were asked for about one person, for the dossier.
CREATE INDEX override_by_person ON override_request (person_no, override_no);
