"""Guesses at registers: what moved, how far beyond its noise, and under which name and scale."""

import pytest
from fieldbeat.host_tools import modbus_learning, register_map
from fieldbeat.host_tools.modbus_learning import QUANTITIES, guesses, to_map


def samples(**columns) -> list[dict[int, int]]:
    """Registers by 'r5', each with its values in time."""
    rows = zip(*columns.values(), strict=True)
    return [
        {int(name[1:]): value for name, value in zip(columns, row, strict=True)} for row in rows
    ]


REST = samples(r0=[300, 302, 301], r1=[215, 216, 215], r2=[900, 900, 900], r3=[0, 0, 0])


def test_the_register_that_follows_is_proposed_first():
    warm = samples(r0=[303, 300, 301], r1=[250, 270, 290], r2=[900, 901, 900], r3=[0, 0, 0])
    found = guesses("temperature", REST, warm)
    assert [(g.register, g.scale, g.signed) for g in found[:1]] == [(1, 10, True)]
    assert {g.register for g in found} == {1}
    assert found[0].value == pytest.approx(21.53, abs=0.01) and found[0].moved > 20


def test_what_goes_the_wrong_way_is_not():
    cold = samples(r0=[303, 300, 301], r1=[190, 170, 150], r2=[900, 901, 900], r3=[0, 0, 0])
    assert guesses("temperature", REST, cold) == []  # a warm hand does not cool
    assert [g.register for g in guesses("ph", *acid())][:1] == [0]


def acid():
    rest = samples(r0=[68, 68, 69], r1=[215, 216, 215])
    return rest, samples(r0=[60, 48, 41], r1=[215, 215, 216])


def test_noise_alone_is_no_movement():
    again = samples(r0=[303, 299, 301], r1=[216, 215, 217], r2=[900, 901, 899], r3=[0, 1, 0])
    for name in QUANTITIES:
        assert guesses(name, REST, again) == []


def test_a_temperature_below_zero_has_a_sign():
    rest = samples(r1=[0xFFD8, 0xFFD9, 0xFFD8])  # -4.0
    assert guesses("temperature", rest, samples(r1=[0xFFE0, 2, 60])) == []  # nobody's desk
    rest = samples(r1=[90, 91, 90])
    [best, *_] = guesses("temperature", rest, samples(r1=[120, 150, 190]))
    assert best.signed and best.entry["signed"]


def test_two_registers_where_one_is_not_enough():
    rest = samples(r9=[5, 5, 5], r10=[0, 0, 0], r11=[400, 402, 401])
    lit = samples(r9=[5, 5, 5], r10=[0, 1, 1], r11=[60_000, 20_000, 32_464])
    best = guesses("illuminance", rest, lit)[0]
    assert (best.register, best.words, best.low_first) == (10, 2, False)
    swapped = (
        samples(r9=[400, 402, 401], r10=[0, 0, 0]),
        samples(r9=[60_000, 20_000, 32_464], r10=[0, 1, 1]),
    )
    best = guesses("illuminance", *swapped)[0]
    assert (best.register, best.words, best.low_first) == (9, 2, True)


def test_the_map_that_comes_of_it_can_be_read_again(tmp_path):
    warm = samples(r0=[303, 300, 301], r1=[250, 270, 290], r2=[900, 901, 900], r3=[0, 0, 0])
    data = to_map("a probe", "learned", 4, guesses("temperature", REST, warm)[:1])
    path = tmp_path / "probe.json"
    path.write_text(register_map.to_text(data))
    found = register_map.load(str(path))
    assert found.function == 4 and found.registers[0].told({1: 0xFF9B}) == "-10.1"


def test_every_quantity_says_what_to_do():
    for name, quantity in modbus_learning.QUANTITIES.items():
        assert len(quantity.stimulus) > 10 and quantity.low < quantity.high, name
