# The jitter buffer: order, loss, silence, sources, clocks that disagree.
# SPDX-License-Identifier: Apache-2.0
from array import array
from struct import pack, unpack

from protocols import g711, rtp
from protocols.jitter import BUFFERING, CONCEALED, PLAYED, SILENCE, JitterBuffer
from protocols.resample import Doubler
from protocols.tests.stream import SIZE, Noise, Player, arrivals, datagram
from protocols.tests.support import raises


def player(depth_ms=60):
    return Player(JitterBuffer(depth_ms, 20, 16000, rtp.PCMA))


def played(out, packets, **stream):
    # packets: (ms, index)
    for ms, index in packets:
        out.put(1000 * ms, datagram(index, **stream))
    return out


def steady(indices):
    return [(20 * index + 1, index) for index in indices]


def test_in_order():
    out = played(player(), steady(range(50)))
    # The first one is heard when one has come that is 60 ms younger.
    assert list(out.heard) == [-BUFFERING] * 4 + list(range(46))
    buffer = out.buffer
    assert (buffer.received, buffer.lost, buffer.late, buffer.duplicate) == (50, 0, 0, 0)
    assert (buffer.concealed, buffer.skipped, buffer.inserted) == (0, 0, 0)
    assert buffer.longest_gap_ms == 0 and buffer.jitter_ms() == 0
    assert buffer.buffered_ms() == 80


def test_numbers_that_wrap():
    for sequence, timestamp in ((65500, 2**32 - 5 * SIZE), (0, 2**28 - 20 * SIZE), (40000, 7)):
        out = played(player(), steady(range(100)), sequence=sequence, timestamp=timestamp)
        assert out.played() == list(range(96))
        assert out.buffer.lost == 0


def test_out_of_order():
    order = [1, 0, 2, 5, 3, 4, 6, 9, 8, 7, 10, 11, 12, 13]
    out = played(player(80), [(20 * at + 1, index) for at, index in enumerate(order)])
    out.until(400_000)
    assert out.played() == list(range(14))
    assert out.buffer.lost == 0


def test_duplicates_are_heard_once():
    packets = [(20 * (i // 2) + 1 + i % 2, i // 2) for i in range(60)]
    out = played(player(), packets)
    assert out.played() == list(range(len(out.played())))
    assert (out.buffer.received, out.buffer.duplicate) == (30, 30)


def test_one_lost():
    out = played(player(), steady([i for i in range(40) if i != 20]))
    assert out.kinds() == [PLAYED] * 20 + [CONCEALED] + [PLAYED] * 15
    assert (out.buffer.lost, out.buffer.concealed, out.buffer.longest_gap_ms) == (1, 1, 20)


def test_concealment_is_the_last_frame_and_fades():
    buffer = JitterBuffer(20, 20, 16000, rtp.PCMA)
    for index in (0, 1, 6):
        buffer.put(rtp.parse(datagram(index, payload=b"\x25" * SIZE)), 0)  # -16896
    dst = bytearray(2 * SIZE)
    frames = []
    for _ in range(7):
        frames.append((buffer.get(dst), unpack("<%dh" % SIZE, dst)))
    kinds = [kind for kind, _ in frames]
    assert kinds == [PLAYED] * 2 + [CONCEALED] * 3 + [SILENCE] + [PLAYED]
    last = -16896
    for n in (2, 3, 4):
        samples = frames[n][1]
        assert list(samples) == sorted(samples)
        assert samples[0] == last or abs(samples[0] - last) < 100
        last = samples[-1]
    assert abs(last) < 100
    assert set(frames[5][1]) == {0}
    # And softly in again.
    assert abs(frames[6][1][0]) < 100 and set(frames[6][1][SIZE // 4 :]) == {-16896}


def test_the_end_and_another_beginning():
    out = played(player(), steady(range(10)))
    out.until(500_000)
    assert out.kinds() == [PLAYED] * 10 + [CONCEALED] * 3 + [BUFFERING] * (len(out.heard) - 17)
    assert not out.buffer.playing
    assert set(out.dst) == {0}
    packets = [(501 + 20 * index, index) for index in range(20)]
    played(out, packets, sequence=777, timestamp=5, ssrc=8)
    assert out.played() == list(range(10)) + list(range(16))
    assert out.buffer.refused == 0


def test_late():
    packets = [(ms, index) for ms, index in steady(range(40)) if index != 20] + [(521, 20)]
    out = played(player(), sorted(packets))
    assert out.kinds()[19:22] == [PLAYED, CONCEALED, PLAYED]
    assert (out.buffer.late, out.buffer.lost, out.buffer.duplicate) == (1, 0, 0)


def test_a_stall_and_what_it_held_back():
    # Nothing for 300 ms, then all of it at once: there is a new wait, and no packet is lost.
    packets = [(max(ms, 601) if 300 < ms < 601 else ms, index) for ms, index in steady(range(60))]
    out = played(player(), packets)
    assert out.played() == list(range(len(out.played())))
    assert out.kinds().count(CONCEALED) == 3 and SILENCE not in out.kinds()
    assert (out.buffer.lost, out.buffer.late, out.buffer.duplicate) == (0, 0, 0)


def test_l16_has_any_dynamic_type_and_keeps_to_it():
    frame = b"\1\0" * SIZE
    for kind, other in ((rtp.L16, 97), (97, 101), (127, rtp.L16), (96, 97)):
        buffer = JitterBuffer(20, 20, 16000, rtp.L16)
        taken = []
        for index in range(4):
            one = kind if index != 2 else other
            data = datagram(index, kind=one, payload=frame)
            taken.append(buffer.put(rtp.parse(data), 20 * index))
        assert taken == [True, True, False, True] and buffer.refused == 1, (kind, other)
    for codec, kind in ((rtp.PCMU, 97), (rtp.PCMA, 96), (rtp.L16, 95), (rtp.L16, rtp.PCMU)):
        buffer = JitterBuffer(20, 20, 16000, codec)
        assert not buffer.put(rtp.parse(datagram(0, kind=kind, payload=frame)), 0)
        assert buffer.refused == 1


def test_nobody_else_while_a_source_plays():
    out = player()
    for ms, index in steady(range(50)):
        out.put(1000 * ms, datagram(index))
        out.put(1000 * ms, datagram(index + 5000, ssrc=8, sequence=100, timestamp=99))
    assert out.played() == list(range(46))
    assert out.buffer.refused == 50


def test_a_stray_packet_before_the_stream():
    out = player()
    out.put(0, datagram(1000, ssrc=9, sequence=9999, timestamp=12345))
    played(out, steady(range(50)))
    # Of two strangers in a row the second one is believed.
    assert out.played() == list(range(1, 46))
    # The same source with numbers from elsewhere.
    out = player()
    out.put(0, datagram(1000, sequence=9999, timestamp=123456789))
    played(out, steady(range(50)))
    assert out.played() == list(range(46))


def test_numbers_that_jump():
    # The sender begins anew under its old name: it waits until the old stream has ended.
    out = played(player(), steady(range(20)))
    packets = [(401 + 20 * index, index) for index in range(60)]
    played(out, packets, sequence=30000, timestamp=2**31)
    heard = out.played()
    assert heard[:20] == list(range(20))
    assert 0 < heard[20] < 12 and heard[20:] == list(range(heard[20], heard[-1] + 1))


def test_refused():
    buffer = JitterBuffer(60, 20, 16000, rtp.PCMA)
    for data in (
        datagram(0, kind=rtp.PCMU),
        datagram(0, kind=72),  # RTCP
        datagram(0, payload=b""),
        datagram(0, payload=bytes(520 * 16 + 1)),
    ):
        assert buffer.put(rtp.parse(data), 0) is False
    assert (buffer.refused, buffer.received) == (4, 0)
    assert buffer.put(rtp.parse(datagram(0, payload=bytes(520 * 16))), 0)
    wide = JitterBuffer(60, 20, 16000, rtp.L16)
    assert wide.put(rtp.parse(datagram(0, kind=rtp.L16, payload=bytes(641))), 0) is False
    raises(ValueError, JitterBuffer, 60, 20, 44100, rtp.PCMU)
    raises(ValueError, JitterBuffer, 60, 20, 8000, 14)


def heard_of(buffer, packets, size):
    # All that is played of packets that come at once.
    for index, payload in enumerate(packets):
        data = datagram(index, kind=buffer._payload_type, size=size, payload=payload)
        assert buffer.put(rtp.parse(data), 0)
    dst = bytearray(2 * buffer.samples)
    out = bytearray()
    while buffer.get(dst) == PLAYED:
        out += dst
    return out


def test_every_codec_at_both_rates():
    codes = bytes([(37 * i) & 0xFF for i in range(640)])
    for codec, table in ((rtp.PCMU, g711.ulaw_table()), (rtp.PCMA, g711.alaw_table())):
        samples = array("h", [table[code] for code in codes])
        doubled = bytearray(4 * 640)
        Doubler().double(samples, doubled)
        packets = [codes[at : at + 160] for at in range(0, 640, 160)]
        out = heard_of(JitterBuffer(60, 20, 8000, codec), packets, 160)
        assert out[160:] == doubled[160:], codec  # 80 of 320 samples are faded in
        packets = [codes[at : at + 320] for at in range(0, 640, 320)]
        out = heard_of(JitterBuffer(20, 20, 16000, codec), packets, 320)
        assert out[160:] == bytearray(samples)[160:]
    values = [(i * 7919) % 60000 - 30000 for i in range(640)]
    big = pack(">640h", *values)
    packets = [big[at : at + 320] for at in range(0, 1280, 320)]
    out = heard_of(JitterBuffer(60, 20, 8000, rtp.L16, 97), packets, 160)
    doubled = bytearray(4 * 640)
    Doubler().double(array("h", values), doubled)
    assert out[160:] == doubled[160:]
    packets = [big[at : at + 640] for at in range(0, 1280, 640)]
    out = heard_of(JitterBuffer(20, 20, 16000, rtp.L16), packets, 320)
    assert out[160:] == pack("<640h", *values)[160:]


def test_packets_of_other_lengths():
    # As ffmpeg sends them if nobody tells it otherwise: 1024 samples; and shorter than a frame.
    for size in (1024, 200, 80):
        buffer = JitterBuffer(60, 20, 8000, rtp.PCMA)
        dst = bytearray(640)
        kinds = []
        sent = 0
        for now_ms in range(5000):
            if now_ms >= sent * size // 8:
                data = datagram(sent, size=size, payload=b"\x25" * size)
                buffer.put(rtp.parse(data), now_ms)
                sent += 1
            if now_ms % 20 == 10:
                kinds.append(buffer.get(dst))
        while kinds[0] == BUFFERING:
            kinds.pop(0)
        assert set(kinds) == {PLAYED}, size
        assert buffer.late == buffer.lost == buffer.refused == 0


def noisy(out, is_lost, seed):
    # 20 s of packets, each with up to 60 ms of delay. -> those that are lost
    noise = Noise(seed)
    gone = []

    def lost(index):
        if is_lost(index, noise):
            gone.append(index)
            return True
        return False

    for us, index in arrivals(1000, noise, 20_000, 60_000, lost):
        out.put(us, datagram(index))
    return gone


def longest_run(numbers):
    # Of numbers one after the other.
    longest = run = 0
    for i, number in enumerate(numbers):
        run = run + 1 if i and numbers[i - 1] == number - 1 else 1
        longest = max(longest, run)
    return longest


def check_gaps(out, gone):
    # What is missing is what the network lost, and at most one frame that was left out, since the
    # first packets took long: nothing else, and nothing twice.
    heard = out.played()
    assert heard[0] == 0 and heard[-1] > 980
    missing = [i for i in range(heard[0], heard[-1]) if i not in heard and i not in gone]
    assert len(missing) <= out.buffer.skipped <= 1
    assert heard == sorted(set(heard))
    assert out.buffer.late == out.buffer.duplicate == 0


def one_of_twenty(index):
    return index % 20 == (index // 20 * 7 + 3) % 17


def test_loss_of_5_percent_and_60_ms_of_jitter():
    # One of twenty in a row, never two: no gap is longer than a packet, and none is silent.
    for seed in range(4):
        out = player()
        gone = noisy(out, lambda index, _: one_of_twenty(index), seed)
        check_gaps(out, gone)
        assert len(gone) == 50 and longest_run(gone) == 1
        assert set(out.kinds()) == {PLAYED, CONCEALED}
        assert out.buffer.longest_gap_ms == 20
        assert out.buffer.inserted == 0
        assert 10 < out.buffer.jitter_ms() < 40


def test_loss_by_chance():
    # A gap is as long as what the network lost in a row.
    for seed in range(4):
        out = player()
        gone = noisy(out, lambda _, noise: noise.below(100) < 5, seed)
        check_gaps(out, gone)
        assert 25 < len(gone) < 80
        assert out.buffer.longest_gap_ms == 20 * longest_run(gone)


def drift(packet_us, jitter_us, is_lost):
    # 10 minutes of a sender whose clock is another one. -> the buffer, and its levels
    out = player()
    levels = []
    count = 600_000_000 // packet_us
    for us, index in arrivals(count, Noise(5), packet_us, jitter_us, is_lost):
        out.put(us, datagram(index))
        if index % 500 == 499:
            levels.append(out.buffer.buffered_ms())
            assert index < 500 or set(out.kinds()) <= {PLAYED, CONCEALED}
            out.heard = array("h")
    return out.buffer, levels


def test_clocks_200_ppm_apart():
    # 10 minutes: 120 ms, six frames. The level stays where it was, on a bad network, too.
    for packet_us, jitter_us in ((19_996, 0), (20_004, 0), (19_996, 60_000), (20_004, 60_000)):
        is_lost = one_of_twenty if jitter_us else None
        buffer, levels = drift(packet_us, jitter_us, is_lost)
        fast = packet_us < 20_000
        changed, other = buffer.skipped, buffer.inserted
        if not fast:
            changed, other = other, changed
        assert 3 <= changed <= 7 and other <= 1, (packet_us, changed, other)
        assert max(levels) - min(levels) <= 100
        assert buffer.late == 0 and buffer.lost // 100 == (15 if is_lost else 0)
        assert buffer.longest_gap_ms <= 20
