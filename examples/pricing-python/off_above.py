"""'10 % off above 100': a tenth off the goods where they come to more than a threshold."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.pricing import Adjustment, Kind, Quote, Request, Target_Delivery, Target_Order
from wit_world.imports import settings
from wit_world.imports.types import Error_Internal, Error_InvalidSettings

MOST = 2**53 - 1  # of any amount
WHOLE = 10_000  # basis points


class Pricing(exports.Pricing):
    def price(self, request: Request) -> Quote:
        # `Err` is an error of the contract; any other exception would be a trap.
        try:
            return quote(request, **read_settings())
        except Err:
            raise
        except Exception as cause:
            raise Err(Error_Internal(repr(cause))) from cause


def quote(request: Request, above: int, off_bp: int) -> Quote:
    adjustments = []
    goods = sum(line.unit_price * line.quantity for line in request.lines)
    # Amounts in settings are in the shop's own currency; where the cart is in another, this names the shop's.
    is_foreign = any(name == "shop-currency" for name, _ in request.attributes)
    if not is_foreign and goods > above:
        label = f"{percent(off_bp)} % off"
        amount = -min(share(goods, off_bp), goods + added_so_far(request))
        adjustments.append(Adjustment(Target_Order(), Kind.DISCOUNT, "off-above", label, amount))
    return Quote(request.currency, adjustments, coupons=[], messages=[])


def added_so_far(request: Request) -> int:
    """What the plugins before this one took off the goods and added to them. More than is left may not be taken off."""
    on_goods = (
        added
        for added in request.so_far
        if added.kind in (Kind.DISCOUNT, Kind.FEE) and not isinstance(added.target, Target_Delivery)
    )
    return sum(added.amount for added in on_goods)


def read_settings() -> dict[str, int]:
    given = json.loads(settings.get())
    return {"above": integer(given, "above", MOST), "off_bp": integer(given, "off_bp", WHOLE)}


def integer(given: dict, name: str, most: int) -> int:
    value = given.get(name)
    # `True` is an int, too.
    if type(value) is not int or not 0 <= value <= most:
        raise Err(Error_InvalidSettings(f"{name}: must be an integer of 0 to {most}"))
    return value


def share(amount: int, basis_points: int) -> int:
    """Rounded half away from zero; the amount is 0 or more."""
    return (amount * basis_points + WHOLE // 2) // WHOLE


def percent(basis_points: int) -> str:
    """1000 is "10", 1250 is "12.5"."""
    whole, hundredths = divmod(basis_points, 100)
    return f"{whole}.{hundredths:02}".rstrip("0") if hundredths else str(whole)
