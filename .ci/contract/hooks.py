"""What schemathesis cannot read from the document."""

import json
import re
import uuid

import schemathesis
from hypothesis import strategies as st

# A file, or a provider's message: any bytes.
schemathesis.openapi.media_type("application/wasm", st.binary(max_size=4096))
schemathesis.openapi.media_type("application/octet-stream", st.binary(max_size=4096))


# Lines of JSON, or what should be some.
@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def as_text(context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


# Requests that fit their schema, and that the shop refuses with a 422 all the same, because of what no schema says: by the type
# of the problem, or by what is wrong with each of the fields that it names. Anything else is a finding: the schema says too little.
TYPES = {
    "invalid-link",  # a token from a letter that nobody wrote
    "plugin-rejected",  # bytes that are no plugin
    "binding-rejected",  # settings that the schema of the plugin refuses, which no document has
    "image-rejected",
    "invalid-challenge",  # a login that nobody began
    "invalid-code",  # of a letter or an authenticator that nobody has
}
DETAILS = re.compile(
    "|".join(
        [
            "is not a cursor that this list gave",
            "there is no such ",
            "the order has no line",
            "must be a permission",
            "only a number has a ",
            "must be 0 to 0$",  # choices of what is no choice
            "each option needs a value",
            "must be another than ",
            "must name each line once",
            "must be left out: ",
            "must be in the future",
            "stands alone",
            "cannot stand beside ",
            "name one of ",
            "and not 0$",
            "is one of the most common passwords",
            "is needed to pay",
            "is the address already",
            # One of several fields, which OpenAPI says only at the price of a schema for each.
            "send either code or recovery_code",
            "has no meaning beside ",
            "is needed beside ",
            "name one of variant_id and sku",
            "must have variant_id or sku",
            "must have one of ",
            "name what is to be otherwise",
            "is needed: ",  # an edit says what it expects; a preview of it does not
            # What depends on the shop's settings or on what is in it.
            "is not a currency in which the shop sells",
            "the shop does not sell in it",
            "the product has no such option$",
            "is said when the draft is made, and stays$",
            # The longest name of a parameter leaves room for what stands behind a code.
            "the code must be 1 to 40 ",
            "is not the slug of a collection",
            "a line holds at most ",
            r"at most \d+$",
            "there is no plugin ",
            r" is a \w+ plugin$",
            "is not the code of a customer group",
            "is not a gift card that can be used",
            "must be the id of a payment method",
            "must be the id of a delivery option",
            "the balance would be more than an amount can say",
            "it would end before it begins",
            "must be after ",
            "must be in the years ",
            "must be at most a day ahead",
            "must be an address of the public Internet",
            "must be a whole number of units of its last decimal",
            "the type of the product has no such attribute",
            "the file is empty",
            # Lists whose items go together.
            "is there twice",
            "stands here twice",
            "are too many",
            "name one of line, variant_id and sku",
            "must be 1 to 1,000,000$",  # 0 takes a line away, and adds no other
            "must name each image of the product once",
            "has not proved that it is theirs",
            "is an order of collections: name one$",
            "needs a least or a greatest price$",
            # What a plugin may have, some version of it has to ask for.
            "asks for this$",
            "must be `host` or `host:port`",
            "which is none of the hosts$",
            "two secrets ",
            "cannot go into the header",
            "the name of a secret is not",
            "the prefix of the secret",
            # Addresses and countries have more rules than their patterns; a URL also those of the shop's settings.
            "must be a URL that begins with https://",
            "must be an e-mail address",
            "must be an ISO 3166-1 alpha-2 code",
            # 331.0 is an integer to JSON Schema. The shop takes no points in numbers.
            r"invalid type: floating point `-?[0-9.e+]+`, expected",
        ]
    )
)


@schemathesis.hook
def before_call(context, case, **kwargs):
    # An owner without a second factor who asks it of all staff may do nothing more: the rest of the run would be refused.
    if case.path == "/v1/admin/staff-policy" and isinstance(case.body, dict) and "second_factor_required" in case.body:
        if case.body["second_factor_required"] is True:
            case.body["second_factor_required"] = False
    # A key from an example comes again, and its answer with it: of what has been deleted meanwhile, too.
    if case.headers and re.fullmatch("[!-~]{16,128}", str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex


def known(error):
    # A choice has some, and nothing else has any.
    if error["pointer"].endswith("/choices") and error["detail"] == "must be 1 to 200":
        return True
    return DETAILS.search(error["detail"])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    # The body is a file, and any file is one.
    if case.path == "/v1/admin/imports" and response.status_code == 202:
        return False
    # A guest's cart is nobody's, and so has no store credit.
    if case.path == "/v1/carts/{id}/store-credit" and response.status_code == 404:
        return False
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    # The format stands in the query, and the media type has to go with it.
    if response.status_code == 415 and case.path == "/v1/admin/imports":
        return False
    # The shop reads moments of the years 1970 to 9999, also in queries, which are read whole or not at all.
    if response.status_code == 400 and b'"query: ' in response.content and b"must be in the years " in response.content:
        return False
    if response.status_code != 422:
        return True
    try:
        problem = json.loads(response.content)
        if problem["type"].rsplit("/", 1)[-1] in TYPES:
            return False
        errors = problem.get("errors", [])
        return not errors or not all(known(error) for error in errors)
    except (ValueError, KeyError):
        return True
