# The codes of reasons by their names: a table for hosts and tests.
# SPDX-License-Identifier: Apache-2.0
from .reasons import names

CODES = {name: code + 1 for code, name in enumerate(names())}
