-- The role that `ncric sql` asks in. It may read whatever the store holds, and has no other right: no table that it may
-- write, no function of files or programs, and membership in no role. `migrate` lets it read what it makes.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ncric_reader') THEN
        CREATE ROLE ncric_reader NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    RAISE EXCEPTION 'the role of ncric sql is just being made for another database: run it again';
END $$;
GRANT ncric_reader TO CURRENT_USER;
