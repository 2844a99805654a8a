# The event record: what a device tells besides measurements.
# SPDX-License-Identifier: Apache-2.0
#
#   0         u8        where a report has its schema id
#   rn        varint    record number, given by the outbox
#   map       deterministic CBOR: {0: type, 1: time in s since 2024-01-01T00:00:00Z,
#                                  2 and up: as the type says}
from .compat import const
from .event_writer import encode  # noqa: F401

BOOT = const(1)
SCHEMA = const(2)
HEALTH = const(3)
ALARM = const(4)  # an alarm rule has fired, or an alarm is over
CONFIG = const(5)
RECEIPT = const(6)  # see receipt.py
SELF_TEST = const(7)
PICTURE = const(8)  # one was taken; its bytes follow in frames of class 2, see blocks.py
SILENCE = const(9)  # the server answers again
ENERGY = const(10)  # once a day, where the ledger is kept
DECISION = const(11)  # an actuator has another value, or another one decides it
ACTUATOR_FAULT = const(12)  # it did not do what it was told
OPERATION = const(13)  # somebody has done something: irrigated, harvested ...
ROOT = const(14)  # the signature of a day, see trace_signed.py

# Keys of every event.
TYPE = const(0)
TIME = const(1)

# BOOT
BOOT_CAUSE = const(2)  # text
BOOT_VERSION = const(3)  # text, of the app
BOOT_CONFIG_HASH = const(4)  # 8 bytes
BOOT_SYNCED = const(5)  # bool: the time can be trusted
BOOT_SCHEMAS = const(6)  # {schema id: hash}, see schema.py

# CONFIG
CONFIG_ISSUERS = const(2)  # kids of those whom it obeys
# Text: names of the clips that it has, between spaces; the last is CLIPS_MORE if not all are told.
CONFIG_CLIPS = const(3)
CLIPS_MORE = const("...")
CONFIG_RULES = const(4)  # [number of an alarm rule that it watches, ...], of a speaker

# SELF_TEST
SELF_TEST_SCHEDULED = const(2)  # bool: by its own schedule, not by a command
SELF_TEST_SILENT = const(3)  # bool
SELF_TEST_FAILED = const(4)  # [reason code, ...], none if all is well
SELF_TEST_PROOF = const(5)  # as of a receipt
SELF_TEST_MISSED = const(6)  # scheduled ones that did not run since the last one that did
SELF_TEST_BATTERY_MV = const(7)  # with the amplifier on

# ENERGY, since the last one
ENERGY_PERIOD_S = const(2)
ENERGY_AWAKE_MS = const(3)
ENERGY_ASLEEP = const(4)  # [ms in light sleep, in deep sleep]
ENERGY_SLEEPS = const(5)  # deep ones
ENERGY_RADIO = const(6)  # [ms sending, at our service, reachable, asleep or off]
ENERGY_RAILS = const(7)  # {rail: ms}
ENERGY_CAMERA_MS = const(8)
ENERGY_BYTES = const(9)  # of frames that were sent
ENERGY_WAKES = const(10)  # of the modem

# SCHEMA
SCHEMA_MAP = const(2)  # see schema.py

# HEALTH
HEALTH_FREE_HEAP = const(2)  # bytes
HEALTH_COUNTERS = const(3)  # {reason code: count}, see reasons.py
HEALTH_UPTIME_S = const(4)
HEALTH_SIGNAL = const(5)  # map, as the modem reports it
HEALTH_BATTERY_MV = const(6)
HEALTH_PENDING = const(7)  # records in the outbox
HEALTH_FLOOR = const(8)  # the lowest record number that it still holds: wait for none below

# ALARM. The alert that sounds then has the id "rule" and the record number of this event, 4 bytes,
# and its receipts follow. Without a clock the time is the uptime.
ALARM_RULE = const(2)  # number
ALARM_CHANNEL = const(3)
ALARM_UNIT = const(4)  # of the channel
ALARM_SCALE = const(5)
ALARM_VALUE = const(6)  # counts
ALARM_SYNCED = const(7)  # bool: the time can be trusted
# Only of a station, which sounds nothing; of a rate, the unit says so.
ALARM_BEGINS = const(8)  # bool; false: it is over

# PICTURE
PICTURE_WHY = const(2)  # SCHEDULE ...
PICTURE_KIND = const(3)  # as in a PICTURE command: thumbnail, gauge, full
PICTURE_SIZE = const(4)  # bytes
PICTURE_WIDTH = const(5)
PICTURE_HEIGHT = const(6)
PICTURE_QUALITY = const(7)  # in the camera's own steps
PICTURE_FLAGS = const(8)  # bits: FROZEN, PLAIN; absent: none
PICTURE_SHA256 = const(9)  # of the JPEG, 32 bytes
PICTURE_SYNCED = const(10)  # bool: the time can be trusted

SCHEDULE = const(0)
ALARMED = const(1)
COMMANDED = const(2)

FROZEN = const(1)  # the same bytes as the one before of its kind
PLAIN = const(2)  # few bytes at the finest quality: night, fog or something before the lens

# SILENCE. Its time is when it ended.
SILENCE_REASON = const(2)  # reason code of most of the wakes that nobody answered, 0: not known
SILENCE_SINCE = const(3)  # time of the last answer before, if it is known

# DECISION
DECISION_ACTUATOR = const(2)  # name
DECISION_VALUE = const(3)  # 0 to 100, what it does from now on
DECISION_CAUSE = const(4)  # IDLE ... of control_rules.py: who decides
DECISION_RULE = const(5)  # number, 0: none
DECISION_WHY = const(6)  # ASKED ... of actuator.py: why it may, or what keeps it from more
DECISION_INPUTS = const(7)  # {name: counts, or null}, what the rule looked at
DECISION_SYNCED = const(8)  # bool: the time can be trusted

# ACTUATOR_FAULT
FAULT_ACTUATOR = const(2)  # name
FAULT_REASON = const(3)  # reason code
FAULT_VALUE = const(4)  # that it was told, 0 to 100
FAULT_FEEDBACK = const(5)  # counts of the channel that confirms it, null without a value
FAULT_SYNCED = const(6)  # bool: the time can be trusted

# OPERATION, see operation.py
OPERATION_KIND = const(2)  # text
OPERATION_BATCH = const(3)  # text; absent: of none
OPERATION_AMOUNT = const(4)  # thousandths of the unit; absent with it
OPERATION_UNIT = const(5)  # text
OPERATION_NOTE = const(6)  # text; absent: none
OPERATION_SOURCE = const(7)  # BUTTON ...: where it was entered
OPERATION_ISSUER = const(8)  # kid of whoever signed the command
OPERATION_SYNCED = const(9)  # bool: the time can be trusted

BUTTON = const(0)
SERIAL = const(1)
COMMAND = const(2)

# ROOT
ROOT_FIRST = const(2)  # the first record that no root before has signed
ROOT_CHAIN = const(3)  # the chain's value before this record, 32 bytes
ROOT_KEY = const(4)  # of the key that has signed: SHA-256(x | y), the first 8 bytes
ROOT_SIGNATURE = const(5)  # r | s
ROOT_GAPS = const(6)  # [[first, last, value before or null, value after], ...], see trace.py
ROOT_SYNCED = const(7)  # bool: the time can be trusted
