-- store: who reviews asks for the acts of one user
CREATE INDEX audit_by_actor ON audit (actor, no);
