# Group and command numbers of SMP, for tests: the groups of the firmware have those that they
# answer as constants of their own, which take no heap.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

GROUP_OS = const(0)
GROUP_SETTINGS = const(3)
GROUP_FS = const(8)
GROUP_SHELL = const(9)
GROUP_ENUM = const(10)

OS_ECHO = const(0)
OS_TASK_STATISTICS = const(2)
OS_MEMORY_POOL_STATISTICS = const(3)
OS_DATETIME = const(4)
OS_RESET = const(5)
OS_PARAMETERS = const(6)
OS_APPLICATION_INFO = const(7)

SETTINGS_READ_WRITE = const(0)
SETTINGS_DELETE = const(1)
SETTINGS_COMMIT = const(2)
SETTINGS_LOAD_SAVE = const(3)

FS_FILE = const(0)
FS_STATUS = const(1)
FS_HASH = const(2)
FS_HASH_TYPES = const(3)
FS_CLOSE = const(4)

SHELL_EXECUTE = const(0)

ENUM_COUNT = const(0)
ENUM_LIST = const(1)
ENUM_SINGLE = const(2)
ENUM_DETAILS = const(3)
