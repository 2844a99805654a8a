"""What `alert send` makes: signed commands that a stock COSE library and a unit take."""

import pytest
from fieldbeat.host_tools import issuer_keys, signed_commands, sounds
from fieldbeat.host_tools.alert_error import AlertError
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.issuers import IssuerError, Issuers
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window
from fieldbeat.host_tools.sounds import Sound, speech
from fieldbeat.host_tools.strict_cbor import loads
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import command, cose
from fieldbeat.protocols.authority import Authority
from fieldbeat.protocols.command import DAILY, DRILL, EMERGENCY
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import Es256
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.messages import Sign1Message

from .sender import NOW_S

NOW_T = int(NOW_S) - DEVICE_EPOCH_S
HALF_AN_HOUR = Window(0, NOW_S + 1800)


@pytest.fixture
def registry(tmp_path):
    made = Registry(tmp_path / "registry.sqlite", now=lambda: NOW_S)
    for n in range(1, 41):
        site = "riverside" if n <= 20 else "Hilltop"
        made.allocate(f"sp-{n:02}")
        groups = "7" if n % 10 == 0 else ""
        made.describe(f"sp-{n:02}", "x", role="speaker", site=site, groups=groups)
    made.allocate("gh-1")
    made.describe("gh-1", "x", site="riverside")
    yield made
    made.close()


@pytest.fixture
def issuers(registry):
    return Issuers(registry, now=lambda: NOW_S)


def signer(issuers, name="county", algorithm=cose.ES256, class_=EMERGENCY, level=1):
    key = issuer_keys.generate(algorithm)
    return Signer(issuers.add(name, algorithm, key.public, class_, level), key)


def order(class_=EMERGENCY, level=1, **options):
    return Sound(class_, level, [sounds.tone("two-tone", 3), *speech("洪水警报")], **options)


def maker(issuers, *signers):
    return Maker(issuers, signers, NOW_S + 0.25)


def authority(*signers, **options):
    known = [each.issuer for each in signers]
    return Authority({issuer.kid: issuer.for_units() for issuer in known}, {}, **options)


# What is signed


def test_a_stock_library_verifies_what_was_signed(registry, issuers):
    county = signer(issuers)
    (made,) = maker(issuers, county).alert(
        order(volume=90, event="11B06", repeat=3), HALF_AN_HOUR, choose(registry, units=["sp-03"])
    )
    assert made.plaintext[0] == 0xC0 | Sign1Message.cbor_tag
    # CoseMessage.decode() does not know what cbor2 6 makes of a tag: this is the step after it.
    told = loads(made.plaintext[1:])
    message = Sign1Message.from_cose_obj(list(told), True)
    payload = message.payload
    public = county.key.public
    message.key = EC2Key(crv="P_256", x=public[:32], y=public[32:])
    assert message.verify_signature()
    assert message.phdr == {Algorithm: Es256, KID: county.issuer.kid}
    message._payload += b"!"
    assert not message.verify_signature()
    assert loads(payload) == {
        0: 1,
        1: made.id,
        2: registry.unit("sp-03").kid,
        4: NOW_T + 1800,
        5: NOW_T,
        6: {
            0: 2,
            1: 1,
            2: [[0, 1, 3000], [2, 1, bytes.fromhex("bae9cbaebeafb1a8")]],  # as iconv has it
            3: 3,
            4: 90,
            5: "11B06",
        },
        7: [NOW_T, 250],
    }
    assert [unit.name for unit in made.units] == ["sp-03"]


@pytest.mark.parametrize("algorithm", [cose.ES256, cose.SM2_SM3])
def test_a_unit_obeys_what_is_meant_for_it_once(registry, issuers, algorithm):
    county = signer(issuers, algorithm=algorithm)
    (made,) = maker(issuers, county).alert(
        order(), HALF_AN_HOUR, choose(registry, units=["sp-03", "sp-04"])
    )
    kid, other = registry.unit("sp-03").kid, registry.unit("sp-05").kid
    unit = authority(county)
    assert unit.check(made.plaintext, other, (), NOW_T, True).reason == "cmd_target"
    verdict = unit.check(made.plaintext, kid, (), NOW_T, True)
    assert (verdict.reason, verdict.issuers) == (None, (county.issuer.kid,))
    assert verdict.command.args.content[1][2].decode("gbk") == "洪水警报"
    unit.accept(verdict)
    assert unit.check(made.plaintext, kid, (), NOW_T, True).reason == "cmd_counter"
    late = authority(county).check(made.plaintext, kid, (), NOW_T + 1800, True)
    assert late.reason == "cmd_expired"
    stranger = authority(signer(issuers, "stranger"))
    assert stranger.check(made.plaintext, kid, (), NOW_T, True).reason == "cmd_issuer"


def test_two_issuers(registry, issuers):
    county, province = signer(issuers), signer(issuers, "province", cose.SM2_SM3)
    parts = choose(registry, units=["sp-03"])
    kid = registry.unit("sp-03").kid
    (one,) = maker(issuers, county).alert(order(), HALF_AN_HOUR, parts)
    (both,) = maker(issuers, county, province).alert(order(), HALF_AN_HOUR, parts)
    unit = authority(county, province, two_for={(EMERGENCY, 1)})
    assert unit.check(one.plaintext, kid, (), NOW_T, True).reason == "cmd_second_issuer"
    verdict = unit.check(both.plaintext, kid, (), NOW_T, True)
    assert verdict.reason is None
    assert verdict.issuers == (county.issuer.kid, province.issuer.kid)
    assert signed_commands.opened(both.plaintext).id == both.id


def test_a_daily_alert_needs_no_signature_where_a_site_says_so(registry, issuers):
    parts = choose(registry, groups=[7])
    (made,) = maker(issuers).alert(order(DAILY, 4), HALF_AN_HOUR, parts)
    (drill,) = maker(issuers).alert(order(DRILL, 4), HALF_AN_HOUR, parts)
    for unit, sent, reason in (
        (authority(signed_from=DRILL), made, None),
        (authority(signed_from=DRILL), drill, "cmd_unsigned"),
        (authority(), made, "cmd_unsigned"),
    ):
        verdict = unit.check(sent.plaintext, b"\0\3", (7,), NOW_T, True)
        assert verdict.reason == reason and verdict.command.counter is None


def test_every_command_has_its_own_number_and_id(registry, issuers):
    county = signer(issuers)
    made = maker(issuers, county).alert(order(), HALF_AN_HOUR, choose(registry, areas=["Hilltop"]))
    made += maker(issuers, county).alert(order(), HALF_AN_HOUR, choose(registry, everyone=True))
    told = [signed_commands.opened(each.plaintext) for each in made]
    assert [each.counter for each in told] == [NOW_T, NOW_T + 1, NOW_T + 2]
    assert len({each.id for each in told}) == 3
    assert told[2].target is True


def test_a_start_in_the_future(registry, issuers):
    county = signer(issuers)
    parts = choose(registry, units=["sp-01"])
    window = Window(NOW_S + 600, NOW_S + 900)
    (made,) = maker(issuers, county).alert(order(), window, parts)
    told = signed_commands.opened(made.plaintext)
    assert (told.not_before, told.expires) == (NOW_T + 600, NOW_T + 900)


def test_what_an_issuer_may_not_order_costs_no_number(registry, issuers):
    school = signer(issuers, "school", class_=DRILL, level=3)
    parts = choose(registry, units=["sp-01"])
    with pytest.raises(IssuerError) as caught:
        maker(issuers, school).alert(order(EMERGENCY, 4), HALF_AN_HOUR, parts)
    assert str(caught.value) == (
        "issuer school may order drill and below, levels 3 to 4, not an emergency of level 4, "
        "the lowest; next: choose another one with --issuer"
    )
    with pytest.raises(IssuerError, match="not a drill of level 2"):
        maker(issuers, school).alert(order(DRILL, 2), HALF_AN_HOUR, parts)
    long = Sound(DRILL, 3, speech("水" * 700))
    with pytest.raises(AlertError, match=r"the command has \d+ bytes.*; next: shorten the text"):
        maker(issuers, school).alert(long, HALF_AN_HOUR, parts)
    many = Sound(DRILL, 3, [sounds.clip("bell")] * 9)
    with pytest.raises(AlertError, match="9 steps, 8 are allowed"):
        maker(issuers, school).alert(many, HALF_AN_HOUR, parts)
    wrong = Sound(DRILL, 3, [sounds.clip("bell")], repeat=101)
    with pytest.raises(AlertError, match="command refused: repeat"):
        maker(issuers, school).alert(wrong, HALF_AN_HOUR, parts)
    assert issuers.get("school").counter == 0


def test_the_longest_text_that_fits(registry, issuers):
    county = signer(issuers)
    parts = choose(registry, units=[f"sp-{n:02}" for n in range(1, 17)])
    for size in range(500, 700):
        try:
            (made,) = maker(issuers, county).alert(
                Sound(EMERGENCY, 1, speech("水" * size)), HALF_AN_HOUR, parts
            )
        except AlertError:
            break
    assert (
        signed_commands.MAX_BYTES - 2 <= len(made.plaintext) <= signed_commands.MAX_BYTES
        and size > 500
    )


def test_a_cancel_names_the_same_places(registry, issuers):
    county = signer(issuers)
    sent = maker(issuers, county).alert(order(), HALF_AN_HOUR, choose(registry, areas=["Hilltop"]))
    cancels = maker(issuers, county).cancel((EMERGENCY, 1), sent, NOW_S + 1800)
    for alert, cancel in zip(sent, cancels, strict=True):
        told = signed_commands.opened(cancel.plaintext)
        assert told.command == command.CANCEL and told.args == alert.id != told.id
        assert told.target == signed_commands.opened(alert.plaintext).target
        assert cancel.units == alert.units
    school = signer(issuers, "school", class_=DRILL)
    with pytest.raises(IssuerError, match="not an emergency of level 1"):
        maker(issuers, school).cancel((EMERGENCY, 1), sent, NOW_S + 1800)


def test_units_are_told_of_issuers(registry, issuers):
    county, old = signer(issuers), signer(issuers, "old")
    new = signer(issuers, "new", cose.SM2_SM3, DRILL, 2)
    unit = authority(county, old)
    args = [new.issuer.for_units()], [old.issuer.kid]
    asked = [(part, args) for part in choose(registry, everyone=True)]
    (made,) = maker(issuers, county).make(command.ISSUERS, (EMERGENCY, 1), HALF_AN_HOUR, asked)
    verdict = unit.check(made.plaintext, b"\0\1", (), NOW_T, True)
    assert verdict.reason is None
    after = unit.issuers_after(verdict.command)
    assert set(after) == {county.issuer.kid, new.issuer.kid}


# What is spoken


def test_no_text_is_an_order_to_the_chip():
    assert speech("[v0]Leave [now]") == [[2, 1, b"(v0)Leave (now)"]]


def test_text_in_gbk():
    assert speech("汛情 Level 3") == [[2, 1, "汛情 Level 3".encode("gbk")]]
    assert speech(" Flood\n\n  Leave now! \nGo ") == [[2, 1, b"Flood. Leave now! Go"]]
    assert speech("洪水\n撤离") == [[2, 1, "洪水。撤离".encode("gbk")]]


@pytest.mark.parametrize("text", ["", " \n\t ", "\U0001f6a8 Fire", "Œuvre", "\x1b[2J", "\u200b"])
def test_what_cannot_be_spoken(text):
    with pytest.raises(AlertError, match="no text to|cannot be spoken, it is not|a control char"):
        speech(text)


@given(st.text(alphabet="水a。. ,!\n", max_size=900))
def test_a_text_is_cut_and_nothing_of_it_is_lost(text):
    whole = sounds._joined(text)
    pieces = sounds._pieces(whole) if whole else []
    assert "".join("".join(pieces).split()) == "".join(whole.split())
    assert all(0 < len(piece.encode("gbk")) <= 400 for piece in pieces)


def test_a_text_is_cut_at_the_end_of_a_sentence():
    sentences = ["水" * 90 + "。"] * 5
    assert sounds._pieces("".join(sentences)) == [
        "".join(sentences[:2]),
        "".join(sentences[2:4]),
        sentences[4],
    ]


def test_steps():
    assert sounds.tone("sweep", 2.5) == [0, 2, 2500]
    assert sounds.clip("flood-1") == [1, "flood-1"]
    assert sounds.stream("rtp://239.1.2.3:5004", "pcma", 60) == [
        3,
        8,
        5004,
        bytes((239, 1, 2, 3)),
        60,
    ]
    assert sounds.stream(":5004", "l16", 1e9) == [3, 11, 5004, b"", 86_400]
    for bad in ("Flood", "a/b", "", "x" * 25, "flood.wav"):
        with pytest.raises(AlertError, match="is no name of a clip"):
            sounds.clip(bad)
    for bad in ("239.1.2.3", "192.0.2.1:5004", "host:5004", ":0", ":70000", "x"):
        with pytest.raises(AlertError, match="is no (place of a stream|multicast group)"):
            sounds.stream(bad, "pcmu", 60)


# Where


def test_places(registry):
    (one,) = choose(registry, units=["sp-03"])
    assert one.target == b"\0\3"
    (group,) = choose(registry, groups=[7])
    assert group.target == 7
    assert [unit.name for unit in group.units] == ["sp-10", "sp-20", "sp-30", "sp-40"]
    (all_,) = choose(registry, everyone=True)
    assert all_.target is True and len(all_.units) == 40  # and not gh-1


def test_an_area_is_named_unit_by_unit(registry):
    first, second = choose(registry, areas=["RIVERSIDE"])
    assert len(first.target) == len(first.units) == 16 and len(second.target) == 4
    names = [unit.name for part in (first, second) for unit in part.units]
    assert names == [f"sp-{n:02}" for n in range(1, 21)]


def test_nobody_is_told_twice(registry):
    parts = choose(registry, areas=["riverside"], groups=[7], units=["sp-01", "sp-30", "sp-31"])
    names = [unit.name for part in parts for unit in part.units]
    assert sorted(names) == [*(f"sp-{n:02}" for n in range(1, 21)), "sp-30", "sp-31", "sp-40"]
    assert parts[0].target == 7 and all(len(part.target) <= 16 for part in parts[1:])


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"areas": ["valley"]}, "called area 'valley'; next: known: Hilltop, riverside"),
        ({"units": ["gh-1"]}, "called unit 'gh-1'; next: known: sp-01, sp-02, .*, sp-12, ..."),
        ({"groups": [7, 8]}, "called group 8; next: known: 7"),
        ({}, "nobody said which loudspeakers are meant; next: add --area"),
    ],
)
def test_places_that_are_none(registry, where, message):
    with pytest.raises(AlertError, match=message):
        choose(registry, **where)


def test_a_registry_without_loudspeakers(tmp_path):
    empty = Registry(tmp_path / "r.sqlite")
    with pytest.raises(AlertError, match="has no loudspeakers"):
        choose(empty, everyone=True)
    with pytest.raises(AlertError, match="known: none"):
        choose(empty, areas=["x"])
