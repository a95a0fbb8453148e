"""A WeChat Pay whose every signature is made, and whose every request is checked, by libraries that we did not write.

Our adapter calls it: version 2 as `wechatpy` signs it, version 3 as `wechatpayv3` signs and seals it. It holds next to no
rules: what matters is the wire. How an answer goes wrong, the last digits of the payment code or the number of the order
say. One JSON line tells where it listens; `POST /told` gives a notification, headers and body, as the wallet sends it.
"""

import json
import ssl
import sys
import threading
import time
import types
import uuid
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import xmltodict
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3 import utils as v3
from wechatpy.pay import utils as v2

rig = json.loads(sys.argv[1])
merchant_key = v3.load_private_key(rig["private_key_text"])
own_key = v3.load_private_key(rig["own_key"])
other_key = v3.load_private_key(rig["other_key"])
public_key = v3.load_public_key(rig["public_key"])
orders, refunds = {}, {}


# Version 2


def v2_sign(fields, key, kind):
    by = v2.calculate_signature_hmac if kind == "HMAC-SHA256" else v2.calculate_signature
    return by({name: value for name, value in fields.items() if name != "sign"}, key)


def v2_answer(asked, said, fault=""):
    kind = asked.get("sign_type", "MD5")
    if fault == "other_kind":
        kind = "MD5" if kind == "HMAC-SHA256" else "HMAC-SHA256"
    said = {"return_code": "SUCCESS", "appid": rig["app_id"], "mch_id": rig["merchant_id"], **said}
    said["nonce_str"] = uuid.uuid4().hex
    sign = v2_sign(said, "0" * 32 if fault == "other_key" else rig["api_key"], kind)
    if fault == "altered":
        said["total_fee"] = "1"
    return 200, {"content-type": "text/xml"}, v2.dict_to_xml(said, sign).encode()


def v2_refused(asked, word):
    return v2_answer(asked, {"result_code": "FAIL", "err_code": word, "err_code_des": "不行"})


def v2_paid(number):
    order = orders[number]
    return {
        "result_code": "SUCCESS",
        "out_trade_no": number,
        "transaction_id": order["transaction"],
        "total_fee": order["total"],
        "fee_type": "CNY",
        "cash_fee": order["total"],
        "trade_type": "MICROPAY",
        "bank_type": "OTHERS",
        "openid": "oJudge<&>店",
        "attach": "",
        "time_end": time.strftime("%Y%m%d%H%M%S"),
    }


FAULTS = {"1": "other_key", "2": "altered", "3": "other_kind"}


def v2_serve(path, body, secure):
    asked = xmltodict.parse(body)["xml"]
    if asked.get("sign") != v2_sign(asked, rig["api_key"], asked.get("sign_type", "MD5")):
        return 200, {}, v2.dict_to_xml({"return_code": "FAIL", "return_msg": "SIGNERROR"}).encode()
    if path.startswith("/secapi/") != secure:
        return 404, {}, b""
    number = asked.get("out_trade_no")
    if path == "/pay/micropay":
        orders[number] = {"total": asked["total_fee"], "transaction": "4200009" + str(len(orders)).zfill(21)}
        code = asked["auth_code"]
        if code.endswith("4"):
            orders[number]["waits"] = True
            return v2_refused(asked, "USERPAYING")
        return v2_answer(asked, v2_paid(number), FAULTS.get(code[-1], ""))
    if path == "/pay/refundquery":
        refund = refunds.get(asked["out_refund_no"])
        if not refund:
            return v2_refused(asked, "REFUNDNOTEXIST")
        row = {f"{name}_0": refund[name] for name in ["out_refund_no", "refund_id", "refund_fee"]}
        row |= {"refund_status_0": "SUCCESS", "refund_count": "1", "result_code": "SUCCESS"}
        return v2_answer(asked, {**row, "out_trade_no": refund["out_trade_no"], "total_fee": refund["total_fee"]})
    if number not in orders:
        return v2_refused(asked, "ORDERNOTEXIST")
    if path == "/pay/orderquery":
        state = orders[number].get("state") or ("USERPAYING" if orders[number].get("waits") else "SUCCESS")
        said = v2_paid(number) if state == "SUCCESS" else {"result_code": "SUCCESS", "out_trade_no": number}
        return v2_answer(asked, {**said, "trade_state": state})
    if path == "/secapi/pay/reverse":
        orders[number]["state"] = "REVOKED"
        return v2_answer(asked, {"result_code": "SUCCESS", "recall": "N"})
    if path == "/secapi/pay/refund":
        names = ["out_trade_no", "out_refund_no", "total_fee", "refund_fee"]
        refunds[asked["out_refund_no"]] = {name: asked[name] for name in names} | {"refund_id": "5030001"}
        return v2_answer(asked, {"result_code": "SUCCESS", **refunds[asked["out_refund_no"]]})
    return 404, {}, b""


# Version 3


def v3_asked(method, target, headers, body):
    """Whether the library, given our key, time and nonce, makes the very header that came."""
    scheme, _, said = headers.get("authorization", "").partition(" ")
    parts = lambda text: dict(part.split("=", 1) for part in text.split(","))
    fields = {name.strip(): value.strip('"') for name, value in parts(said).items()}
    v3.time = types.SimpleNamespace(time=lambda: int(fields["timestamp"]))
    own = v3.build_authorization(
        target, method, rig["merchant_id"], rig["serial"], merchant_key, body.decode(), fields["nonce_str"]
    )
    kind, _, own = own.partition(" ")
    own = {name.strip(): value.strip('"') for name, value in parts(own).items()}
    return scheme == kind and fields == own and abs(time.time() - int(fields["timestamp"])) < 60


def v3_signed(body, fault=""):
    stamp, nonce = str(int(time.time()) - (600 if fault == "old" else 0)), uuid.uuid4().hex
    text = body.decode()
    key = other_key if fault == "other_key" else own_key
    signature = v3.rsa_sign(key, f"{stamp}\n{nonce}\n{text}\n")
    # What our adapter has to take, the library itself takes; and not, what it must not.
    if v3.rsa_verify(stamp, nonce, text, signature, public_key) != (fault != "other_key"):
        sys.exit("the library does not verify what it signed")
    return {
        "wechatpay-timestamp": stamp,
        "wechatpay-nonce": nonce,
        "wechatpay-serial": rig["public_key_id"],
        "wechatpay-signature": signature,
        "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        "request-id": uuid.uuid4().hex,
        "content-type": "application/json",
    }


def v3_answer(said, status=200, fault=""):
    body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
    headers = v3_signed(body, fault)
    return status, headers, body.replace(b"SUCCESS", b"REFUND ") if fault == "altered" else body


def v3_order(number):
    order = orders[number]
    return {
        "appid": rig["app_id"],
        "mchid": rig["merchant_id"],
        "out_trade_no": number,
        "transaction_id": order["transaction"],
        "trade_type": "NATIVE",
        "trade_state": order["state"],
        "trade_state_desc": "支付",
        "success_time": time.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
        "payer": {"openid": "oJudge店"},
        "amount": {"total": order["total"], "payer_total": order["total"], "currency": "CNY", "payer_currency": "CNY"},
    }


def v3_serve(method, target, headers, body):
    if not v3_asked(method, target, headers, body):
        return v3_answer({"code": "SIGN_ERROR", "message": "签名错误"}, 401)
    path = urlsplit(target).path
    asked = json.loads(body) if body else {}
    if path == "/v3/pay/transactions/native":
        number = asked["out_trade_no"]
        total = asked["amount"]["total"]
        transaction = "4200008" + str(len(orders)).zfill(21)
        orders[number] = {"total": total, "transaction": transaction, "state": "NOTPAY"}
        return v3_answer({"code_url": "weixin://wxpay/bizpayurl?pr=judge"})
    if path.startswith("/v3/pay/transactions/out-trade-no/"):
        number = path.split("/")[5]
        if number not in orders:
            return v3_answer({"code": "ORDER_NOT_EXIST", "message": "订单不存在"}, 404)
        if path.endswith("/close"):
            orders[number]["state"] = "CLOSED"
            return v3_answer(None, 204)
        return v3_answer(v3_order(number), fault=orders[number].pop("fault", ""))
    if path == "/v3/refund/domestic/refunds":
        refunds[asked["out_refund_no"]] = asked
    name = path.split("/")[-1] if method == "GET" else asked.get("out_refund_no")
    if name in refunds:
        given = refunds[name]
        said = {name: given[name] for name in ["out_trade_no", "out_refund_no"]}
        said |= {"refund_id": "5030001", "status": "SUCCESS", "channel": "ORIGINAL", "amount": given["amount"]}
        return v3_answer(said)
    return v3_answer({"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"}, 404)


def told(asked):
    """The customer pays; and what the wallet tells of it."""
    number, fault = asked["number"], asked.get("fault", "")
    orders[number]["state"] = "SUCCESS"
    nonce, associated = uuid.uuid4().hex[:12], "transaction"
    text = json.dumps(v3_order(number), ensure_ascii=False)
    key = "0" * 32 if fault == "other_seal" else rig["api_v3_key"]
    sealed = b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), text.encode(), associated.encode())).decode()
    if (v3.aes_decrypt(nonce, sealed, associated, rig["api_v3_key"]) == text) != (fault != "other_seal"):
        sys.exit("the library does not open what is sealed")
    body = json.dumps(
        {
            "id": str(uuid.uuid4()),
            "create_time": time.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": sealed,
                "associated_data": associated,
                "nonce": nonce,
            },
        },
        ensure_ascii=False,
    )
    headers = v3_signed(body.encode(), fault)
    return {"headers": list(headers.items()), "body": body + " " if fault == "altered" else body}


class Wallet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        secure = isinstance(self.connection, ssl.SSLSocket)
        if self.path == "/told":
            answer = 200, {}, json.dumps(told(json.loads(body))).encode()
        elif self.path == "/fault":
            asked = json.loads(body)
            orders[asked["number"]]["fault"] = asked["fault"]
            answer = 200, {}, b"{}"
        elif self.path.startswith("/v3/"):
            answer = v3_serve(self.command, self.path, headers, body)
        elif self.command == "GET":
            answer = 404, {}, b""
        else:
            answer = v2_serve(self.path, body, secure)
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


def main():
    plain, secure = ThreadingHTTPServer(("127.0.0.1", 0), Wallet), ThreadingHTTPServer(("127.0.0.1", 0), Wallet)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(rig["server_certificate"], rig["server_key"])
    tls.load_verify_locations(rig["root"])
    tls.verify_mode = ssl.CERT_REQUIRED
    secure.socket = tls.wrap_socket(secure.socket, server_side=True)
    print(json.dumps({"plain": plain.server_port, "secure": secure.server_port}), flush=True)
    for server in [plain, secure]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    # Whoever started it closes this when it is to end.
    sys.stdin.read()


main()
