# What a device counts when something goes wrong. Append only: the codes are on the wire.
# SPDX-License-Identifier: Apache-2.0
NAMES = (
    "",  # codes start at 1
    "modem_silent",
    "modem_error",
    "modem_reset",
    "reg_searching",
    "reg_denied",
    "no_ack",
    "send_failed",
    "frame_short",
    "frame_version",
    "frame_class",
    "frame_kid",
    "frame_epoch",
    "frame_piv",
    "frame_tag",
    "frame_replay",
    "i2c_nack",
    "sensor_crc",
    "sensor_timeout",
    "sensor_range",
    "sensor_identity",
    "fs_corrupt",
    "outbox_full",
    "outbox_corrupt",
    "config_bad",
    "task_restart",
    "watchdog",
    "safe_mode",
    "clock_jump",
    "budget_spent",
    "smp_bad_frame",
    "ack_bad",
    "not_provisioned",
)

CODES = {name: code for code, name in enumerate(NAMES) if name}


def name(code):
    # A device may be newer than its reader.
    return NAMES[code] if 0 < code < len(NAMES) else "reason_%d" % code
