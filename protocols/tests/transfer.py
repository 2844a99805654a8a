# A transfer for tests: the bytes at both ends, and messages that go to and fro until it ends.
# SPDX-License-Identifier: Apache-2.0
from protocols import blocks
from protocols.block_receiver import Receiver
from protocols.block_sender import Sender
from protocols.tests.link import picture

RETRY_MS = 10000


class Object:
    # The bytes to send, and the storage at the other end, which outlives a reset.
    def __init__(self, count=4, number=7, seed=1, last=3):
        self.data = picture((count - 1) * 5 + last if count else 0, seed)
        self.copy = bytearray(len(self.data))
        self.header = blocks.describe(number, len(self.data), 5, self.read, 9, blocks.LOG)
        self.wanted = True
        self.asked = []  # the headers that wanted() was asked about

    def read(self, offset, size):
        return self.data[offset : offset + size]

    def write(self, offset, data):
        self.copy[offset : offset + len(data)] = data

    def reread(self, offset, size):
        return bytes(self.copy[offset : offset + size])

    def want(self, header):
        self.asked.append(header)
        return self.wanted

    def sender(self, state=None, window=2):
        return Sender(self.header, self.read, state, window, RETRY_MS)

    def receiver(self, state=None):
        return Receiver(self.want, self.write, self.reread, state)

    def arrived(self):
        return bytes(self.copy) == self.data


def run(sender, receiver, lost=0, steps=200):
    # Bit n of lost: datagram n, counted over both directions, does not arrive. -> (datagrams, ms)
    n = now_ms = 0
    while sender.result is None:
        message = sender.next(now_ms)
        if message is None:
            assert sender.wait_ms(now_ms) > 0
            now_ms += sender.wait_ms(now_ms)
            continue
        n += 1
        answer = None if lost >> n - 1 & 1 else receiver.receive(message)
        if answer is not None:
            n += 1
            if not lost >> n - 1 & 1:
                sender.receive(answer, now_ms)
        assert n < steps
    return n, now_ms


def all_messages(header, read, ask=1):
    messages = [blocks.encode_header(header, ask)]
    for index in range(header.chunks()):
        data = read(index * header.chunk, header.size(index))
        messages.append(blocks.encode_chunk(header, index, data, ask + 1 + index))
    return messages


def status(answer):
    return blocks.parse(answer)[0]
