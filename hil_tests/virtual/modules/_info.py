# What the bench told this board when it was reset; the bootstrap fills it in.
# SPDX-License-Identifier: Apache-2.0
mac = b""
reset_cause = 1
