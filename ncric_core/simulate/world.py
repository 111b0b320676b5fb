"""The simulated world: agencies and their spellings, cameras, their places, and how much each camera reads."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from ncric_core.agencies import seed_agencies
from ncric_core.simulate.towns import place_near

SHERIFF: Final = "Santa Clara County Sheriff's Office"
LARGEST: Final = "Fremont PD"
SCSO_GUESTS: Final = ("Los Altos PD", "Morgan Hill PD", "CAMPBELL-SARATOGA TASK FORCE")
"""Agencies whose reads also come over SCSO; the last is a name never seen."""

NEVER_SEEN: Final = ("EMERYVILLE POLICE DEPARTMENT", "Univ. of Elsewhere Campus Safety", "CAMPBELL-SARATOGA TASK FORCE")
"""Received names that are not in the name table."""

STREETS: Final = (
    "AutoMall",
    "Grimmer",
    "Mission",
    "Main",
    "Stevenson",
    "Castro",
    "University",
    "Alma",
    "Hillsdale",
    "Skyline",
)
HEADINGS: Final = ("EB", "WB", "NB", "SB")


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees, minutes and seconds of latitude and longitude, as a vendor sends them."""

    latitude: tuple[int, int, float]
    longitude: tuple[int, int, float]

    @property
    def decimal(self) -> tuple[float, float]:
        """Latitude and longitude in decimal degrees (feeds.md, section 1)."""
        (a, b, c), (d, e, f) = self.latitude, self.longitude
        return a + b / 60 + c / 3600, -(abs(d) + e / 60 + f / 3600)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera, its agency, and the part of a read's JSON text that describes the camera."""

    id: str
    received: str  # its agency's name as this camera's server spells it
    standard: str
    place: Place
    text: str
    weight: float


def spellings(agency: str) -> list[str]:
    """Returns how vendors spell an agency's name. The first spelling is the standardised name."""
    if agency == SHERIFF:
        return [
            agency,
            "Santa Clara County Sheriff’s Office",
            "SANTA CLARA COUNTY SHERIFF'S OFFICE",
            "Santa Clara Co Sheriff",
        ]
    if agency.endswith(" PD"):
        town = agency.removesuffix(" PD")
        return [agency, f"{town.upper()} POLICE DEPARTMENT", f"{town} CA PD"]
    return [agency, agency.upper()]


def names(datasource: str) -> list[tuple[str, str, str]]:
    """Returns the name table of a feed: received name, standardised name, datasource."""
    return [(received, agency, datasource) for agency in seed_agencies() for received in spellings(agency)]


def cameras(datasource: str, chance: Random) -> list[Camera]:
    """Returns the cameras of a feed.

    BOSS4 has all agencies, Fremont PD by far the busiest. SCSO has the sheriff's cameras and those of SCSO_GUESTS.
    """
    text = boss4_camera if datasource == "BOSS4" else scso_camera
    if datasource == "SCSO":
        towns = [_camera(n, agency, 0.2, text, chance) for n, agency in enumerate(SCSO_GUESTS, 201)]
        return [_camera(n, SHERIFF, 1.0, text, chance) for n in range(1, 201)] + towns
    found: list[Camera] = []
    agencies = [LARGEST, *(name for name in seed_agencies() if name != LARGEST), *NEVER_SEEN[:2]]
    for rank, agency in enumerate(agencies, 1):
        count = 120 if agency == LARGEST else max(3, 60 // rank + 12)
        weight = 3.0 if agency == LARGEST else 1.0 / rank**0.5
        found += [_camera(len(found) + n, agency, weight, text, chance) for n in range(1, count + 1)]
    return found


def _camera(number: int, agency: str, weight: float, text: Callable[..., str], chance: Random) -> Camera:
    received = agency if agency in NEVER_SEEN else chance.choice(spellings(agency))
    latitude, longitude = place_near(agency, chance)
    place = Place(_sexagesimal(latitude), _sexagesimal(longitude))
    name = f"{chance.choice(HEADINGS)}_{chance.choice(STREETS)}_from_{chance.choice(STREETS)}_{number}"
    ori = f"CA{sum(map(ord, agency)) % 10000:04}{len(agency):02}0"
    acronym = "".join(word[0] for word in agency.split()).upper()
    return Camera(str(number), received, agency, place, text(str(number), name, acronym, ori, place), weight)


def _sexagesimal(degrees: float) -> tuple[int, int, float]:
    """Returns degrees (with the sign), minutes, and seconds to a hundredth."""
    minutes, hundredths = divmod(round(abs(degrees) * 360_000), 6000)
    whole, minutes = divmod(minutes, 60)
    return (whole if degrees >= 0 else -whole), minutes, hundredths / 100


def boss4_camera(number: str, name: str, acronym: str, ori: str, place: Place) -> str:
    """Returns a camera and its agency as JSON text, nested as in BOSS4."""
    return (
        f'\t\t"agency": '
        f'{{\n\t\t\t"agencyAcronym": {json.dumps(acronym)},\n\t\t\t"agencyOriNumber": {json.dumps(ori)}\n\t\t}},\n'
        f'\t\t"LPRCamera": {{\n\t\t\t"LPRCameraID": {json.dumps(number)},\n\t\t\t"LPRCameraName": {json.dumps(name)},\n'
        f'\t\t\t"position": {{\n{_degrees(place, str)}\t\t\t}}\n\t\t}},\n'
    )


def scso_camera(number: str, name: str, acronym: str, ori: str, place: Place) -> str:
    """Returns a camera and its agency as JSON text, nested as in SCSO, with a number as id and coordinates as text."""
    return (
        f'\t\t"agencyAcronym": {json.dumps(acronym)},\n\t\t"agencyOriNumber": {json.dumps(ori)},\n'
        f'\t\t"device": {{\n\t\t\t"LPRCameraID": {number},\n\t\t\t"LPRCameraName": {json.dumps(name)}\n\t\t}},\n'
        f'\t\t"GPS": {{\n{_degrees(place, lambda value: json.dumps(str(value)))}\t\t}},\n'
    )


def _degrees(place: Place, shown: Callable[[float], str]) -> str:
    parts = [
        f'\t\t\t"{axis}{part}Value": {shown(value)}'
        for axis, values in (("Latitude", place.latitude), ("Longitude", place.longitude))
        for part, value in zip(("Degree", "Minute", "Second"), values, strict=True)
    ]
    return ",\n".join(parts) + "\n"
