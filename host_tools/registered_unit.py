"""What a registry knows of a unit, and the words for its role and state."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

SPEAKER, CAMERA = "speaker", "camera"  # roles
PROVISIONING, PROVISIONED = "provisioning", "provisioned"
REVOKED = "revoked"  # stolen or lost: nothing that comes from it counts
RETIRED = "retired"  # its board is another unit now


@dataclass(frozen=True)
class Unit:
    """What the registry knows of a unit; times in Unix seconds, hashes and MAC as text.

    `role` is that of its profile. `site` is the area of a loudspeaker; `groups` are the numbers of
    its groups, as '3,7'. `latitude` and `longitude` are in degrees, WGS 84. Emergencies of
    `two_issuers_level` and above need two signatures there; 0: none does.
    """

    name: str
    kid: bytes
    epoch: int
    state: str
    mac: str
    board: str
    profile: str
    site: str
    firmware: str
    config_sha256: str
    report_interval_s: int | None
    role: str
    groups: str
    latitude: float | None
    longitude: float | None
    two_issuers_level: int
    created_s: float
    changed_s: float

    @property
    def in_use(self) -> bool:
        """Whether it may speak and be spoken to."""
        return self.state not in (REVOKED, RETIRED)

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude, if they are known."""
        if self.latitude is None or self.longitude is None:
            return None
        return self.latitude, self.longitude

    @property
    def group_numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self.groups.split(",") if number)
