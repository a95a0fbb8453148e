"""A client that we did not write, driven against the simulated WeChat Pay, version 2.

It signs, and checks what comes back, by itself: what it takes is signed as the wallet signs, and what it makes is taken as
the wallet takes it. The wallet's control interface plays the customer. The first thing that is not as it must be ends it.
"""

import json
import sys
import urllib.request

import requests
import xmltodict
from wechatpy.exceptions import WeChatPayException
from wechatpy.pay import WeChatPay
from wechatpy.pay.utils import calculate_signature, calculate_signature_hmac

rig = json.loads(sys.argv[1])


def must(what, holds, seen=None):
    if not holds:
        sys.exit(f"{what}: {seen!r}")
    print("ok:", what)


def control(path, body):
    request = urllib.request.Request(rig["control"] + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def turn(seconds):
    control("/clock", {"advance_ms": seconds * 1000})


class Client(WeChatPay):
    """The library with what it leaves open: two addresses, and the newer way to sign."""

    sign_type = "MD5"

    def _request(self, method, url_or_endpoint, **kwargs):
        secure = url_or_endpoint.startswith("secapi/")
        kwargs["api_base_url"] = rig["secure" if secure else "wallet"] + "/"
        if self.sign_type != "MD5":
            kwargs["data"]["sign_type"] = self.sign_type
        return super()._request(method, url_or_endpoint, **kwargs)

    def signed(self, said):
        """Whether it is signed by whom knows the key, the way that was asked for."""
        fields = dict(said)
        sign = fields.pop("sign", None)
        by = calculate_signature if self.sign_type == "MD5" else calculate_signature_hmac
        return sign is not None and sign == by(fields, rig["api_key"])


def client(sign_type, api_key=None, with_certificate=True):
    papers = {"mch_cert": rig["certificate"], "mch_key": rig["private_key"]} if with_certificate else {}
    made = Client(rig["app_id"], api_key or rig["api_key"], rig["merchant_id"], timeout=10, **papers)
    made.sign_type = sign_type
    made._http.verify = rig["root"]
    made._http.trust_env = False
    return made


def done(wallet, what, call, **given):
    """What a call that must be done says, truly signed."""
    try:
        said = call(**given)
    except WeChatPayException as error:
        sys.exit(f"{what}: {error.errcode} {error.errmsg} {error.return_msg}")
    must(f"{what}: signed", wallet.signed(said), said)
    must(f"{what}: ours", (said["appid"], said["mch_id"]) == (rig["app_id"], rig["merchant_id"]), said)
    return said


def refused(wallet, what, word, call, **given):
    """Whether a call is refused with that word, truly signed."""
    try:
        said = call(**given)
    except WeChatPayException as error:
        said = xmltodict.parse(error.response.content)["xml"]
        must(f"{what}: {word}", error.errcode == word, said)
        must(f"{what}: signed", wallet.signed(said), said)
        return said
    sys.exit(f"{what}: taken: {said!r}")


def charge(wallet, number, behaviour="pays", code=None, total=880):
    code = code or control("/codes", {"behaviour": behaviour})["code"]
    return dict(
        call=wallet.micropay.create,
        body="Corner Store 店",
        total_fee=total,
        auth_code=code,
        client_ip="127.0.0.1",
        out_trade_no=number,
        device_info="T0001",
    )


def charges(wallet, way):
    number, code = f"{way}CODE0001", control("/codes", {"behaviour": "pays"})["code"]
    paid = done(wallet, f"{way}: a code is charged", **charge(wallet, number, code=code))
    must(
        f"{way}: it tells of this payment",
        (paid["trade_type"], paid["total_fee"], paid["out_trade_no"], paid["device_info"])
        == ("MICROPAY", "880", number, "T0001")
        and paid["transaction_id"],
        paid,
    )
    again = refused(wallet, f"{way}: a code is good once", "AUTH_CODE_INVALID", **charge(wallet, f"{way}CODE0002", code=code))
    must(f"{way}: it says so in words", again["err_code_des"], again)
    refused(wallet, f"{way}: a paid number", "ORDERPAID", **charge(wallet, number))
    order = done(wallet, f"{way}: asked", wallet.order.query, out_trade_no=number)
    must(f"{way}: paid", (order["trade_state"], order["total_fee"]) == ("SUCCESS", "880"), order)
    known = done(wallet, f"{way}: by the wallet's number", wallet.order.query, transaction_id=paid["transaction_id"])
    must(f"{way}: the same", known["out_trade_no"] == number, known)
    refused(wallet, f"{way}: no such order", "ORDERNOTEXIST", wallet.order.query, out_trade_no=f"{way}NONE0001")
    refused(wallet, f"{way}: no funds", "NOTENOUGH", **charge(wallet, f"{way}CODE0003", "no_funds"))
    typing = {"password_then_pays": {"after_ms": 5000}}
    refused(wallet, f"{way}: the customer types", "USERPAYING", **charge(wallet, f"{way}CODE0004", typing))
    waits = done(wallet, f"{way}: it waits", wallet.order.query, out_trade_no=f"{way}CODE0004")
    must(f"{way}: nobody has paid", waits["trade_state"] == "USERPAYING", waits)
    turn(6)
    then = done(wallet, f"{way}: and then", wallet.order.query, out_trade_no=f"{way}CODE0004")
    must(f"{way}: it is paid", then["trade_state"] == "SUCCESS" and then["transaction_id"], then)
    return number


def taken_back(wallet, way, number):
    back = done(wallet, f"{way}: taken back", wallet.order.reverse, out_trade_no=number)
    must(f"{way}: nothing is left to do", back["recall"] == "N", back)
    stays = done(wallet, f"{way}: asked again", wallet.order.query, out_trade_no=number)
    must(f"{way}: it stays so", stays["trade_state"] == "REVOKED", stays)
    never = "password_never"
    refused(wallet, f"{way}: nobody types", "USERPAYING", **charge(wallet, f"{way}CODE0005", never))
    control("/switches", {"recall_next": 1})
    first = done(wallet, f"{way}: not yet", wallet.order.reverse, out_trade_no=f"{way}CODE0005")
    must(f"{way}: call again", first["recall"] == "Y", first)
    then = done(wallet, f"{way}: called again", wallet.order.reverse, out_trade_no=f"{way}CODE0005")
    must(f"{way}: closed", then["recall"] == "N", then)
    refused(wallet, f"{way}: nothing to take back", "ORDERNOTEXIST", wallet.order.reverse, out_trade_no=f"{way}NONE0002")


def refunds(wallet, way):
    number = f"{way}CODE0006"
    done(wallet, f"{way}: sold", **charge(wallet, number, total=1234))
    given = lambda name, minor: dict(
        total_fee=1234, refund_fee=minor, out_refund_no=name, out_trade_no=number, refund_account=None
    )
    first = done(wallet, f"{way}: goes back", wallet.refund.apply, **given(f"{way}R1", 200))
    must(f"{way}: that much", (first["refund_fee"], first["out_refund_no"]) == ("200", f"{way}R1"), first)
    again = done(wallet, f"{way}: the same again", wallet.refund.apply, **given(f"{way}R1", 200))
    must(f"{way}: is one refund", again["refund_id"] == first["refund_id"], again)
    known = done(wallet, f"{way}: asked about it", wallet.refund.query, out_refund_no=f"{way}R1")
    must(
        f"{way}: it is done",
        (known["refund_status_0"], known["refund_fee_0"], known["out_refund_no_0"]) == ("SUCCESS", "200", f"{way}R1"),
        known,
    )
    refused(wallet, f"{way}: no such refund", "REFUNDNOTEXIST", wallet.refund.query, out_refund_no=f"{way}R9")
    turn(61)
    over = given(f"{way}R2", 1035)
    try:
        wallet.refund.apply(**over)
    except WeChatPayException as error:
        must(f"{way}: not more than was paid", error.errcode, error)
    else:
        sys.exit(f"{way}: more than was paid went back")
    order = done(wallet, f"{way}: the order", wallet.order.query, out_trade_no=number)
    must(f"{way}: knows of it", order["trade_state"] == "REFUND", order)


def forgeries(way):
    stranger = client(way, api_key="0123456789abcdef0123456789abcdef")
    try:
        said = stranger.order.query(out_trade_no="MD5CODE0001")
    except WeChatPayException as error:
        must(f"{way}: another's key is turned away", error.return_code == "FAIL", error)
    else:
        sys.exit(f"{way}: another's key was taken: {said!r}")
    try:
        said = client(way, with_certificate=False).order.reverse(out_trade_no="MD5CODE0004")
    except requests.exceptions.ConnectionError as error:
        must(f"{way}: without its certificate nobody takes money back", True, error)
    else:
        sys.exit(f"{way}: taken back without a certificate: {said!r}")
    wallet = client(way)
    for fault in ["bad_signature", "altered", "unsigned"]:
        control("/switches", {"next": {"query": [fault]}})
        said = wallet.order.query(out_trade_no="MD5CODE0001")
        must(f"{way}: {fault} is seen", not wallet.signed(said), said)


def main():
    for way in ["MD5", "HMAC-SHA256"]:
        wallet, name = client(way), way.split("-")[0]
        taken_back(wallet, name, charges(wallet, name))
        refunds(wallet, name)
        forgeries(way)


main()
