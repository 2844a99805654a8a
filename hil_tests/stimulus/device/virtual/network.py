# The network behind a modem model: each datagram goes to the host over the console, and back.
# SPDX-License-Identifier: Apache-2.0


class Network:
    # tell(number, host, port, data) is called with each datagram that a modem sends.
    def __init__(self, world, tell):
        world.random.getrandbits(64)  # the virtual bench's network takes its seed at this place
        self.tell = tell
        self._lines = {}
        self._next = 0

    def open(self, deliver, modem=None):
        self._next += 1
        self._lines[self._next] = line = Line(self, self._next, deliver)
        return line

    def close(self, number):
        self._lines.pop(number, None)

    # A datagram from the host for one line; False if the modem has closed it meanwhile.
    def down(self, number, data):
        line = self._lines.get(number)
        if line:
            line.deliver(data, line.target)
        return line is not None


class Line:
    def __init__(self, network, number, deliver):
        self.network = network
        self.number = number
        self.deliver = deliver
        self.target = None

    def send(self, host, port, data):
        self.target = (host, port)
        self.network.tell(self.number, host, port, data)

    def close(self):
        self.network.close(self.number)
