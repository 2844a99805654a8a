# functools.partial, for positional arguments.
# SPDX-License-Identifier: Apache-2.0


def partial(function, *first):
    return lambda *rest: function(*(first + rest))
