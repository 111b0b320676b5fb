"""The places of the simulated world's agencies, so that a map of their cameras looks like the region."""

from collections.abc import Mapping
from random import Random
from typing import Final

BAY: Final = (37.70, -122.20)
"""The place of agencies without a place of their own, and of names never seen."""

TOWN, COUNTY = 0.012, 0.09  # degrees: the spread of the cameras of a town, and of anything larger

TOWNS: Final[Mapping[str, tuple[float, float]]] = {
    "Atherton PD": (37.461, -122.198),
    "Benicia PD": (38.063, -122.157),
    "Brisbane PD": (37.686, -122.405),
    "Campbell PD": (37.287, -121.950),
    "Central Marin Police Authority": (37.942, -122.537),
    "Ceres PD": (37.595, -120.958),
    "Chico PD": (39.729, -121.837),
    "Daly City PD": (37.688, -122.470),
    "Danville PD": (37.822, -121.982),
    "Dixon PD": (38.446, -121.823),
    "EMERYVILLE POLICE DEPARTMENT": (37.835, -122.285),
    "Fremont PD": (37.530, -121.965),
    "GGB Vista Point": (37.832, -122.479),
    "Hillsborough PD": (37.567, -122.375),
    "Livermore PD": (37.682, -121.768),
    "Los Altos PD": (37.380, -122.115),
    "Menlo Park PD": (37.455, -122.180),
    "Modesto PD": (37.640, -120.998),
    "Morgan Hill PD": (37.131, -121.655),
    "Napa PD": (38.298, -122.286),
    "Newark PD": (37.530, -122.035),
    "Palo Alto PD": (37.434, -122.140),
    "Piedmont PD": (37.824, -122.232),
    "Rio Vista PD": (38.162, -121.695),
    "Rocklin PD": (38.791, -121.236),
    "SFO Airport Police": (37.618, -122.390),
    "San Bruno PD": (37.624, -122.422),
    "San Francisco PD": (37.762, -122.437),
    "San Leandro PD": (37.720, -122.157),
    "San Mateo PD": (37.556, -122.316),
    "Santa Clara PD": (37.354, -121.967),
    "South San Francisco PD": (37.653, -122.420),
    "Suisun PD": (38.243, -122.034),
    "Sunnyvale DPS": (37.380, -122.030),
    "Sunnyvale PD": (37.380, -122.030),
    "Vacaville PD": (38.357, -121.978),
    "Vallejo PD": (38.105, -122.245),
}
"""Latitude and longitude of towns, to about a kilometre, from general knowledge."""

COUNTIES: Final[Mapping[str, tuple[float, float]]] = {
    "Alameda County Sheriff": (37.680, -121.950),
    "CAMPBELL-SARATOGA TASK FORCE": (37.275, -121.985),
    "Humboldt County": (40.760, -124.050),
    "Marin CC": (37.985, -122.560),
    "San Mateo VTTF": (37.510, -122.300),
    "Santa Clara County Sheriff's Office": (37.290, -121.900),
    "Shasta County Sheriff": (40.580, -122.370),
    "Solano County Sheriffs Office": (38.260, -122.020),
    "Yosemite National Park": (37.720, -119.640),
}
"""Latitude and longitude of agencies whose area is as large as a county."""


def place_near(agency: str, chance: Random) -> tuple[float, float]:
    """Returns latitude and longitude of a camera of an agency, in decimal degrees."""
    spread = TOWN if agency in TOWNS else COUNTY
    latitude, longitude = TOWNS.get(agency) or COUNTIES.get(agency, BAY)
    return latitude + chance.gauss(0, spread), longitude + chance.gauss(0, spread)
