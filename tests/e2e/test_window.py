"""The files of a window become reads in the store, and the books balance."""

from datetime import UTC, datetime, timedelta

from tests.conftest import FILE, Store, read


def test_reads_of_a_window_come_out_as_they_were_sent(store: Store) -> None:
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    key = store.put(FILE.format(1), [read(1), read(2, VehicleLicensePlateID="8 xyz-001")])

    outcome = store.run()

    assert outcome.ok
    assert vars_of(outcome.agencies["Atherton PD"]) == (2, 2, 0, 0, 0)
    moment = datetime(2022, 10, 11, 8, 0, 1, tzinfo=UTC)
    found = store.rows(
        """
        SELECT vehicle_record_id, plate, plate_normalized, event_time, latitude, longitude, camera_id, camera_name,
        agency_id,
               agency_name, standardized_agency_name, datasource, vehicle_model, file_key
        FROM reads ORDER BY event_time
        """
    )
    assert found[0] == (
        "1_BOSS4", "7ABC001", "7ABC001", moment, 37.51, -121.95, "84", "EB_AutoMall_from_Grimmer", "CA0410100",
        "ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4", None, key,
    )  # fmt: skip
    assert found[1][:3] == ("2_BOSS4", "8 xyz-001", "8XYZ001")
    assert store.books().differences == []


def test_links_of_a_read_and_of_its_camera(store: Store) -> None:
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    store.put(FILE.format(1), [read(1)])
    store.run()
    recorded = store.rows('SELECT source_id, target_id, target_set FROM "NCRICRecordedBy" ORDER BY target_set')
    assert recorded == [
        ("1_BOSS4", "CA0410100", "NCRICAgencies"),
        ("1_BOSS4", "84", "NCRICImageSources"),
        ("1_BOSS4", "Atherton PD", "NCRICStandardizedAgencies"),
    ]
    collected = store.rows('SELECT source_id, target_id, target_set FROM "NCRICCollectedBy" ORDER BY target_set')
    assert collected == [("84", "CA0410100", "NCRICAgencies"), ("84", "Atherton PD", "NCRICStandardizedAgencies")]
    assert store.rows('SELECT id, ol_name FROM "NCRICImageSources"') == [("84", "EB_AutoMall_from_Grimmer")]
    assert store.rows('SELECT id, plate FROM "NCRICVehicleRecordsAthertonPD"') == [("1_BOSS4", "7ABC001")]


def test_running_twice_equals_running_once(store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(2), read(2), {"LPREventID": "${read.id}"}])
    store.run()
    once = store.everything()
    again = store.run()
    assert (again.files_known, again.files_read) == (1, 0)
    forced = store.run(force=True)
    assert forced.total.loaded == 0
    assert store.everything() == once
    assert store.books().differences == []


def test_same_read_twice_is_one_and_the_first_stays(store: Store) -> None:
    store.put(FILE.format(1), [read(1, VehicleLicensePlateID="FIRST"), read(1, VehicleLicensePlateID="SECOND")])
    store.put(FILE.format(2), [read(1, VehicleLicensePlateID="THIRD")])
    outcome = store.run()
    assert store.rows("SELECT plate FROM reads") == [("FIRST",)]
    assert (outcome.total.found, outcome.total.loaded, outcome.total.already_there) == (3, 1, 2)
    assert store.books().differences == []


def test_same_id_at_another_time_is_another_read(store: Store) -> None:
    store.put(FILE.format(1), [read(1), read(1, eventTime="08:09:00")])
    assert store.run().total.loaded == 2


def test_rows_of_other_agencies_wait_for_their_job(store: Store) -> None:
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"), ("FREMONT PD", "Fremont PD", "BOSS4"))
    store.put(FILE.format(1), [read(1), read(2, agencyName="FREMONT PD"), read(3, agencyName="FREMONT PD")])
    outcome = store.run(exclude=("Fremont PD",))
    assert (outcome.total.loaded, outcome.total.waiting) == (1, 2)
    assert store.books().waiting == 2
    hour = timedelta(hours=1)
    assert store.run("files-catchup", waited=hour).total.loaded == 0  # left to Fremont's own job for an hour
    outcome = store.run(agencies=("Fremont PD",))
    assert (outcome.total.loaded, outcome.total.waiting) == (2, 0)
    assert store.books().waiting == 0
    assert store.books().differences == []


def test_the_catch_up_takes_what_has_waited_for_over_an_hour(store: Store) -> None:
    store.map(("FREMONT PD", "Fremont PD", "BOSS4"))
    store.put(FILE.format(1), [read(1), read(2, agencyName="FREMONT PD")])
    store.run(exclude=("Fremont PD",))
    store.execute("UPDATE loads SET waiting_since = waiting_since - interval '61 minutes'")
    store.run(exclude=("Fremont PD",), force=True)  # which does not begin the hour again
    assert store.run("files-catchup", waited=timedelta(hours=1)).total.loaded == 1
    assert store.books().waiting == 0


def test_a_name_never_seen_is_loaded_under_itself_and_waits_for_mapping(store: Store) -> None:
    store.put(FILE.format(1), [read(1, agencyName="Nowhere PD")])
    outcome = store.run()
    assert outcome.new_agencies == ["Nowhere PD"]
    assert store.rows("SELECT standardized_agency_name FROM reads") == [("Nowhere PD",)]
    assert store.rows("SELECT unmapped FROM agencies WHERE name = 'Nowhere PD'") == [(True,)]
    assert store.rows('SELECT id FROM "NCRICVehicleRecordsNowherePD"') == [("1_BOSS4",)]


def vars_of(one: object) -> tuple[int, ...]:
    return tuple(getattr(one, name) for name in ("found", "loaded", "already_there", "rejected", "waiting"))
