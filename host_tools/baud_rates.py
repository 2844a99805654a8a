"""The speed of a unit's serial port while an image is written; an option's default imports it."""

# SPDX-License-Identifier: Apache-2.0

FAST_BAUD = 460_800
