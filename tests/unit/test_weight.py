"""bridge.weight"""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Delivery
from bridge.weight import weigh


@given(st.lists(st.tuples(st.binary(max_size=50), st.booleans())))
def test_deliveries_weigh_what_their_bodies_do(some: list[tuple[bytes, bool]]) -> None:
    """And those that came again are counted; none weigh nothing."""
    deliveries = [Delivery(body, redelivered=redelivered) for body, redelivered in some]
    assert weigh(deliveries) == (sum(again for _, again in some), sum(len(body) for body, _ in some))
