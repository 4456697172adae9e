"""bridge.sources.redis.login"""

import hiredis
import pytest

from bridge.clock import SystemClock
from bridge.sources.redis.address import Login, Place
from bridge.sources.redis.channel import channel
from bridge.sources.redis.dial import dial
from bridge.sources.redis.login import introduce
from tests.running import run
from tests.unit.sources.redis.scripted import OK, Say, scripted, willing


def asked(login: Login, say: Say = willing, protocol: int = 3) -> list[list[bytes]]:
    """What a server is asked during an introduction."""

    async def check() -> list[list[bytes]]:
        async with scripted(say) as server:
            wire = await dial(Place("127.0.0.1", server.port), None, channel(0), SystemClock())
            try:
                await introduce(wire, login, name="me", protocol=protocol)
            finally:
                await wire.close()
            return server.asked

    return run(check())


def before_six(command: list[bytes]) -> bytes:
    """No HELLO, no users."""
    if command[0] == b"HELLO":
        return b"-ERR unknown command `HELLO`, with args beginning with: `3`\r\n"
    if command[0] == b"AUTH" and len(command) != 2:
        return b"-ERR wrong number of arguments for 'auth' command\r\n"
    return OK


def test_one_question_is_enough_for_a_server_of_today() -> None:
    """HELLO 3 with user, password and name; a password alone is the default user's."""
    who = [b"AUTH", b"default", b"pw"]
    assert asked(Login()) == [[b"HELLO", b"3", b"SETNAME", b"me"]]
    assert asked(Login(None, "pw")) == [[b"HELLO", b"3", *who, b"SETNAME", b"me"]]
    assert asked(Login("u", "pw"))[0][3:5] == [b"u", b"pw"]


def test_an_old_server_is_spoken_to_in_its_own_way() -> None:
    """RESP2: AUTH without a user when it knows none."""
    name = [b"CLIENT", b"SETNAME", b"me"]
    assert asked(Login(), before_six)[1:] == [name]
    assert asked(Login(None, "pw"), before_six)[1:] == [[b"AUTH", b"pw"], name]
    assert asked(Login("u", "pw"), before_six)[1:] == [[b"AUTH", b"u", b"pw"], [b"AUTH", b"pw"], name]


def test_version_two_may_be_asked_for() -> None:
    """A proxy may hang up on HELLO."""
    assert asked(Login("u", "pw"), protocol=2)[0] == [b"AUTH", b"u", b"pw"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_refusal_is_raised(protocol: int) -> None:
    """A wrong password is not tried in another way."""
    with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
        asked(Login("u", "pw"), lambda _: b"-WRONGPASS invalid username-password pair\r\n", protocol)


def test_a_name_that_is_refused_is_done_without() -> None:
    """A user with few rights may not set it."""
    name = b"-NOPERM this user has no permissions to run the 'client|setname' command\r\n"
    assert len(asked(Login(), lambda command: name if command[0] == b"CLIENT" else OK, protocol=2)) == 1
