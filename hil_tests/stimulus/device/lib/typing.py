# The names of CPython's typing that the device models use; none of them does anything here.
# SPDX-License-Identifier: Apache-2.0


class Alias:
    # What stands before square brackets: Callable[[int], str]. `made` is what comes of it.
    def __init__(self, made=None):
        self.made = made

    def __getitem__(self, parameters):
        return self.made or self

    def __call__(self, *arguments):
        return self.made(*arguments)


class Protocol:
    pass


Any = Callable = Alias()
