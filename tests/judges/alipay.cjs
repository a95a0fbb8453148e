// A client that we did not write, driven against the simulated Alipay, by the gateway and by REST.
//
// It signs and verifies by itself: what it takes is signed as the wallet signs, and what it makes is taken as the wallet
// takes it. The wallet's control interface plays the customer. The first thing that is not as it must be ends it.

"use strict";

const { createServer } = require("node:http");
const { inflateRawSync } = require("node:zlib");
const { AlipaySdk } = require("alipay-sdk");

const rig = JSON.parse(process.argv[2]);
const clock = Date.now;
let turned = 0;

function must(what, holds, seen) {
  if (!holds) {
    console.error(`${what}: ${JSON.stringify(seen)}`);
    process.exit(1);
  }
  console.log("ok:", what);
}

async function control(path, body) {
  const answer = await fetch(rig.control + path, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

// Turns the wallet's clock and the library's.
async function turn(seconds) {
  turned += seconds * 1000;
  Date.now = () => clock() + turned;
  await control("/clock", { advance_ms: seconds * 1000 });
}

const told = [];

// Where the merchant is told: keeps everything, and thanks.
const merchant = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    told.push(Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString())));
    response.end("success");
  });
});

async function nextTold(count) {
  for (let tries = 0; tries < 500; tries += 1) {
    if (told.length >= count) return told[count - 1];
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`told only ${told.length} times, not ${count}`);
}

function sdk(byCertificate, privateKey = rig.private_key) {
  const mode = byCertificate
    ? {
        appCertContent: rig.app_certificate,
        alipayPublicCertContent: rig.alipay_certificate,
        alipayRootCertContent: rig.root_certificate,
      }
    : { alipayPublicKey: rig.public_key };
  return new AlipaySdk({
    appId: rig.app_id,
    privateKey,
    keyType: "PKCS8",
    gateway: `${rig.wallet}/gateway.do`,
    endpoint: rig.wallet,
    camelcase: false,
    ...mode,
  });
}

// By the gateway: what it says, and its word for it.
function gateway(client) {
  return async (method, content, notifyUrl) => {
    const params = notifyUrl ? { notifyUrl, bizContent: content } : { bizContent: content };
    const data = await client.exec(method, params, { validateSign: true });
    return { ...data, word: data.sub_code ?? data.code };
  };
}

// The same by REST, whose errors the library throws; anything else that it throws is no answer.
function rest(client) {
  return async (method, content, notifyUrl) => {
    const path = `/v3/${method.replaceAll(".", "/")}`;
    const body = notifyUrl ? { ...content, notify_url: notifyUrl } : content;
    try {
      const bill = method.startsWith("alipay.data.");
      const answer = bill ? await client.curl("GET", path, { query: body }) : await client.curl("POST", path, { body });
      const waits = method === "alipay.trade.pay" && !answer.data.gmt_payment;
      return { ...answer.data, word: waits ? "10003" : "10000" };
    } catch (error) {
      if (!error.responseHttpStatus || error.responseHttpStatus < 400) throw error;
      return { word: error.code, status: error.responseHttpStatus, links: error.links };
    }
  };
}

const code = async (behaviour) => (await control("/codes", { behaviour })).code;

async function pay(call, number, behaviour = "pays", auth = undefined) {
  return call("alipay.trade.pay", {
    out_trade_no: number,
    scene: "bar_code",
    auth_code: auth ?? (await code(behaviour)),
    subject: "Corner Store 店",
    total_amount: "8.80",
    terminal_id: "T0001",
  });
}

const query = (call, number) => call("alipay.trade.query", { out_trade_no: number });

async function charges(call, way) {
  const auth = await code("pays");
  const paid = await pay(call, `${way}_CODE1`, "pays", auth);
  must(`${way}: a code is charged`, paid.word === "10000" && paid.total_amount === "8.80" && paid.trade_no, paid);
  const again = await pay(call, `${way}_CODE1`, "pays", auth);
  must(`${way}: the same again is told the truth`, again.trade_no === paid.trade_no && again.word === "10000", again);
  const other = await pay(call, `${way}_CODE2`, "pays", auth);
  must(`${way}: a code is good once`, other.word === "ACQ.PAYMENT_AUTH_CODE_INVALID", other);
  const changed = await pay(call, `${way}_CODE1`);
  must(`${way}: the same number with another code`, changed.word === "ACQ.TRADE_HAS_SUCCESS", changed);
  const byOwn = await call("alipay.trade.query", { trade_no: paid.trade_no });
  must(`${way}: found by the wallet's number`, byOwn.out_trade_no === `${way}_CODE1`, byOwn);
  const poor = await pay(call, `${way}_CODE3`, "no_funds");
  must(`${way}: no funds`, poor.word === "ACQ.BUYER_BALANCE_NOT_ENOUGH", poor);
  const slow = await pay(call, `${way}_CODE4`, { password_then_pays: { after_ms: 5000 } });
  must(`${way}: the customer types`, slow.word === "10003", slow);
  const waits = await query(call, `${way}_CODE4`);
  must(`${way}: it waits`, waits.trade_status === "WAIT_BUYER_PAY", waits);
  await turn(6);
  const then = await query(call, `${way}_CODE4`);
  must(`${way}: then it is paid`, then.trade_status === "TRADE_SUCCESS" && then.send_pay_date, then);
  const wrong = await call("alipay.trade.pay", { out_trade_no: `${way}_CODE5`, scene: "bar_code", subject: "s" });
  must(`${way}: a field is missing`, wrong.word === "ACQ.INVALID_PARAMETER", wrong);
}

async function takenBack(call, way) {
  const cancel = (number) => call("alipay.trade.cancel", { out_trade_no: number });
  const refunded = await cancel(`${way}_CODE1`);
  must(`${way}: what is paid goes back`, refunded.action === "refund" && refunded.retry_flag === "N", refunded);
  const after = await query(call, `${way}_CODE1`);
  must(`${way}: it stays so`, after.trade_status === "TRADE_CLOSED", after);
  await pay(call, `${way}_CODE6`, "password_never");
  const closed = await cancel(`${way}_CODE6`);
  must(`${way}: what is not paid is closed`, closed.action === "close", closed);
  const nothing = await cancel(`${way}_CODE7`);
  must(`${way}: there is nothing to take back`, nothing.word === "10000" && !nothing.action, nothing);
  const none = await query(call, `${way}_CODE7`);
  must(`${way}: no such trade`, none.word === "ACQ.TRADE_NOT_EXIST", none);
}

async function shown(call, client, way, notifyUrl) {
  const create = (number, amount = "12.34") =>
    call("alipay.trade.precreate", { out_trade_no: number, subject: "100% 茶", total_amount: amount }, notifyUrl);
  // As short as numbers may be.
  const number = `${way}1`;
  const made = await create(number);
  must(`${way}: a code to show`, made.qr_code?.startsWith("https://qr.alipay.com/"), made);
  const before = await query(call, number);
  must(`${way}: nobody has scanned it`, before.word === "ACQ.TRADE_NOT_EXIST", before);
  const changed = await create(number, "12.35");
  must(`${way}: the same number with another amount`, changed.word === "ACQ.CONTEXT_INCONSISTENT", changed);
  const count = told.length;
  const scanned = await control("/scan", { content: made.qr_code, behaviour: "pays" });
  must(`${way}: the customer pays`, scanned.scanned === "paid", scanned);
  const notice = await nextTold(count + 1);
  must(`${way}: the notification verifies`, client.checkNotifySignV2(notice), notice);
  must(
    `${way}: it tells of this payment`,
    notice.out_trade_no === number && notice.total_amount === "12.34" && notice.trade_status === "TRADE_SUCCESS"
      && notice.app_id === rig.app_id && notice.seller_id === rig.seller && notice.subject === "100% 茶",
    notice,
  );
  must(`${way}: altered it does not`, !client.checkNotifySignV2({ ...notice, total_amount: "12.35" }));
  must(`${way}: nor with a field more`, !client.checkNotifySignV2({ ...notice, refund_fee: "12.34" }));
  const plain = { ...notice };
  delete plain.sign_type;
  must(`${way}: nor is the kind of signature a part of it`, client.checkNotifySignV2(plain));
  const state = await query(call, number);
  must(`${way}: paid`, state.trade_status === "TRADE_SUCCESS" && state.total_amount === "12.34", state);
  const paid = await call("alipay.trade.close", { out_trade_no: number });
  must(`${way}: a paid trade is not closed`, paid.word === "ACQ.TRADE_STATUS_ERROR", paid);
  const left = await create(`${way}_SHOWN2`);
  await control("/scan", { content: left.qr_code, behaviour: "password_never" });
  const closed = await call("alipay.trade.close", { out_trade_no: `${way}_SHOWN2` });
  must(`${way}: a trade that was left is closed`, closed.word === "10000" && closed.trade_no, closed);
  const late = await control("/scan", { content: left.qr_code, behaviour: "pays" });
  must(`${way}: and never paid`, late.scanned === "no_good", late);
  return number;
}

async function refunds(call, way, number) {
  const back = (request, amount) =>
    call("alipay.trade.refund", { out_trade_no: number, out_request_no: request, refund_amount: amount });
  const asked = (request) =>
    call("alipay.trade.fastpay.refund.query", { out_trade_no: number, out_request_no: request });
  const first = await back(`${way}R1`, "2.00");
  must(`${way}: money moves`, first.fund_change === "Y" && first.refund_fee === "2.00", first);
  const again = await back(`${way}R1`, "2.00");
  must(`${way}: once, however often`, again.fund_change === "N" && again.refund_fee === "2.00", again);
  const other = await back(`${way}R1`, "2.01");
  must(`${way}: another amount`, other.word === "ACQ.DISCORDANT_REPEAT_REQUEST", other);
  const second = await back(`${way}R2`, "0.34");
  must(`${way}: what it tells is the sum`, second.refund_fee === "2.34", second);
  const over = await back(`${way}R3`, "10.01");
  must(`${way}: not more than was paid`, over.word === "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", over);
  const known = await asked(`${way}R2`);
  must(`${way}: it is done`, known.refund_status === "REFUND_SUCCESS" && known.refund_amount === "0.34", known);
  const unknown = await asked(`${way}R3`);
  must(`${way}: nothing is told of what is not there`, unknown.word === "10000" && !unknown.refund_status, unknown);
}

// The files of a ZIP archive, by the list at its end.
function unzipped(bytes) {
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  let at = bytes.readUInt32LE(end + 16);
  const files = {};
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [length, name, extra, comment] = [20, 28, 30, 32].map((place, n) =>
      n ? bytes.readUInt16LE(at + place) : bytes.readUInt32LE(at + place));
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(start, start + length);
    files[bytes.toString("utf8", at + 46, at + 46 + name)] = new TextDecoder("gbk").decode(inflateRawSync(packed));
    at += 46 + name + extra + comment;
  }
  return files;
}

async function bills(ways, day) {
  const ask = ([call]) => call("alipay.data.dataservice.bill.downloadurl.query", { bill_type: "trade", bill_date: day });
  for (const way of ways) {
    const early = await ask(way);
    must("no bill before the next morning", ["isp.bill_not_exist", "BILL_NOT_EXIST"].includes(early.word), early);
  }
  await turn(2 * 24 * 60 * 60);
  for (const way of ways) {
    const { bill_download_url: url } = await ask(way);
    const files = unzipped(Buffer.from(await (await fetch(url)).arrayBuffer()));
    const lines = files["detail.csv"].split("\r\n");
    const header = lines[4].split(",");
    const rows = lines.slice(5).filter((line) => !line.startsWith("#") && line).map((line) => line.split(","));
    must("every line has every column", rows.every((row) => row.length === 25) && header.length === 25, rows);
    const kinds = rows.map((row) => row[header.indexOf("业务类型")]);
    const count = (kind) => kinds.filter((found) => found.trim() === kind).length;
    // By each way: two by charge, one of them taken back; one by a shown code, and two refunds of it.
    must("what moved is in it", count("交易") === 3 * ways.length && count("退款") === 3 * ways.length, kinds);
    await turn(31);
    const late = await (await fetch(url)).text();
    must("after half a minute its address is good no more", late.startsWith("<html>"), late);
  }
}

async function refused(what, answer) {
  try {
    const taken = await answer;
    must(`${what} is refused`, false, taken);
  } catch (error) {
    console.log("ok:", what, "is refused:", error.code ?? error.name);
  }
}

async function forgeries(byCertificate, notifyUrl) {
  const strange = sdk(byCertificate, rig.other_key);
  const [client, number] = [sdk(byCertificate), byCertificate ? "GATEWAY_CERTIFICATE_CODE4" : "GATEWAY_KEY_CODE4"];
  const byGateway = await query(gateway(strange), number);
  must("another's key is turned away", byGateway.word === "isv.invalid-signature", byGateway);
  const byRest = await query(rest(strange), number);
  must("by REST, too", byRest.word === "invalid-signature" && byRest.status === 400 && byRest.links[0].link, byRest);
  // A lost reply is none of them: the library sends again by itself when a connection ends, and gets an answer.
  for (const fault of ["bad_signature", "unsigned", "altered", "garbage", "server_error"]) {
    for (const [name, way] of [["gateway", gateway], ["REST", rest]]) {
      await control("/switches", { next: { query: [fault] } });
      const answer = name === "REST"
        ? client.curl("POST", "/v3/alipay/trade/query", { body: { out_trade_no: number } })
        : query(way(client), number);
      await refused(`${fault} by ${name}`, answer);
    }
  }
  for (const fault of byCertificate ? ["missing_header", "other_serial"] : ["missing_header"]) {
    await control("/switches", { next: { query: [fault] } });
    await refused(fault, query(rest(client), number));
  }
  for (const fault of ["bad_signature", "altered", "unsigned"]) {
    const count = told.length;
    await control("/switches", { next: { notify: [fault] } });
    const made = await gateway(client)(
      "alipay.trade.precreate",
      { out_trade_no: `FORGED_${byCertificate}_${fault}`, subject: "s", total_amount: "1.00" },
      notifyUrl,
    );
    await control("/scan", { content: made.qr_code, behaviour: "pays" });
    must(`a notification with ${fault} is not taken`, !client.checkNotifySignV2(await nextTold(count + 1)));
  }
}

async function onlyByRest() {
  const client = sdk(false);
  const to = (path, options, method = "POST") => client.curl(method, path, options).then(
    (answer) => answer,
    (error) => ({ word: error.code, status: error.responseHttpStatus }),
  );
  const nowhere = await to("/v3/alipay/trade/give/away", { body: {} });
  must("nothing at that address", nowhere.status === 404, nowhere);
  const got = await to("/v3/alipay/trade/query", { query: { out_trade_no: "x" } }, "GET");
  must("a question is posted", got.word === "invalid-http-method", got);
  const forOthers = await to("/v3/alipay/trade/query", { body: { out_trade_no: "x" }, appAuthToken: "t" });
  must("in nobody's name", forOthers.word === "invalid-app-auth-token" && forOthers.status === 401, forOthers);
  Date.now = () => clock() + turned - 601_000;
  const old = await to("/v3/alipay/trade/query", { body: { out_trade_no: "x" } });
  must("no request that is older than ten minutes", old.word === "invalid-timestamp", old);
  Date.now = () => clock() + turned;
  const bare = await fetch(`${rig.wallet}/v3/alipay/trade/query`, { method: "POST", body: "{}" });
  must("nor one without a signature", bare.status === 400 && (await bare.json()).code === "missing-timestamp");
}

async function main() {
  await new Promise((done) => merchant.listen(0, "127.0.0.1", done));
  const notifyUrl = `http://127.0.0.1:${merchant.address().port}/notify?shop=1&till=2`;
  // All of it on one day of China's.
  if ((clock() / 1000 + 8 * 3600) % 86400 > 86400 - 900) await turn(1800);
  const day = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
  const ways = [];
  for (const [mode, byCertificate] of [["KEY", false], ["CERTIFICATE", true]]) {
    const client = sdk(byCertificate);
    for (const [name, by] of [["GATEWAY", gateway], ["REST", rest]]) {
      const [call, way] = [by(client), `${name}_${mode}`];
      await charges(call, way);
      await takenBack(call, way);
      const number = await shown(call, client, way, notifyUrl);
      await refunds(call, way, number);
      ways.push([call, way]);
    }
  }
  await bills(ways, day);
  await forgeries(false, notifyUrl);
  await forgeries(true, notifyUrl);
  await onlyByRest();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
