"""Which agency a name never seen may mean: the first suggestion is nearly always the right one."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.agencies import seed_agencies
from ncric_core.suggestions import suggest


@pytest.mark.parametrize("received", ["ATHERTON POLICE DEPARTMENT", "Atherton CA PD", "City of Atherton"])
def test_atherton_is_suggested_first(received: str) -> None:
    assert suggest(received, seed_agencies())[0] == "Atherton PD"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("CALIFORNIA HIGHWAY PATROL", "CHP"),
        ("Santa Clara County Sheriff’s Office", "Santa Clara County Sheriff's Office"),
        ("SANTA CLARA CO SO", "Santa Clara County Sheriff's Office"),
        ("San Francisco Police Dept.", "San Francisco PD"),
        ("SFPD", "San Francisco PD"),
        ("Freemont PD", "Fremont PD"),
        ("Sunnyvale Department of Public Safety", "Sunnyvale DPS"),
        ("Solano County Sheriff's Office", "Solano County Sheriffs Office"),
        ("Hillsboro PD", "Hillsborough PD"),
        ("BART", "Bay Area Rapid Transit"),
    ],
)
def test_the_best_suggestion_is_first(received: str, expected: str) -> None:
    assert suggest(received, seed_agencies())[0] == expected


@pytest.mark.parametrize(
    "received", ["Springfield PD", "Los Angeles PD", "Santa Cruz PD", "Oakland PD", "police department", "", "🚓"]
)
def test_nothing_near_gives_nothing(received: str) -> None:
    assert suggest(received, seed_agencies()) == []


@given(st.text(), st.lists(st.text(), max_size=5))
def test_suggestions_are_known_and_at_most_three(received: str, known: list[str]) -> None:
    found = suggest(received, known)
    assert len(found) <= 3
    assert set(found) <= set(known)


def wrong(meant: Mapping[str, str], known: Sequence[str]) -> dict[str, list[str]]:
    """Returns the names whose first suggestion is not the agency that is meant, with their suggestions."""
    found = {name: suggest(name, known) for name in meant}
    return {name: near for name, near in found.items() if near[:1] != [meant[name]]}


TOWNS = (
    *("Atherton", "Benicia", "Brisbane", "Campbell", "Chico", "Daly City", "Danville", "Dixon", "Fremont"),
    *("Livermore", "Los Altos", "Menlo Park", "Morgan Hill", "Napa", "Newark", "Palo Alto", "Piedmont", "Rio Vista"),
    *("San Francisco", "San Leandro", "San Mateo", "Santa Clara", "South San Francisco", "Suisun", "Sunnyvale"),
    *("Vacaville", "Vallejo"),
)
"""Towns whose police department BOSS4 names in each of the spellings of `spellings`."""

FLOCK_TOWNS = (
    *("Anderson City", "Atherton", "Benicia", "Beverly Hills", "Campbell", "Colma", "Danville", "Dixon", "Fairfield"),
    *("Gilroy", "Hayward", "Hercules", "Hillsborough", "Livermore", "Millbrae", "Morgan Hill", "Napa", "Novato"),
    *("Oakley", "Orinda", "Piedmont", "Pleasanton", "Salinas", "San Bruno", "San Mateo", "San Ramon", "Santa Clara"),
    "Vallejo",
)
OTHERS = {
    "BART": "Bay Area Rapid Transit",
    "Bay Area Rapid Transit": "Bay Area Rapid Transit",
    "CA Highway Patrol": "CHP",
    "CHP": "CHP",
    "Central Marin": "Central Marin PA",
    "Central Marin Police Authority": "Central Marin PA",
    "City of Fremont": "Fremont PD",
    "GGB Vista Point": "GGB Vista Point",
    "HIDTA": "HIDTA",
    "Kaiser Permanente - Vallejo (CA)": "Kaiser Permanente",
    "Manual Entries": "Manual Entries",
    "NCRIC": "NCRIC",
    "San Joaquin County CA SO": "San Joaquin County SO",
    "San Mateo County CA SO": "San Mateo County SO",
    "San Mateo VTTF": "San Mateo VTTF",
    "Santa Clara County Sheriff's Office": "Santa Clara County SO",
    "Santa Clara County Sheriffs Office": "Santa Clara County SO",
    "Solano County": "Solano County SO",
    "Solano County Sheriffs Office": "Solano County SO",
    "Sunnyvale DPS": "Sunnyvale DPS",
    "Vallejo CA PD (Flex)": "Vallejo PD",
    "Yosemite": "Yosemite National Park",
    "Yosemite National Park": "Yosemite National Park",
}
KNOWN = sorted(
    {f"{town} PD" for town in (*TOWNS, *FLOCK_TOWNS, "Ceres", "Modesto", "Rocklin")}
    | set(OTHERS.values())
    | {"Alameda County SO", "HPD", "Humboldt County", "Marin CC", "NPD", "SFO Airport Police", "Santa Clara Sheriff"}
    | {"Shasta County SO", "V5Sys"}
)
"""Towns that also have a sheriff, a department of public safety or a task force among them."""


def spellings(town: str) -> tuple[str, ...]:
    return town, town.upper(), f"{town} PD", f"{town.upper()} POLICE DEPARTMENT"


def test_names_as_the_feeds_have_them() -> None:
    received = {name: f"{town} PD" for town in TOWNS for name in spellings(town)}
    received |= {f"{town} CA PD": f"{town} PD" for town in FLOCK_TOWNS}
    received |= OTHERS | {name.upper(): agency for name, agency in OTHERS.items()}
    assert wrong(received, KNOWN) == {}


def test_names_as_the_feeds_have_them_with_the_agencies_known_at_the_start() -> None:
    known = {f"{town} PD" for town in TOWNS} & set(seed_agencies())
    received = {name: f"{town} PD" for town in TOWNS if f"{town} PD" in known for name in spellings(town)}
    assert len(received) == 108
    assert wrong(received, seed_agencies()) == {}


ELSEWHERE = {
    "OAKLAND": "Oakland PD",
    "Alameda": "Alameda PD",
    "ALAMEDA COUNTY": "Alameda County SO",
    "ALAMEDA CO SHERIFF": "Alameda County SO",
    "Alameda County CA SO": "Alameda County SO",
    "CONTRA COSTA": "Contra Costa County SO",
    "Contra Costa Co. Sheriff's Dept": "Contra Costa County SO",
    "Marin": "Marin County SO",
    "SONOMA": "Sonoma PD",
    "SONOMA COUNTY SHERIFF’S OFFICE": "Sonoma County Sheriff's Office",
    "Sonoma County Sheriff´s Office": "Sonoma County Sheriff's Office",
    "Santa Cruz": "Santa Cruz PD",
    "SANTA CRUZ POLICE DEPT": "Santa Cruz PD",
    "Santa Cruz County Sheriff": "Santa Cruz County SO",
    "Santa Cruz County Auto Grand Theft Force": "Santa Cruz County AGTF",
    "University of California Berkeley Police": "UC Berkeley PD",
    "BERKELEY": "Berkeley PD",
    "San José Police": "San Jose PD",
    "SJPD": "San Jose PD",
    "EBRPD PD": "East Bay Regional Park District PD",
    "California Highway Patrol": "CHP",
    "TWIN CITIES POLICE AUTHORITY": "Twin Cities PA",
    "Twin Cities": "Twin Cities PA",
    "Sacramento": "Sacramento PD",
    "SACRAMENTO SO - CA": "Sacramento County SO",
    "West Sacramento CA PD": "West Sacramento PD",
    "W SACRAMENTO PD": "West Sacramento PD",
    "ROHNERT PARK": "Rohnert Park PD",
    "Rohnert Park Public Safety": "Rohnert Park DPS",
    "MONTEREY": "Monterey PD",
    "Monterey County": "Monterey County SO",
    "MONTEREY PARK": "Monterey Park PD",
    "Placer County CA SO": "Placer County SO",
    "Stanislaus": "Stanislaus County SO",
    "NAPA COUNTY CA SO (Flex)": "Napa County SO",
    "El Cerrito CA PD": "El Cerrito PD",
    "City of Stockton": "Stockton PD",
    "STOCKTON P.D.": "Stockton PD",
    "Tracy Police": "Tracy PD",
    "Elk Grove PD - CA": "Elk Grove PD",
    "MENDOCINO SHERIFF": "Mendocino County SO",
    "California Department of Corrections and Rehabilitation": "CDCR",
    "SAN BERNARDINO": "San Bernardino PD",
    "San Bernardino SD": "San Bernardino County SO",
    "Los Angeles": "Los Angeles PD",
    "LAPD": "Los Angeles PD",
    "LOS ANGELES SO": "Los Angeles County SO",
    "YUBA CITY": "Yuba City PD",
    "Yuba Sheriff": "Yuba County SO",
    "PETULUMA PD": "Petaluma PD",
    "Town of Mill Valley Police": "Mill Valley PD",
    "HALFMOON BAY PD": "Half Moon Bay PD",
    "HMBPD": "Half Moon Bay PD",
}


def test_names_of_other_places() -> None:
    known = {*ELSEWHERE.values(), "Oakley PD", "Richmond PD", "San Pablo PD", "San Rafael PD", "Santa Rosa PD"}
    found = wrong(ELSEWHERE, sorted(known | {"San Joaquin County SO", "Roseville PD", "Redding PD", "Ukiah PD"}))
    assert found.keys() <= {"University of California Berkeley Police"}  # nobody says that UC is that university


def test_names_without_letters_are_not_alike() -> None:
    assert suggest("🚓", ["🚔", ""]) == []
