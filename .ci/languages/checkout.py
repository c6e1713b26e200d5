"""Binds one of the example plugins in the shop of this folder, and holds its prices against the rule, computed here.

    checkout.py PLUGIN        KASSA_URL names the shop; the merchant's password lies in data/
"""

import json
import os
import sys
import urllib.error
import urllib.request

SHOP = os.environ["KASSA_URL"]
SKU = "TEA-EARL-GREY-100"
PRICE = 690

# Threshold, basis points and pieces: below it, at it, a unit above it; rounded down, rounded up, a half; all of it and nothing.
CASES = [
    (10_000, 1_000, 1),
    (690, 1_000, 1),
    (689, 1_000, 1),
    (0, 1_011, 1),
    (0, 500, 1),
    (0, 1_250, 15),
    (0, 25, 2),
    (0, 10_000, 3),
    (0, 0, 3),
]


def call(method, path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SHOP + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def expect(status, method, path, body=None, token=None):
    answered, text = call(method, path, body, token)
    assert answered == status, f"{method} {path}: {answered} {text.decode()}"
    return json.loads(text)


def log_in():
    with open("data/merchant-credentials.txt", encoding="utf-8") as file:
        mine = dict(line.split(":", 1) for line in file if ":" in line)
    login = {"email": mine["email"].strip(), "password": mine["password"].strip()}
    return expect(200, "POST", "/v1/auth/login", login)["access_token"]


def cart_of(pieces):
    cart = expect(201, "POST", "/v1/carts", {})["id"]
    expect(200, "POST", f"/v1/carts/{cart}/lines", {"sku": SKU, "quantity": pieces})
    return f"/v1/carts/{cart}"


def off(above, basis_points, goods):
    """The rule: rounded half away from zero."""
    return (goods * basis_points + 5_000) // 10_000 if goods > above else 0


def check_price(above, basis_points, pieces):
    path = cart_of(pieces)
    first, again = call("GET", path), call("GET", path)
    assert first == again, f"the same cart is priced otherwise: {first} {again}"
    cart = json.loads(first[1])
    wanted = off(above, basis_points, PRICE * pieces)
    assert -cart["discount_total"] == wanted, f"{wanted} off was expected: {cart}"
    labels = [adjustment["label"] for adjustment in cart["adjustments"]]
    percent = f"{basis_points / 100:g} % off"
    assert labels == ([percent] if PRICE * pieces > above else []), labels
    print(f"{pieces:>2} pieces, {percent} above {above}: {wanted} off, total {cart['total']}")


def check_out(pieces):
    path = cart_of(pieces)
    expect(200, "PUT", f"{path}/email", {"email": "ada@example.org"})
    place = {"street": "Unter den Linden 1", "city": "Berlin", "postcode": "10117", "country": "DE"}
    expect(200, "PUT", f"{path}/address", {"name": "Ada Lovelace", **place})
    cart = expect(200, "PUT", f"{path}/delivery-option", {"id": "delivery-rates:standard"})
    paid = {"payment_method": "payment-emulator:card", "payment_token": "tok-approve"}
    order = expect(201, "POST", f"{path}/checkout", {**paid, "expected_total": cart["total"]})
    assert order["total"] == cart["total"] and order["discount_total"] < 0, order
    print(f"order {order['number']}: {order['status']}, {order['total']} {order['currency']}")


def main(plugin):
    token = log_in()
    above, basis_points, _ = CASES[0]
    bound = {"name": plugin, "settings": {"above": above, "off_bp": basis_points}}
    expect(200, "PUT", "/v1/admin/bindings/pricing", {"plugins": [bound]}, token)
    settings = f"/v1/admin/plugins/{plugin}/settings"
    refused, text = call("PUT", settings, {"above": -1, "off_bp": 1_000}, token)
    assert refused == 422, f"{refused} {text}"
    for above, basis_points, pieces in CASES:
        expect(200, "PUT", settings, {"above": above, "off_bp": basis_points}, token)
        check_price(above, basis_points, pieces)
    expect(200, "PUT", settings, {"above": 1_000, "off_bp": 1_000}, token)
    check_out(2)


if __name__ == "__main__":
    main(sys.argv[1])
