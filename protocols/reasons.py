# What a device counts when something goes wrong. Append only: the codes are on the wire.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

# Texts, since each name of its own would be kept for ever: what a station never counts as well.
# Short ones, and no table made of them: an old heap has no kilobyte in one piece.
_TEXTS = const(
    (
        "modem_silent modem_error modem_reset reg_searching reg_denied no_ack send_failed",
        "frame_short frame_version frame_class frame_kid frame_epoch frame_piv frame_tag",
        "frame_replay i2c_nack sensor_crc sensor_timeout sensor_range sensor_identity",
        "fs_corrupt outbox_full outbox_corrupt config_bad task_restart watchdog safe_mode",
        "clock_jump budget_spent smp_bad_frame ack_bad not_provisioned cmd_form cmd_unsigned",
        "cmd_issuer cmd_signature cmd_rights cmd_counter cmd_target cmd_early cmd_expired",
        "cmd_no_time cmd_second_issuer cmd_unknown clip_missing clip_bad stream_lost",
        "tts_silent tts_busy amp_fault no_sound preempted power_cut cancelled rule_channel",
        "rule_blind rules_older rules_corrupt network_down network_no_route wifi_link_lost",
        "wifi_no_answer wifi_password wifi_link_back revoked no_mains battery_low",
        "camera_silent camera_garbled picture_bad picture_cut picture_large rtc_corrupt",
        "picture_lost",
        "attach_paused",
        "actuator_no_effect actuator_stuck travel_lost actuator_unknown",
        "sensor_stuck",
        "order_no_room cmd_overtaken",
    )
)


def code(name):
    # -> from 1 on; None for a name that is none of these
    before = 1
    for text in _TEXTS:
        names = text.split()
        if name in names:
            return before + names.index(name)
        before += len(names)
    return None


def name(code):
    # A device may be newer than its reader.
    before = 1
    for text in _TEXTS:
        names = text.split()
        if before <= code < before + len(names):
            return names[code - before]
        before += len(names)
    return "reason_%d" % code


def names():
    # By their codes, for who has room for all of them.
    return [name for text in _TEXTS for name in text.split()]
