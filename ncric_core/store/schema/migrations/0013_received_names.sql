-- A received name has one form and one place: a number of Flock's networks is in standardized_agency_names_flock, and no
-- name is blank. Entries that were taken before are brought into this form. `ncric migrate` prints the warnings; the
-- history keeps what the entries said.

-- Numbers that stand among the names, as digits with zeros before them or of another script (their keys have plain
-- digits). The number's own entry stays, as it was the one that counted. Then the name's that was the number exactly.
DO $$
DECLARE
    one  record;
    said text;
BEGIN
    FOR one IN
        SELECT name, name_key, standardized_agency_name AS agency
        FROM standardized_agency_names
        WHERE datasource = 'FLOCK' AND name_key ~ '^[0-9]+$'
        ORDER BY length(name_key), name_key
    LOOP
        DELETE FROM standardized_agency_names WHERE datasource = 'FLOCK' AND name_key = one.name_key;
        IF one.name_key::numeric > 9223372036854775807 THEN
            RAISE WARNING 'ncric: Flock network % (%) is removed: no network has so large a number', one.name, one.agency;
            CONTINUE;
        END IF;
        INSERT INTO standardized_agency_names_flock (network_id, standardized_agency_name)
        VALUES (one.name_key::bigint, one.agency)
        ON CONFLICT (network_id) DO NOTHING;
        SELECT standardized_agency_name INTO said
        FROM standardized_agency_names_flock WHERE network_id = one.name_key::bigint;
        IF said <> one.agency THEN
            RAISE WARNING 'ncric: Flock network % stood for two agencies: % stays, % (written %) is removed',
                one.name_key::bigint, said, one.agency, one.name;
        ELSE
            RAISE WARNING 'ncric: Flock network %, which was written %, is %', one.name_key::bigint, one.name, said;
        END IF;
    END LOOP;
    FOR one IN DELETE FROM standardized_agency_names WHERE name_key = '' RETURNING datasource, standardized_agency_name
    LOOP
        RAISE WARNING 'ncric: a blank received name of % (%) is removed', one.datasource, one.standardized_agency_name;
    END LOOP;
    FOR one IN
        DELETE FROM standardized_agency_names_flock WHERE network_id < 0 RETURNING network_id, standardized_agency_name
    LOOP
        RAISE WARNING 'ncric: Flock network % (%) is removed: no network has such a number',
            one.network_id, one.standardized_agency_name;
    END LOOP;
END $$;

ALTER TABLE standardized_agency_names
    ADD CONSTRAINT name_is_not_blank CHECK (name_key <> ''),
    ADD CONSTRAINT number_is_in_its_own_table CHECK (datasource <> 'FLOCK' OR name_key !~ '^[0-9]+$');
ALTER TABLE standardized_agency_names_flock ADD CONSTRAINT number_has_digits_only CHECK (network_id >= 0);

-- 0001 and 0003 were edited after they had been applied to stores of the first days. What differs there is made as in all
-- other stores.
ALTER TABLE loads
    ALTER COLUMN waiting_since DROP NOT NULL,
    ALTER COLUMN waiting_since DROP DEFAULT,
    DROP CONSTRAINT IF EXISTS loads_file_id_fkey;
DROP INDEX IF EXISTS loads_waiting;
CREATE INDEX IF NOT EXISTS loads_open ON loads (file_id) WHERE done_at IS NULL;
