# Cuts the power at every point between reserving a sequence number and sending what it has sealed.
# SPDX-License-Identifier: Apache-2.0
#
#   python -m protocols.tests.sequence_campaign    the full campaign, with what each point has seen
#
# A life is a boot and some frames. It ends in a cut, after which a value that was set but not yet
# committed is either there or not; or a write is refused and the life goes on. every_history()
# walks the tree of all such lives one after the other; long_history() is one device that is cut
# again and again, with new keys now and then. Both look at the frames themselves: a (key, PIV)
# pair counts as used once it has sealed, sent or not.
from collections import namedtuple

from protocols import frame
from protocols.sequence import Sequence
from protocols.tests.link import Random

POINTS = ("before set", "before commit", "stored", "numbered", "sealed", "sent")

_MASTER = bytes(range(16))
_KID = b"\x01\x02"
_EPOCHS = 4  # in the long history
_STORES_A_LIFE = 2

Result = namedtuple("Result", ("resets", "refused", "sealed", "repeated"))


class Cut(Exception):
    pass


class Power:
    # Fails at step number `at` of a life. Or refuses the write there, if it is one.
    def __init__(self, at, refuses=False):
        self._left = at
        self._refuses = refuses
        self.point = None  # where it has happened

    def reach(self, point):
        self._left -= 1
        if self._left == 0:
            self.point = point
            if not self._refuses:
                raise Cut
            if point in POINTS[:2]:
                raise OSError(-0x1105)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE


class Nvs:
    # As esp32.NVS. What was set is read back at once, and safe after commit().
    def __init__(self, values):
        self.values = values
        self.pending = {}
        self.power = Power(0)

    def get_i32(self, name):
        if name in self.pending:
            return self.pending[name]
        if name in self.values:
            return self.values[name]
        raise OSError(-0x1102)  # ESP_ERR_NVS_NOT_FOUND

    def set_i32(self, name, value):
        self.power.reach("before set")
        self.pending[name] = value

    def commit(self):
        self.power.reach("before commit")
        self.values.update(self.pending)
        self.pending = {}
        self.power.reach("stored")

    def after_reset(self, survives):
        # -> the flash as the next life finds it.
        values = dict(self.values)
        if survives:
            values.update(self.pending)
        return values


def load(nvs):
    try:
        return nvs.get_i32("seq_limit")
    except OSError:
        return 0


def store(nvs, limit):
    nvs.set_i32("seq_limit", limit)
    nvs.commit()


def sound(block):
    # -> make(nvs) of the real thing, as firmware/secrets.py makes it.
    return lambda nvs: Sequence(lambda: load(nvs), lambda limit: store(nvs, limit), block)


class Campaign:
    # make(nvs) -> a sequence after a boot.
    def __init__(self, make, block):
        self._make = make
        self._block = block
        self._keys = {}  # epoch -> KeySet: to derive them at each boot would only take time
        self._resets = {point: 0 for point in POINTS}
        self._refused = self._sealed = self._repeated = 0

    def result(self):
        return Result(self._resets, self._refused, self._sealed, self._repeated)

    def every_history(self, depth):
        # All series of `depth` lives, each of a frame more than a block, from an empty flash.
        self._branch({}, set(), depth)
        return self.result()

    def _branch(self, values, used, depth):
        frames = self._block + 1
        if not depth:
            self._live(Nvs(values), set(used), frames)
            return
        for at in range(1, 3 * frames + 3 * _STORES_A_LIFE + 1):
            for refuses in (False, True):
                seen = set(used)
                nvs = Nvs(dict(values))
                power = Power(at, refuses)
                if self._life(nvs, seen, power, frames) or power.point in POINTS[:2]:
                    self._branch(nvs.after_reset(False), seen, depth - 1)
                    if nvs.pending:
                        self._branch(nvs.after_reset(True), seen, depth - 1)

    def long_history(self, resets, seed):
        # One device; sometimes new keys, whose epoch may itself be lost in the cut.
        random = Random(seed)
        used = set()
        values = {}
        while sum(self._resets.values()) < resets:
            nvs = Nvs(values)
            long = random.below(50) == 0  # far enough for a second block
            frames = 2 * self._block if long else 8
            nvs.power = Power(1 + random.below(3 * frames), random.below(8) == 0)
            try:
                if random.below(50) == 0:
                    nvs.set_i32("epoch", (values.get("epoch", 0) + 1) % _EPOCHS)
                    nvs.commit()
            except (Cut, OSError):
                pass
            else:
                self._life(nvs, used, nvs.power, frames)
            values = nvs.after_reset(random.below(2))
        return self.result()

    def _life(self, nvs, used, power, frames):
        # -> whether the power was cut.
        nvs.power = power
        try:
            self._live(nvs, used, frames)
        except Cut:
            self._resets[power.point] += 1
            return True
        return False

    def _live(self, nvs, used, frames):
        keys = self._keyset(nvs)
        sequence = self._make(nvs)
        for _ in range(frames):
            try:
                piv = sequence.next()
            except OSError:
                self._refused += 1
                continue  # nothing is sealed in this wake
            nvs.power.reach("numbered")
            self._note(keys, keys.seal(frame.TELEMETRY, frame.UP, piv, b"\0"), used)
            nvs.power.reach("sealed")
            nvs.power.reach("sent")

    def _note(self, keys, sealed, used):
        self._sealed += 1
        pair = keys.epoch << 40 | frame.parse(sealed).piv
        if pair in used:
            self._repeated += 1
        used.add(pair)

    def _keyset(self, nvs):
        try:
            epoch = nvs.get_i32("epoch")
        except OSError:
            epoch = 0
        if epoch not in self._keys:
            self._keys[epoch] = frame.KeySet(_MASTER, _KID, epoch)
        return self._keys[epoch]


def full(resets=250000, seed=1):
    # -> (what was done, Result) of each part; over all of them 100,000 resets at every point.
    for block, depth in ((1, 4), (2, 4), (4, 3)):
        yield (
            "block %d, %d lives" % (block, depth),
            Campaign(sound(block), block).every_history(depth),
        )
    for block in (1, 4, 256):
        yield (
            "block %d, one device" % block,
            Campaign(sound(block), block).long_history(resets, seed),
        )


if __name__ == "__main__":
    total = {point: 0 for point in POINTS}
    for name, result in full():
        print("%-22s sealed %8d, repeated %d" % (name, result.sealed, result.repeated))
        for point in POINTS:
            total[point] += result.resets[point]
    print("resets:", ", ".join("%s %d" % (point, total[point]) for point in POINTS))
