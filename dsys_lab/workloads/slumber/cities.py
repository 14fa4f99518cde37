"""Where do they sleep? Fifty cities, the r-th of them with a weight of 1/r: a fifth of everybody lives in the first."""

from __future__ import annotations

from typing import Final

import numpy as np

from dsys_lab.workloads.slumber.luck import Columns, Ints
from dsys_lab.workloads.slumber.records import record

_CITIES: Final = """
    Oslo, Norway, Europe, Europe/Oslo
    Tokyo, Japan, Asia, Asia/Tokyo
    New York, United States, North America, America/New_York
    Lagos, Nigeria, Africa, Africa/Lagos
    Sao Paulo, Brazil, South America, America/Sao_Paulo
    Berlin, Germany, Europe, Europe/Berlin
    Mumbai, India, Asia, Asia/Kolkata
    Sydney, Australia, Oceania, Australia/Sydney
    London, United Kingdom, Europe, Europe/London
    Mexico City, Mexico, North America, America/Mexico_City
    Cairo, Egypt, Africa, Africa/Cairo
    Seoul, South Korea, Asia, Asia/Seoul
    Paris, France, Europe, Europe/Paris
    Toronto, Canada, North America, America/Toronto
    Jakarta, Indonesia, Asia, Asia/Jakarta
    Madrid, Spain, Europe, Europe/Madrid
    Nairobi, Kenya, Africa, Africa/Nairobi
    Buenos Aires, Argentina, South America, America/Argentina/Buenos_Aires
    Singapore, Singapore, Asia, Asia/Singapore
    Rome, Italy, Europe, Europe/Rome
    Chicago, United States, North America, America/Chicago
    Istanbul, Turkey, Europe, Europe/Istanbul
    Bangkok, Thailand, Asia, Asia/Bangkok
    Lima, Peru, South America, America/Lima
    Warsaw, Poland, Europe, Europe/Warsaw
    Manila, Philippines, Asia, Asia/Manila
    Accra, Ghana, Africa, Africa/Accra
    Stockholm, Sweden, Europe, Europe/Stockholm
    Los Angeles, United States, North America, America/Los_Angeles
    Dhaka, Bangladesh, Asia, Asia/Dhaka
    Vienna, Austria, Europe, Europe/Vienna
    Bogota, Colombia, South America, America/Bogota
    Hanoi, Vietnam, Asia, Asia/Ho_Chi_Minh
    Casablanca, Morocco, Africa, Africa/Casablanca
    Athens, Greece, Europe, Europe/Athens
    Auckland, New Zealand, Oceania, Pacific/Auckland
    Karachi, Pakistan, Asia, Asia/Karachi
    Lisbon, Portugal, Europe, Europe/Lisbon
    Vancouver, Canada, North America, America/Vancouver
    Santiago, Chile, South America, America/Santiago
    Helsinki, Finland, Europe, Europe/Helsinki
    Dubai, United Arab Emirates, Asia, Asia/Dubai
    Prague, Czechia, Europe, Europe/Prague
    Johannesburg, South Africa, Africa, Africa/Johannesburg
    Kathmandu, Nepal, Asia, Asia/Kathmandu
    Dublin, Ireland, Europe, Europe/Dublin
    Havana, Cuba, North America, America/Havana
    Tbilisi, Georgia, Asia, Asia/Tbilisi
    Reykjavik, Iceland, Europe, Atlantic/Reykjavik
    Honolulu, United States, Oceania, Pacific/Honolulu
"""
_ROWS: Final = [tuple(line.strip().split(", ")) for line in _CITIES.strip().splitlines()]
CITIES: Final = tuple(row[0] for row in _ROWS)
"""The names; a `city_id` is a place in it."""
CITY: Final = record("city_id:u1 city:S16 country:S24 continent:S16 tz:S32")
CITY_WEIGHTS: Final[Ints] = np.cumsum([1_000_000 // (rank + 1) for rank in range(len(_ROWS))])
CITY_EFFECT_MINUTES: Final[Ints] = np.arange(len(_ROWS)) * 7 % 41 - 20
"""How much longer than elsewhere a night in each city is: -20 to 20."""


def city_table(seed: int, first: int, last: int) -> Columns:
    """Return cities `first` to `last` - 1 of any seed: `city_id`, `city`, `country`, `continent`, `tz`."""
    texts = zip(*_ROWS, strict=True)
    named = zip(("city", "country", "continent", "tz"), texts, strict=True)
    return {
        "city_id": np.arange(first, last, dtype=np.uint8),
        **{name: np.array(column[first:last], dtype=object) for name, column in named},
    }
