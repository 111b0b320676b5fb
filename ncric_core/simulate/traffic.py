"""Vehicles on their way: which passes which camera when, and when its read arrives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from ncric_core.simulate.world import Camera

Ints = npt.NDArray[np.int64]

DAY: Final = 86_400  # seconds
LEAD: Final = 7_200  # seconds before the start in which vehicles are on their way already
GOES_ON: Final = 0.82  # the share of vehicles at a camera that pass another one
MOST_PASSED: Final = 12  # cameras on one trip
NEAR: Final = 8  # a vehicle comes to one of so many nearest cameras next
LATE_SHARE: Final = 0.004  # reads of cameras that were offline for days (normal, says feeds.md)
LATEST_DAYS: Final = 9
QUICKEST, SLOWEST = 20, 300  # seconds from a camera to the bucket

_HOURS: Final = np.array([5, 4, 3, 2, 2, 2, 2, 2, 1, 1, 1, 2, 3, 5, 7, 7, 6, 5, 5, 5, 6, 6, 7, 7], dtype=np.float64)
"""Traffic by hour of the day in UTC: quiet at night in California."""


@dataclass(frozen=True, slots=True)
class Passings:
    """Passages of vehicles, in order of arrival: numbers of vehicle and camera, and seconds since 1970."""

    vehicles: int
    vehicle: Ints
    camera: Ints
    event: Ints
    arrival: Ints

    def of_cameras(self, wanted: npt.NDArray[np.bool_]) -> "Passings":
        """Those at the cameras for which `wanted` holds."""
        mine = wanted[self.camera]
        return Passings(self.vehicles, self.vehicle[mine], self.camera[mine], self.event[mine], self.arrival[mine])


def passings(cameras: tuple[Camera, ...], *, reads: int, start: datetime, hours: int, seed: int) -> Passings:
    """About `reads` passages whose reads arrive in [start, start + hours)."""
    rng = np.random.default_rng(seed)
    begin, seconds = int(start.timestamp()), hours * 3600
    mean = (1 - GOES_ON**MOST_PASSED) / (1 - GOES_ON)
    trips = int(reads / mean * 1.1 * (seconds + LEAD) / seconds) + 10
    vehicle, departure, vehicles = _departures(rng, trips, begin, hours)
    track, camera, event = _tracks(rng, cameras, departure)
    arrival = event + QUICKEST + np.minimum(rng.exponential(90, event.size), SLOWEST - QUICKEST).astype(np.int64)
    inside = np.flatnonzero((arrival >= begin) & (arrival < begin + seconds - 2))
    kept = rng.permutation(inside)[:reads]
    kept = kept[np.lexsort((kept, arrival[kept]))]
    late = np.where(rng.random(kept.size) < LATE_SHARE, rng.integers(DAY, LATEST_DAYS * DAY, kept.size), 0)
    return Passings(vehicles, vehicle[track[kept]], camera[kept], event[kept] - late, arrival[kept])


def _departures(rng: np.random.Generator, trips: int, begin: int, hours: int) -> tuple[Ints, Ints, int]:
    """Vehicle and time of each trip, and the number of vehicles; trips of one vehicle are hours apart."""
    slots = np.arange(begin - LEAD, begin + hours * 3600, 600)
    weights = _HOURS[slots // 3600 % 24]
    departure = rng.choice(slots, trips, p=weights / weights.sum()) + rng.integers(0, 600, trips)
    departure.sort()
    vehicles = -(-trips // max(1, hours // 6))
    return rng.permutation(vehicles)[np.arange(trips) % vehicles], departure, vehicles


def _tracks(rng: np.random.Generator, cameras: tuple[Camera, ...], departure: Ints) -> tuple[Ints, Ints, Ints]:
    """Trip, camera and time of every passage: from a camera to one near it, as far as the trip goes."""
    near, distance = _neighbours(cameras)
    weights = np.array([camera.agency.weight / camera.agency.cameras for camera in cameras])
    track, event = np.arange(departure.size), departure
    camera = rng.choice(len(cameras), departure.size, p=weights / weights.sum())
    steps = [(track, camera, event)]
    for _ in range(MOST_PASSED - 1):
        on = rng.random(track.size) < GOES_ON
        track, camera, event = track[on], camera[on], event[on]
        choice = rng.integers(0, NEAR, track.size)
        speed = rng.uniform(7, 25, track.size)  # metres a second
        event = event + (distance[camera, choice] / speed + rng.uniform(5, 60, track.size)).astype(np.int64)
        camera = near[camera, choice]
        steps.append((track, camera, event))
    tracks, passed, events = zip(*steps, strict=True)
    return np.concatenate(tracks), np.concatenate(passed), np.concatenate(events)


def _neighbours(cameras: tuple[Camera, ...]) -> tuple[Ints, npt.NDArray[np.float64]]:
    """The nearest cameras of each camera, and how far they are, in metres by road."""
    latitude = np.array([camera.latitude for camera in cameras])
    longitude = np.array([camera.longitude for camera in cameras]) * np.cos(np.radians(37.6))
    apart = np.hypot(latitude[:, None] - latitude, longitude[:, None] - longitude) * 111_320 * 1.3
    near = np.argsort(apart, axis=1, kind="stable")[:, 1 : NEAR + 1]
    return near, np.take_along_axis(apart, near, axis=1)
