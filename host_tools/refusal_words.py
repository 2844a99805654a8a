"""Why a unit has not done what was ordered, in words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .language import tr

_WORDS = {  # of protocols/reasons.py, for who looks at a table
    "cmd_form": tr("malformed command (is its firmware older? flash it)"),
    "cmd_unsigned": tr("not signed"),
    "cmd_issuer": tr(
        "issuer unknown to the unit (made since? fieldbeat issuer send --unit; "
        "if it obeys nobody yet, provision it again)"
    ),
    "cmd_signature": tr("bad signature"),
    "cmd_rights": tr("beyond the issuer's rights"),
    "cmd_counter": tr(
        "issuer's number used before (registry restored? new issuer, provision again)"
    ),
    "cmd_target": tr("not meant for this unit"),
    "cmd_early": tr("starts too far in the future"),
    "cmd_expired": tr("came too late"),
    "cmd_no_time": tr("unit has no time"),
    "cmd_second_issuer": tr("needs a second issuer"),
    "cmd_unknown": tr("command unknown to the unit"),
    "clip_missing": tr("clip is not there"),
    "clip_bad": tr("clip is damaged"),
    "stream_lost": tr("stream was lost"),
    "tts_silent": tr("TTS chip is silent"),
    "tts_busy": tr("TTS chip is busy"),
    "amp_fault": tr("amplifier fault"),
    "no_sound": tr("no sound measured"),
    "preempted": tr("another alert went before"),
    "power_cut": tr("power was cut"),
    "cancelled": "cancelled",
    "revoked": tr("its issuer was revoked"),
    "no_mains": tr("no mains"),
    "battery_low": tr("battery low"),
    "actuator_unknown": tr("it has no actuator of this name"),
    "order_no_room": tr("the unit has no memory to judge it"),
    "cmd_overtaken": tr(
        "a later order came before it: order it again; an issuer whom it was told to forget it"
        " obeys again by cable alone, or with a new key"
    ),
    "rule_channel": tr("a rule's channel is not measured there, or in another unit or scale"),
    "rules_older": tr("newer rules are there already"),
    "fs_corrupt": tr("its flash did not take it"),
}


def in_words(reason: str) -> str:
    """Return a reason in words; what is new stays as it is named."""
    return _WORDS.get(reason, reason)
