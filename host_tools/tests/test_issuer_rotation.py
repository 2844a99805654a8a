"""Whom loudspeakers obey: told over the air, changed step by step, and shown."""

import json
import time

import pytest
from fieldbeat.host_tools import issuer_keys
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.database import DatabaseBusy
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.orders import Orders
from fieldbeat.host_tools.signed_commands import Signer, opened
from fieldbeat.protocols import command, cose, receipt
from fieldbeat.protocols.command import DRILL, EMERGENCY

from .conftest import PASSPHRASE


def run(county, *arguments):
    county.now_s = time.time()
    return main(["issuer", *arguments])


def secret(county, *more):
    return ["--yes", "--key-file", str(county.folder / "pass"), *more]


def rotate(county, *more):
    new = ["--new-key-file", str(county.folder / "pass"), "--wait", "0"]
    return run(county, "rotate", "county", "county-2", *secret(county, *new, *more))


def rows(county, capsys):
    capsys.readouterr()
    code = run(county, "status", "--json")
    found = {row["unit"]: row for row in json.loads(capsys.readouterr().out)}
    assert code == (0 if all(row["ok"] for row in found.values()) else 1)
    return found


def obeys(county, capsys):
    return {unit: row["obeys"] for unit, row in rows(county, capsys).items()}


def add(county, name, **options):
    made = county.add(name, **options)
    if options.get("heard", True):
        county.say(made, made.issuers(county.now_s))
    return made


def knows(speaker, *issuers):
    return set(speaker.authority.issuers) == {issuer.kid for issuer in issuers}


def make(county, name, class_=EMERGENCY, level=1):
    key = issuer_keys.generate(cose.ES256)
    issuer_keys.save(name, key, PASSPHRASE)
    return Signer(county.issuers.add(name, cose.ES256, key.public, class_, level), key)


def test_a_key_is_changed_step_by_step(county, capsys):
    one, two = add(county, "sp-1"), add(county, "sp-2")
    old = county.signer.issuer
    assert rotate(county) == 0
    said = capsys.readouterr()
    assert "issuer county-2: key id" in said.out and "not done; run the same" in said.out
    assert "obey county-2" in said.err and "signed by county" in said.err
    new = Issuers(county.registry).get("county-2")
    assert (new.highest_class, new.highest_level) == (EMERGENCY, 1)
    assert county.out() == ["sp-1", "sp-2"]
    assert knows(one, old, new) and knows(two, old, new)
    assert obeys(county, capsys) == {
        "sp-1": ["county", "county-2"],
        "sp-2": ["county", "county-2"],
    }

    assert rotate(county) == 0
    said = capsys.readouterr()
    assert "no longer obey county" in said.err and "signed by county-2" in said.err
    assert Issuers(county.registry).get("county")  # until they have said so
    county.out()
    assert knows(one, new) and knows(two, new)
    assert one.got[-1].command == command.ISSUERS and one.got[-1].args == ([], [old.kid])

    assert rotate(county) == 0
    assert "done: county is revoked, and no unit obeys it" in capsys.readouterr().out
    assert [each.name for each in Issuers(county.registry).in_office()] == ["county-2"]
    assert not issuer_keys.key_path("county").exists()
    assert obeys(county, capsys) == {"sp-1": ["county-2"], "sp-2": ["county-2"]}


def test_the_old_one_stays_where_the_new_one_is_not_known(county, capsys):
    one = add(county, "sp-1")
    away = add(county, "sp-2")
    new_speaker = county.add("sp-3", heard=False)  # never said anything
    old = county.signer.issuer
    rotate(county)
    lost = iter((False, False, True))  # the datagram to sp-2
    county.out(lost=lambda: next(lost))
    rotate(county)  # step two is not due, and step one is not ordered twice
    assert len(county.desk.all(kind=command.ISSUERS)) == 1
    new = Issuers(county.registry).get("county-2")
    assert knows(one, old, new) and knows(away, old)
    rotate(county, "--partly")
    county.out(lost=lambda: True)
    forgets = county.desk.all(kind=command.ISSUERS)[0]
    assert [each.unit for each in county.desk.deliveries(forgets)] == ["sp-1"]
    assert Issuers(county.registry).get("county") and knows(new_speaker, old)
    state = rows(county, capsys)
    assert state["sp-2"]["state"].startswith("does not know county-2; waits for it")
    assert state["sp-3"]["state"].startswith("nobody knows whom it obeys")


def test_an_alert_of_the_old_one_is_not_silenced_by_mistake(county, capsys):
    one = add(county, "sp-1")
    rotate(county)
    county.out()
    county.send(areas=["riverside"])
    capsys.readouterr()
    assert rotate(county) == 2
    assert "alerts of county count still and would go silent" in capsys.readouterr().err
    assert rotate(county, "--silence") == 0
    county.out()
    assert knows(one, Issuers(county.registry).get("county-2"))


def test_an_alert_that_has_sounded_everywhere_holds_nothing_up(county, capsys):
    one = add(county, "sp-1")
    rotate(county)
    county.out()
    order = county.send(areas=["riverside"])
    county.out()
    county.say(one, one.tell(order.id, receipt.STARTED, county.now_s))
    assert rotate(county) == 2  # it sounds
    capsys.readouterr()
    county.say(one, one.tell(order.id, receipt.DONE, county.now_s))
    assert rotate(county) == 0
    county.out()
    assert knows(one, Issuers(county.registry).get("county-2"))


@pytest.mark.parametrize("class_, level", [(DRILL, 1), (EMERGENCY, 2)])
def test_who_may_not_order_everything_has_another_one_sign(county, capsys, class_, level):
    school = make(county, "school", class_, level)
    county.signer, chief = school, county.signer
    speaker = add(county, "sp-1")
    speaker.authority.issuers[chief.issuer.kid] = chief.issuer.for_units()
    county.say(speaker, speaker.issuers(county.now_s))
    new = ["--new-key-file", str(county.folder / "pass"), "--wait", "0"]
    for _ in range(3):
        assert run(county, "rotate", "school", "school-2", *secret(county, *new)) == 0
        county.out()
    successor = Issuers(county.registry).get("school-2")
    assert (successor.highest_class, successor.highest_level) == (class_, level)
    assert knows(speaker, chief.issuer, successor)
    assert "done: school is revoked" in capsys.readouterr().out


def test_who_cannot_follow(county, capsys):
    add(county, "sp-1")
    make(county, "school", DRILL, 3)
    assert run(county, "rotate", "county", "school", *secret(county)) == 2
    assert "school cannot follow county, who may order emergency" in capsys.readouterr().err
    assert run(county, "rotate", "county", "county", *secret(county)) == 2
    assert "county cannot follow county" in capsys.readouterr().err
    assert county.desk.all() == []


def test_each_loudspeaker_is_told_what_it_lacks(county, capsys):
    one, two = add(county, "sp-1"), add(county, "sp-2")
    school = make(county, "school", DRILL, 2)
    two.authority.issuers[school.issuer.kid] = school.issuer.for_units()
    stranger = b"stranger"
    two.authority.issuers[stranger] = school.issuer.for_units()
    county.say(two, two.issuers(county.now_s))
    state = rows(county, capsys)
    assert state["sp-1"]["lacks"] == ["school"] and state["sp-1"]["excess"] == []
    assert state["sp-2"]["excess"] == [stranger.hex()]
    assert state["sp-1"]["state"] == "does not know school; not told yet"
    by = ["--issuer", "county"]
    assert run(county, "send", "--all", *by, *secret(county)) == 0
    said = capsys.readouterr().err
    assert f"obey school ({school.issuer.kid.hex()[:6]}) at 1: sp-1" in said
    assert f"no longer obey a stranger ({stranger.hex()[:6]}) at 1: sp-2" in said
    county.out()
    office = county.signer.issuer, school.issuer
    assert knows(one, *office) and knows(two, *office)
    assert all(row["state"] == "as it should be" for row in rows(county, capsys).values())
    assert run(county, "send", "--all", *by, *secret(county)) == 2
    assert "no unit has anything to be told of its issuers" in capsys.readouterr().err


def test_who_is_told_of_an_issuer_refuses_what_was_over_by_then(county):
    speaker = add(county, "sp-1")
    school = make(county, "school", DRILL, 2)
    over_s = time.time() - 2 * 86_400
    numbers = [county.issuers.next_counter(school.issuer, over_s) for _ in range(3)]
    run(county, "send", "--all", "--issuer", "county", *secret(county))
    county.out()
    assert speaker.authority.issuers[school.issuer.kid] == school.issuer.for_units(numbers[-1])
    assert knows(speaker, county.signer.issuer, school.issuer)


def test_a_revoked_one_is_forgotten_over_the_air(county, capsys):
    second = make(county, "second")
    one = add(county, "sp-1")
    one.authority.issuers[second.issuer.kid] = second.issuer.for_units()
    county.say(one, one.issuers(county.now_s))
    capsys.readouterr()
    assert run(county, "revoke", "second", "--yes") == 0
    assert "'fieldbeat issuer send --all'" in capsys.readouterr().out
    assert rows(county, capsys)["sp-1"]["state"] == "still obeys second; not told yet"
    assert run(county, "send", "--all", *secret(county)) == 0
    county.out()
    assert knows(one, county.signer.issuer)


@pytest.mark.parametrize(
    ("reason", "named"),
    [
        ("cmd_second_issuer", "needs a second issuer"),
        ("cmd_overtaken", "a later order came before it: order it again; an issuer whom it was"),
    ],
)
def test_a_refusal_is_named(county, capsys, reason, named):
    one = add(county, "sp-1")
    make(county, "school", DRILL, 2)
    run(county, "send", "--all", "--issuer", "county", *secret(county))
    order = county.desk.all(kind=command.ISSUERS)[0]
    county.say(one, one.tell(order.id, receipt.REFUSED, county.now_s, reason))
    state = rows(county, capsys)["sp-1"]["state"]
    assert state.startswith(f"does not know school; refused: {named}")


@pytest.mark.parametrize(
    ("second", "step"),
    [
        (False, "make a second issuer"),
        (True, "run it again, signed by two: --issuer county --issuer second"),
    ],
)
def test_a_rotation_that_was_refused_says_what_to_do(county, capsys, monkeypatch, second, step):
    one = add(county, "sp-1")
    make(county, "stranger")  # nobody there obeys him
    if second:
        known = make(county, "second").issuer
        one.authority.issuers[known.kid] = known.for_units()
        county.say(one, one.issuers(county.now_s))

    def sleep(_):
        county.now_s = time.time()
        id_ = county.desk.all(kind=command.ISSUERS)[0].id
        county.say(one, one.tell(id_, receipt.REFUSED, county.now_s, "cmd_second_issuer"))

    monkeypatch.setattr(time, "sleep", sleep)
    assert rotate(county, "--wait", "20") == 1
    said = capsys.readouterr().out
    assert f"not done: refused by sp-1: needs a second issuer; next: {step}" in said
    assert "run the same command again" not in said
    assert Issuers(county.registry).get("county").revoked_s is None


def test_every_passphrase_is_tried_before_the_first_step(county, capsys):
    """As where two must sign: the old one goes in the second step, and his file is in the way."""
    chief = make(county, "chief")
    for name in ("two", "three"):
        (county.folder / name).write_text(f"pass of {name} people")
        (county.folder / name).chmod(0o600)
    for signer, name in ((chief, "two"),):
        issuer_keys.key_path(signer.issuer.name).unlink()
        issuer_keys.save(signer.issuer.name, signer.key, f"pass of {name} people")
    one = add(county, "sp-1")
    one.authority.issuers[chief.issuer.kid] = chief.issuer.for_units()
    county.say(one, one.issuers(county.now_s))
    both = ["--issuer", "county", "--issuer", "chief", "--yes", "--wait", "0"]
    files = {name: ["--key-file", str(county.folder / name)] for name in ("pass", "two", "three")}
    new = ["--new-key-file", str(county.folder / "three")]
    what = ["rotate", "county", "county-2", *both]
    assert run(county, *what, *files["pass"], *files["pass"], *new) == 2
    said = capsys.readouterr().err
    assert "chief.pem does not open with this passphrase" in said
    assert "--key-file FILE, once for each issuer" in said
    assert county.desk.all() == [] and county.issuers.get("county").counter == 0
    assert run(county, *what, *files["pass"], *files["two"]) == 2  # the new one's is missing
    assert "county-2.pem does not open" in capsys.readouterr().err and county.desk.all() == []
    for _ in range(3):  # in any order
        assert run(county, *what, *files["two"], *files["pass"], *new) == 0
        county.out()
    assert "done: county is revoked" in capsys.readouterr().out


def test_a_file_with_two_passphrases_is_told_how_to_name_them(county, capsys):
    chief = make(county, "chief")
    issuer_keys.key_path("chief").unlink()
    issuer_keys.save("chief", chief.key, "of the chief alone")
    (county.folder / "pass").write_text(f"{PASSPHRASE}\nof the chief alone\n")
    (county.folder / "pass").chmod(0o600)
    add(county, "sp-1")
    both = ["--issuer", "county", "--issuer", "chief"]
    assert main(["alert", "test", "--all", *both, *secret(county)]) == 2
    said = capsys.readouterr().err
    assert "chief.pem does not open with this passphrase, the first line of" in said
    assert "next: name a file with that of chief: --key-file FILE, once for each issuer" in said
    assert county.desk.all() == []


def test_who_has_a_camera_and_obeys_nobody_has_to_be_provisioned_again(county, capsys):
    one = add(county, "cam-1")
    county.registry.describe("cam-1", "test", role="camera")
    one.authority.issuers = {}
    county.say(one, one.issuers(county.now_s))
    assert run(county, "send", "--unit", "cam-1", *secret(county)) == 2
    assert "cam-1 obeys nobody" in capsys.readouterr().err


def test_a_send_that_somebody_refused_or_that_nobody_was_sent_has_failed(
    county, capsys, monkeypatch
):
    one = add(county, "sp-1")
    make(county, "school", DRILL, 2)

    def sleep(_):
        county.now_s = time.time()
        order = county.desk.all(kind=command.ISSUERS)[0]
        county.say(one, one.tell(order.id, receipt.REFUSED, county.now_s, "cmd_second_issuer"))

    what = ["send", "--all", "--issuer", "county", *secret(county)]
    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, *what, "--wait", "10") == 1
    assert "refused" in capsys.readouterr().out
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert run(county, *what) == 1
    assert "but NOBODY has been sent it: does 'fieldbeat collect'" in capsys.readouterr().err
    monkeypatch.setattr(time, "sleep", county.pick_up)
    assert run(county, *what) == 0  # nobody waits for the answers


def test_ctrl_c_says_that_it_goes_on(county, capsys, monkeypatch):
    add(county, "sp-1")
    make(county, "school", DRILL, 2)

    def sleep(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(county, "send", "--all", "--issuer", "county", *secret(county)) == 130
    said = capsys.readouterr().err
    assert "is ordered and goes on; next: see 'fieldbeat issuer status'" in said


def test_who_could_not_be_told_any_more_is_named_before_a_revocation(county, capsys):
    chief = make(county, "chief")
    for name in ("sp-1", "sp-2"):
        pole = add(county, name)
        pole.authority.issuers[chief.issuer.kid] = chief.issuer.for_units()
        county.say(pole, pole.issuers(county.now_s))
    county.registry.describe("sp-2", "two", two_issuers_level=1)
    assert run(county, "revoke", "chief") == 2  # nobody is there to confirm it
    said = capsys.readouterr().err
    assert "CANNOT BE TOLD over the air once chief is revoked: sp-2\n" in said
    assert "too few would be left whom they obey; make another issuer first" in said
    make(county, "third")
    assert run(county, "revoke", "chief") == 2  # known here, and not at sp-2
    assert "CANNOT BE TOLD" in capsys.readouterr().err
    assert run(county, "revoke", "chief", "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["cut_off"] == ["sp-2"]
    assert run(county, "revoke", "county") == 2  # the last one whom they obey
    assert "once county is revoked: sp-1, sp-2\n" in capsys.readouterr().err


def test_who_is_not_obeyed_signs_nothing(county, capsys):
    add(county, "sp-1")
    add(county, "sp-2")
    make(county, "second")
    assert run(county, "send", "--all", "--issuer", "second", *secret(county)) == 2
    assert "they do not obey second: sp-1, sp-2" in capsys.readouterr().err
    assert county.desk.all() == []


def test_provisioning_counts_until_it_says_something_itself(county, capsys):
    county.now_s -= 120
    one = add(county, "sp-1")
    school = make(county, "school", DRILL, 2)
    county.now_s += 60
    county.registry.describe("sp-1", "provisioned")
    state = rows(county, capsys)["sp-1"]
    assert (state["obeys"], state["state"]) == (["county", "school"], "as it was provisioned")
    county.now_s += 120
    county.say(one, one.issuers(county.now_s))  # it was given another registry's since
    assert rows(county, capsys)["sp-1"]["obeys"] == ["county"]
    assert school.issuer.name in rows(county, capsys)["sp-1"]["lacks"]


def test_a_clock_that_was_ahead_hides_nobody_who_is_obeyed(county, capsys):
    one = add(county, "sp-1")
    stolen = make(county, "stolen")
    county.now_s += 366 * 86_400
    county.registry.describe("sp-1", "provisioned")
    county.now_s -= 366 * 86_400
    assert obeys(county, capsys)["sp-1"] == ["county"]  # as it says itself, after that
    one.authority.issuers = {s.kid: s.for_units() for s in county.issuers.in_office()}
    county.say(one, one.issuers(county.now_s))
    assert run(county, "revoke", "stolen", "--yes") == 0
    assert "is still obeyed by 1 unit" in capsys.readouterr().out
    row = rows(county, capsys)["sp-1"]
    assert (row["told"], row["excess"]) == (True, ["stolen"])
    assert run(county, "send", "--all", *secret(county)) == 0
    county.out()
    assert knows(one, county.signer.issuer) and not knows(one, stolen.issuer)


def test_who_was_in_office_is_known_by_the_order_of_events_and_not_by_clocks(county, capsys):
    one = add(county, "sp-1", heard=False)
    county.now_s += 366 * 86_400
    make(county, "stolen")
    county.now_s -= 366 * 86_400
    county.registry.describe(one.name, "provisioned")
    assert obeys(county, capsys)["sp-1"] == ["county", "stolen"]
    assert run(county, "revoke", "stolen", "--yes") == 0
    assert "is still obeyed by 1 unit" in capsys.readouterr().out
    assert rows(county, capsys)["sp-1"]["excess"] == ["stolen"]


def test_the_last_order_is_the_one_that_was_given_last(county):
    add(county, "sp-1")
    county.now_s += 366 * 86_400
    first = county.send()
    county.now_s -= 366 * 86_400
    last = county.send()
    assert [order.id for order in county.desk.all()] == [last.id, first.id]


def test_who_was_away_does_not_obey_a_revoked_one_when_it_comes_back(county, capsys):
    one = add(county, "sp-1")
    stolen = make(county, "stolen")
    assert run(county, "send", "--all", *secret(county, "--issuer", "county")) == 0
    assert run(county, "revoke", "stolen", "--yes") == 0
    county.say(one, one.hello())
    county.now_s += 60
    county.out()
    assert knows(one, county.signer.issuer) and not knows(one, stolen.issuer)


def test_who_could_still_hear_of_a_revoked_one_is_told_to_forget_him(county, capsys):
    """Whoever has the collector can hold the order back that would have him obeyed."""
    one, two = add(county, "sp-1"), add(county, "sp-2")
    kid = make(county, "stolen").issuer.kid
    assert run(county, "send", "--unit", "sp-1", *secret(county, "--issuer", "county")) == 0
    capsys.readouterr()
    assert run(county, "revoke", "stolen", "--yes") == 0
    assert "is still obeyed by 1 unit" in capsys.readouterr().out
    row = rows(county, capsys)["sp-1"]
    assert row["offered"] == ["stolen"] and row["excess"] == [] and not row["ok"]
    assert row["state"] == "an order to obey stolen may still reach it; not told yet"
    assert rows(county, capsys)["sp-2"]["ok"]
    assert run(county, "send", "--all", *secret(county)) == 0
    order = county.desk.all(kind=command.ISSUERS)[0]
    ((_, plaintext, units),) = county.desk.commands(order)
    assert units == ["sp-1"] and opened(plaintext).args == ([], [kid])
    county.out()
    assert rows(county, capsys)["sp-1"]["ok"] and knows(one, county.signer.issuer)
    assert knows(two, county.signer.issuer)
    # the board that takes its place has never heard of him
    county.now_s = time.time() + 60
    county.registry.note("sp-1", "provisioned", "")
    assert rows(county, capsys)["sp-1"]["offered"] == ["stolen"]


def test_what_goes_silent_by_a_revocation_is_named(county, capsys):
    add(county, "sp-1")
    make(county, "second")
    assert run(county, "send", "--all", *secret(county, "--issuer", "county")) == 0
    county.out()
    alert = county.send()
    county.out()
    assert run(county, "revoke", "county", "--yes") == 0
    assert f"GOES SILENT: alert {alert.id.hex()[:6]} (told)" in capsys.readouterr().err
    assert run(county, "send", "--all", *secret(county)) == 0
    assert f"GOES SILENT: alert {alert.id.hex()[:6]} (told)" in capsys.readouterr().err


def test_what_goes_silent_is_known_by_its_key_and_not_by_clocks(county, capsys, monkeypatch):
    add(county, "sp-1")
    county.now_s = time.time() + 366 * 86_400
    make(county, "district")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    what = ["--clip", "x", "--level", "1", "--all", "--issuer", "district"]
    main(["alert", "send", *what, *secret(county)])
    assert run(county, "revoke", "district", "--yes") == 0
    assert "GOES SILENT: alert" in capsys.readouterr().err
    make(county, "district")  # another one of this name, who ordered nothing
    assert run(county, "revoke", "district", "--yes") == 0
    assert "GOES SILENT" not in capsys.readouterr().err


def test_a_revocation_that_the_store_did_not_take_is_run_again(county, capsys, monkeypatch):
    one = add(county, "sp-1")
    stolen = make(county, "stolen")
    assert run(county, "send", "--all", *secret(county, "--issuer", "county")) == 0

    def busy(*_):
        raise DatabaseBusy("the store is busy", "again")

    with monkeypatch.context() as patch:
        patch.setattr(Orders, "withdraw", busy)
        assert run(county, "revoke", "stolen", "--yes") == 1
    assert "the store is busy" in capsys.readouterr().err
    assert run(county, "revoke", "stolen", "--yes") == 0
    county.say(one, one.hello())
    county.out()
    assert not knows(one, county.signer.issuer, stolen.issuer)
    assert not issuer_keys.key_path("stolen").exists()
