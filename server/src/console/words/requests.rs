//! What the console says of refunds that tills asked for.

use super::dictionary::dictionary;

dictionary! {
    title: "Asked for at tills", "收银机申请的退款";
    none: "No till asks for a refund.", "没有收银机申请退款。";
    how: "Nothing is reserved before somebody approves it. An approved refund stands at its till at once, under your name; the cashier carries it out there.", "批准前不会预留任何款项。批准后退款立即出现在该收银机上，记在您名下，由收银员在该机上办理。";
    who: "Till and cashier", "收银机与收银员";
    why: "Reason", "原因";
    decide: "Your word", "您的决定";
    approve: "Approve {}", "批准 {}";
    refuse: "Refuse", "拒绝";
    approved: "Approved: {} of order {} stand at {}.", "已批准：订单 {1} 的 {0} 已出现在 {2}。";
    refused: "Refused: nothing of order {} goes back. Tell the cashier.", "已拒绝：订单 {} 不退款，请告知收银员。";
    decided: "Somebody has decided about this before: {}.", "此申请已有人处理：{}。";
    in_doubt: "You approved it, and whether it is reserved is not known yet. Approve it again in a moment: it counts once.", "您已批准，但是否已预留尚不清楚。请稍后再次批准，只会计算一次。";
    under_way: "Approved by {}; not known yet whether it is reserved", "{} 已批准，尚不清楚是否已预留";
    expired: "Nobody decided on the day of the sale, and that day is over: the request has ended, and no money goes back. The till is told.", "销售当日无人处理，营业日已结束：该申请已失效，不退款。收银机会收到通知。";
    waiting: "{} waiting", "{} 项待处理";
    did_refuse: "Refused a refund that a till asked for", "拒绝收银机申请的退款";
}
