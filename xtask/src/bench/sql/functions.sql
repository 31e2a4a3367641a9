-- What the scripts call; each is so plain that the planner puts its text in the place of the call.

-- The id of the thing of this kind with this number.
CREATE FUNCTION bench_id(kind integer, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-000' || kind || '-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid $$;

-- An id as the server makes them: it sorts by the time of its making, so that new rows meet on the same pages.
CREATE FUNCTION bench_new_id() RETURNS uuid LANGUAGE sql VOLATILE AS
$$ SELECT encode(substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                 || substring(uuid_send(gen_random_uuid()) FROM 7), 'hex')::uuid $$;
