// An Alipay whose every signature is made, and whose every request is checked, by a library that we did not write.
//
// Our adapter calls it. It holds next to no rules: what matters is the wire. How an answer goes wrong, the last digit of the
// payment code says. One JSON line tells where it listens; `POST /told` gives a notification as the wallet sends it. Before an
// answer leaves, the library's own client must take it, or refuse it where it must be refused.

"use strict";

const { createServer } = require("node:http");
const path = require("node:path");
const { AlipaySdk } = require("alipay-sdk");
const util = require(path.join(path.dirname(require.resolve("alipay-sdk")), "util.js"));

const rig = JSON.parse(process.argv[2]);
const trades = {};
const refunds = {};

// The merchant, as the library is one: to make the requests that ours must be like, and to judge what we answer.
const merchant = new AlipaySdk({
  appId: rig.app_id,
  privateKey: rig.private_key,
  alipayPublicKey: rig.public_key,
  keyType: "PKCS8",
  camelcase: false,
});

function fail(what, seen) {
  console.error(`${what}: ${JSON.stringify(seen)}`);
  process.exit(1);
}

// Whether the library, given our key, time and content, makes the very signature that came.
function isSigned(fields) {
  const { sign, method, biz_content: content, app_id: app, charset, version, sign_type: signType, ...rest } = fields;
  const config = { ...merchant.config, charset, version, signType };
  const own = util.sign(method, { ...rest, bizContent: JSON.parse(content) }, config, { bizContentAutoSnakeCase: false });
  return app === rig.app_id && own.biz_content === content && own.sign === sign;
}

function signed(method, node, fault) {
  const name = `${method.replaceAll(".", "_")}_response`;
  // Written by hand, with spaces as nobody else has them: the signature is over the very bytes.
  const text = `{ ${Object.entries(node).map(([key, value]) => `${JSON.stringify(key)} : ${JSON.stringify(value)}`).join(", ")}}`;
  const sign = util.signatureV3(text, fault === "other_key" ? rig.other_key : rig.own_key);
  const sent = fault === "altered" ? text.replace("10000", "10003") : text;
  const whole = `{"${name}":${sent},"sign":"${sign}"}`;
  let taken = true;
  try {
    merchant.checkResponseSign(whole, name, sign, "judge");
  } catch {
    taken = false;
  }
  if (taken !== !fault) fail(`the library ${taken ? "takes" : "refuses"} an answer with ${fault || "nothing wrong"}`, whole);
  return whole;
}

const FAULTS = { 1: "other_key", 2: "altered" };
const ok = { code: "10000", msg: "Success" };
const refused = (word) => ({ code: "40004", msg: "Business Failed", sub_code: word, sub_msg: "不行 \\ \"}" });

const of = (trade) => ({
  out_trade_no: trade.number,
  trade_no: trade.transaction,
  total_amount: trade.total,
  receipt_amount: trade.total,
  buyer_logon_id: "j***@\"店\".cn",
  subject: "}],{\"sign\":\"",
});

function serve(method, asked) {
  const number = asked.out_trade_no;
  const trade = trades[number];
  switch (method) {
    case "alipay.trade.pay": {
      const made = { number, total: asked.total_amount, transaction: `2026112222001${Object.keys(trades).length}00000` };
      trades[number] = { ...made, status: "TRADE_SUCCESS" };
      if (asked.auth_code.endsWith("4")) {
        trades[number].status = "WAIT_BUYER_PAY";
        return [{ ...of(made), code: "10003", msg: "order success pay inprocess" }];
      }
      return [{ ...ok, ...of(made), gmt_payment: "2026-11-22 12:00:00" }, FAULTS[asked.auth_code.at(-1)]];
    }
    case "alipay.trade.precreate":
      trades[number] = { number, total: asked.total_amount, transaction: "202611222200190000000", status: "" };
      return [{ ...ok, out_trade_no: number, qr_code: "https://qr.alipay.com/judge" }];
    case "alipay.trade.query":
      if (!trade?.status) return [refused("ACQ.TRADE_NOT_EXIST")];
      return [{ ...ok, ...of(trade), trade_status: trade.status }];
    case "alipay.trade.cancel":
    case "alipay.trade.close":
      if (!trade?.status) return [refused("ACQ.TRADE_NOT_EXIST")];
      trade.status = "TRADE_CLOSED";
      return [{ ...ok, out_trade_no: number, trade_no: trade.transaction, retry_flag: "N", action: "close" }];
    case "alipay.trade.refund":
      refunds[asked.out_request_no] = asked.refund_amount;
      return [{ ...ok, ...of(trade), fund_change: "Y", refund_fee: asked.refund_amount }];
    case "alipay.trade.fastpay.refund.query": {
      const amount = refunds[asked.out_request_no];
      if (!amount) return [ok];
      const told = { out_request_no: asked.out_request_no, refund_amount: amount, refund_status: "REFUND_SUCCESS" };
      return [{ ...ok, ...told, out_trade_no: number, trade_no: trade.transaction, total_amount: trade.total }];
    }
    default:
      return fail("nobody asks for this", method);
  }
}

// The customer pays; and what the wallet tells of it.
function told({ number, fault }) {
  const trade = trades[number];
  trade.status = "TRADE_SUCCESS";
  const notice = {
    app_id: rig.app_id,
    auth_app_id: rig.app_id,
    buyer_logon_id: "j***@店.cn",
    charset: "utf-8",
    gmt_payment: "2026-11-22 12:00:00",
    notify_id: "2026112200222120000000",
    notify_time: "2026-11-22 12:00:01",
    notify_type: "trade_status_sync",
    out_trade_no: number,
    seller_id: rig.seller,
    subject: "100% 茶 & + \"店\"",
    total_amount: trade.total,
    trade_no: trade.transaction,
    trade_status: "TRADE_SUCCESS",
    version: "1.0",
  };
  const text = Object.keys(notice).sort().map((name) => `${name}=${notice[name]}`).join("&");
  notice.sign = util.signatureV3(text, fault === "other_key" ? rig.other_key : rig.own_key);
  notice.sign_type = "RSA2";
  if (fault === "altered") notice.total_amount = "0.01";
  if (merchant.checkNotifySignV2(notice) !== !fault) fail(`what the library says of a notification with ${fault}`, notice);
  return new URLSearchParams(notice).toString();
}

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString();
    if (request.url === "/told") return response.end(told(JSON.parse(body)));
    const url = new URL(request.url, "http://wallet");
    const fields = Object.fromEntries([...url.searchParams, ...new URLSearchParams(body)]);
    const name = fields.method;
    if (!isSigned(fields)) {
      const node = { code: "40002", msg: "Invalid Arguments", sub_code: "isv.invalid-signature", sub_msg: "验签出错" };
      return response.end(signed(name, node));
    }
    return response.end(signed(name, ...serve(name, JSON.parse(fields.biz_content))));
  });
});

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ plain: server.address().port })));
// Whoever started it closes this when it is to end.
process.stdin.resume().on("end", () => process.exit(0));
