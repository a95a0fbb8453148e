"""A client that we did not write, driven against the simulated WeChat Pay, version 3.

It signs and verifies by itself: what it takes is signed as the wallet signs, and what it makes is taken as the wallet
takes it. The wallet's control interface plays the customer. The first thing that is not as it must be ends it.
"""

import gzip
import hashlib
import json
import sys
import threading
import time
import types
import urllib.request
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

from wechatpayv3 import WeChatPay, WeChatPayType, utils

rig = json.loads(sys.argv[1])
turned = 0


def must(what, holds, seen=None):
    if not holds:
        sys.exit(f"{what}: {seen!r}")
    print("ok:", what)


def control(path, body):
    request = urllib.request.Request(rig["control"] + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def turn(seconds):
    """Turns the wallet's clock and the library's."""
    global turned
    turned += seconds
    control("/clock", {"advance_ms": seconds * 1000})


utils.time = types.SimpleNamespace(time=lambda: time.time() + turned)


class Merchant(BaseHTTPRequestHandler):
    """Where the merchant is told: keeps everything, and thanks, or does not."""

    told = []
    status = 204

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = Merchant.status  # of now: whoever sees what was told may change it at once
        Merchant.told.append((dict(self.headers.items()), body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


def told(count):
    for _ in range(500):
        if len(Merchant.told) >= count:
            return Merchant.told[count - 1]
        time.sleep(0.01)
    sys.exit(f"told only {len(Merchant.told)} times, not {count}")


def client(notify_url, private_key=rig["private_key"], by_public_key=True):
    made = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=rig["merchant_id"],
        private_key=private_key,
        cert_serial_no=rig["serial"],
        appid=rig["app_id"],
        apiv3_key=rig["api_v3_key"],
        notify_url=notify_url,
        public_key=rig["public_key"],
        public_key_id=rig["public_key_id"],
        timeout=(5, 10),
    )
    made._core._gate_way = rig["wallet"]
    if not by_public_key:
        # From here on it knows the wallet by the certificates that it fetches and opens itself.
        made._core._public_key = made._core._public_key_id = None
    return made


def said(answer, status=200):
    code, text = answer
    if code != status:
        sys.exit(f"status {code}, not {status}: {text}")
    return json.loads(text) if text else None


def pay(wallet, number, total=1234):
    return wallet.pay(description="Corner Store 店", out_trade_no=number, amount={"total": total, "currency": "CNY"})


def charge(wallet, number, behaviour):
    code = control("/codes", {"behaviour": behaviour})["code"]
    return wallet.pay(
        description="Corner Store 店",
        out_trade_no=number,
        amount={"total": 880, "currency": "CNY"},
        payer={"auth_code": code},
        scene_info={"device_id": "T0001", "store_info": {"out_id": "T0001"}},
        pay_type=WeChatPayType.CODEPAY,
    )


def shown_codes(wallet, way):
    number = f"{way}NATIVE0001"
    code = said(pay(wallet, number))["code_url"]
    must(f"{way}: a code to show", code.startswith("weixin://"), code)
    again = said(pay(wallet, number))["code_url"]
    must(f"{way}: asking again brings another code", again != code, again)
    state = said(wallet.query(out_trade_no=number))["trade_state"]
    must(f"{way}: nobody has paid", state == "NOTPAY", state)
    before = len(Merchant.told)
    must(f"{way}: the old code is good no more", control("/scan", {"content": code})["scanned"] == "no_good")
    must(f"{way}: the customer pays", control("/scan", {"content": again})["scanned"] == "paid")
    headers, body = told(before + 1)
    event = wallet.callback(headers, body)
    must(f"{way}: the notification verifies and opens", event, headers)
    content = event["resource"]
    must(
        f"{way}: it tells of this payment",
        event["event_type"] == "TRANSACTION.SUCCESS"
        and (content["out_trade_no"], content["amount"]["total"]) == (number, 1234)
        and content["trade_type"] == "NATIVE",
        event,
    )
    must(f"{way}: altered it does not", not wallet.callback(headers, body.replace(b"TRANSACTION", b"TRANSACTI0N")))
    order = said(wallet.query(out_trade_no=number))
    must(f"{way}: paid", order["trade_state"] == "SUCCESS" and order["transaction_id"], order)
    known = said(wallet.query(transaction_id=order["transaction_id"]))
    must(f"{way}: found by the wallet's number", known["out_trade_no"] == number, known)
    must(f"{way}: no such number of the wallet's", wallet.query(transaction_id="4200000000")[0] == 404)
    must(f"{way}: a paid order is not closed", wallet.close(number)[0] == 400)
    other = f"{way}NATIVE0002"
    said(pay(wallet, other))
    must(f"{way}: closing is answered with nothing, signed", wallet.close(other)[0] == 204)
    must(f"{way}: closed", said(wallet.query(out_trade_no=other))["trade_state"] == "CLOSED")
    must(f"{way}: no such order", wallet.query(out_trade_no=f"{way}NATIVE0003")[0] == 404)
    return number


def refunds(wallet, way, number):
    back = lambda name, minor: wallet.refund(
        out_refund_no=name, out_trade_no=number, reason="凉", amount={"refund": minor, "total": 1234, "currency": "CNY"}
    )
    name, before = f"{way}REFUND1", len(Merchant.told)
    Merchant.status = 500
    first, second = said(back(name, 200)), said(back(name, 200))
    must(f"{way}: one refund however often", first["refund_id"] == second["refund_id"], second)
    must(f"{way}: it is done", said(wallet.query_refund(name))["status"] == "SUCCESS")
    event = wallet.callback(*told(before + 1))
    must(f"{way}: it is told of", event and event["event_type"] == "REFUND.SUCCESS", event)
    content = event["resource"]
    must(
        f"{way}: of this refund",
        (content["out_refund_no"], content["out_trade_no"], content["refund_status"]) == (name, number, "SUCCESS")
        and content["amount"] == {"total": 1234, "refund": 200, "payer_total": 1234, "payer_refund": 200},
        content,
    )
    Merchant.status = 204
    turn(16)
    again = wallet.callback(*told(before + 2))
    must(f"{way}: told again to whom has not thanked", again and again["id"] == event["id"], again)
    must(f"{way}: the same number with another amount", back(name, 201)[0] == 400)
    must(f"{way}: no sooner than a minute later", back(f"{way}REFUND2", 1)[0] == 429)
    turn(61)
    must(f"{way}: not more than was paid", back(f"{way}REFUND2", 1035)[0] == 400)
    control("/switches", {"refund_takes_ms": 30000})
    must(f"{way}: it takes its time", said(back(f"{way}REFUND2", 34))["status"] == "PROCESSING")
    must(f"{way}: nothing is told before it has arrived", len(Merchant.told) == before + 2)
    turn(31)
    must(f"{way}: then it is done", said(wallet.query_refund(f"{way}REFUND2"))["status"] == "SUCCESS")
    late = wallet.callback(*told(before + 3))
    must(f"{way}: and told", late and late["resource"]["out_refund_no"] == f"{way}REFUND2", late)
    control("/switches", {"refund_takes_ms": 0})
    must(f"{way}: no such refund", wallet.query_refund(f"{way}REFUND3")[0] == 404)


def charges(wallet, way):
    number = f"{way}CODE0001"
    paid = said(charge(wallet, number, "pays"))
    must(f"{way}: a code is charged", paid["trade_state"] == "SUCCESS" and paid["trade_type"] == "MICROPAY", paid)
    must(f"{way}: a charge is not closed", wallet.close(number)[0] == 400)
    must(f"{way}: taken back", said(wallet.codepay_reverse(number))["out_trade_no"] == number)
    must(f"{way}: it stays so", said(wallet.query(out_trade_no=number))["trade_state"] == "REVOKED")
    must(f"{way}: no funds", charge(wallet, f"{way}CODE0002", "no_funds")[0] == 403)
    slow = said(charge(wallet, f"{way}CODE0003", {"password_then_pays": {"after_ms": 5000}}))
    must(f"{way}: the customer types", slow["trade_state"] == "USERPAYING", slow)
    turn(6)
    paid = said(wallet.query(out_trade_no=f"{way}CODE0003"))
    must(f"{way}: then it is paid", paid["trade_state"] == "SUCCESS", paid)
    before = len(Merchant.told)
    whole = said(
        wallet.refund(
            out_refund_no=f"{way}CODEREFUND",
            transaction_id=paid["transaction_id"],
            amount={"refund": 880, "total": 880, "currency": "CNY"},
        )
    )
    must(f"{way}: a charge goes back whole", whole["out_trade_no"] == f"{way}CODE0003", whole)
    event = wallet.callback(*told(before + 1))
    must(f"{way}: told of, too", event["resource"]["out_refund_no"] == f"{way}CODEREFUND", event)
    must(f"{way}: refunded", said(wallet.query(out_trade_no=f"{way}CODE0003"))["trade_state"] == "REFUND")
    gone = wallet.codepay_reverse(f"{way}CODE0003")
    must(f"{way}: what is refunded is not taken back", gone[0] != 200, gone)


def fetched(wallet, answer):
    """The names of the columns, and the rows; the last one holds the sums."""
    code, packed = wallet.download_bill(answer["download_url"])
    must("the file comes", code == 200, code)
    text = gzip.decompress(packed)
    must("its hash is the one that was signed", hashlib.sha1(text).hexdigest() == answer["hash_value"])
    lines = text.decode("utf-8-sig").split("\r\n")
    return lines[0].split(","), [line[1:].split(",`") for line in lines[1:] if line.startswith("`")]


def bills(wallet, day):
    must("no bill before the next morning", wallet.trade_bill(day)[0] == 400)
    turn(2 * 24 * 60 * 60)
    # By each way: two paid by charge, one of them taken back, the other refunded; one by a shown code, refunded twice.
    came, went = ["SUCCESS"] * 6, ["REFUND"] * 6 + ["REVOKED"] * 2
    for kind, columns, moved in [("ALL", 27, came + went), ("SUCCESS", 20, came), ("REFUND", 29, went)]:
        answer = said(wallet.trade_bill(day, bill_type=kind))
        header, rows = fetched(wallet, answer)
        sums = rows.pop()
        must(f"{kind}: every line has every column", all(len(row) == len(header) == columns for row in rows), rows)
        states = sorted(row[header.index("交易状态")] for row in rows)
        must(f"{kind}: what moved is in it", states == sorted(moved) and sums[0] == str(len(moved)), states)
        turn(301)
        late = wallet.download_bill(answer["download_url"])[0]
        must(f"{kind}: after five minutes its address is good no more", late == 400, late)
    header, rows = fetched(wallet, said(wallet.fundflow_bill(day)))
    count, _, came, _, went = rows.pop()
    must("the account: every line has every column", all(len(row) == len(header) == 11 for row in rows), rows)
    must("the account: as many as it says", len(rows) == int(count), count)
    left = rows[-1][header.index("账户结余(元)")]
    must("the account: it ends with what came less what went", Decimal(left) == Decimal(came) - Decimal(went), left)
    must("nothing moves on the others", wallet.fundflow_bill(day, account_type="FEES")[0] == 400)


def forgeries(wallet, notify_url):
    stranger = client(notify_url, private_key=rig["other_key"])
    code, text = stranger.query(out_trade_no="PUBLICNATIVE0001")
    must("another's key is turned away", (code, json.loads(text)["code"]) == (401, "SIGN_ERROR"), text)
    for fault in ["bad_signature", "altered", "sign_test", "missing_header", "other_serial", "unsigned"]:
        control("/switches", {"next": {"query": [fault]}})
        try:
            wallet.query(out_trade_no="PUBLICNATIVE0001")
        except Exception as refused:
            print("ok:", fault, "is refused:", type(refused).__name__)
        else:
            sys.exit(f"{fault}: the library took it")
    before = len(Merchant.told)
    for count, fault in enumerate(["bad_signature", "altered", "sign_test"], 1):
        control("/switches", {"next": {"notify": [fault]}})
        control("/scan", {"content": said(pay(wallet, f"FORGED{count:04}"))["code_url"]})
        headers, body = told(before + count)
        must(f"a notification with {fault} is not taken", not wallet.callback(headers, body))


def main():
    server = HTTPServer(("127.0.0.1", 0), Merchant)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    notify_url = f"http://127.0.0.1:{server.server_port}/notify"
    if (time.time() + 8 * 3600) % 86400 > 86400 - 900:
        turn(1800)  # all of it on one day of China's
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + turned + 8 * 3600))
    for way, by_public_key in [("PUBLIC", True), ("CERTIFICATE", False)]:
        control("/switches", {"signs_by": "public_key" if by_public_key else "certificate"})
        wallet = client(notify_url, by_public_key=by_public_key)
        number = shown_codes(wallet, way)
        refunds(wallet, way, number)
        charges(wallet, way)
    bills(wallet, day)
    control("/switches", {"signs_by": "public_key"})
    forgeries(client(notify_url), notify_url)


main()
