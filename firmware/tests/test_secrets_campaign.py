# The campaign of protocols/tests/sequence_campaign.py against the NVS keys as they are used.
# SPDX-License-Identifier: Apache-2.0
from firmware.secrets import Secrets
from firmware.tests.support import World
from protocols.tests.sequence_campaign import Campaign

BLOCK = 256  # of Secrets.sequence()


def make(nvs):
    return Secrets(nvs).sequence()


def test_no_pair_twice_wherever_the_power_fails():
    World()
    result = Campaign(make, 2).every_history(2)  # lives of three frames, far from the block's end
    assert result.repeated == 0 and result.refused
    result = Campaign(make, BLOCK).long_history(60, 1)
    assert result.repeated == 0 and all(result.resets.values()) and result.refused


class Forgetful(Secrets):
    def _store(self, name, value):
        self._nvs.set_i32(name, value)


def test_a_commit_that_is_missing_would_show():
    World()
    assert Campaign(lambda nvs: Forgetful(nvs).sequence(), 2).every_history(2).repeated
