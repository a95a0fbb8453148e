//! The dictionary itself. A line without its Chinese half does not compile.

macro_rules! dictionary {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// All words and sentences of one language. `{}` stands for a value: see [`super::fill`].
        #[derive(Debug)]
        #[allow(missing_docs)] // each says what it is by its English text
        pub struct Words {
            $(pub $name: &'static str,)*
        }

        /// English.
        pub static ENGLISH: Words = Words { $($name: $english,)* };
        /// Simplified Chinese.
        pub static CHINESE: Words = Words { $($name: $chinese,)* };

        impl Words {
            /// Whether it is the Chinese one.
            #[must_use]
            pub fn is_chinese(&self) -> bool {
                std::ptr::eq(self, &CHINESE)
            }

            /// Every name with its text, in one fixed order.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

dictionary! {
    // Everywhere
    skip: "Skip to the content", "跳到正文";
    sections: "Sections", "栏目";
    orders: "Orders", "订单";
    terminals: "Terminals", "收银机";
    groups: "Groups", "订单库";
    staff: "Staff", "员工";
    audit: "Audit trail", "审计记录";
    bills: "Bills", "对账";
    log_out: "Log out", "退出";
    back: "Back", "返回";
    signed_in_as: "Signed in as", "当前用户";
    cashier_role: "Cashier", "收银员";
    manager_role: "Manager", "店长";
    it_role: "IT", "IT";
    none: "None", "无";
    since: "since {}", "自 {} 起";
    seconds_left: "{} s left", "还剩 {} 秒";
    minutes_left: "{} min left", "还剩 {} 分钟";
    times_in: "Times are in the store's zone, {}", "时间均为门店时区：{}";

    // Log in
    log_in: "Log in", "登录";
    log_in_title: "Log in to the console", "登录管理后台";
    login_name: "Name", "用户名";
    password: "Password", "密码";
    log_in_wrong: "Name or password is wrong. Check both and try again.", "用户名或密码不正确，请检查后重试。";
    log_in_throttled: "Too many wrong tries. Wait {} seconds, then try again.", "失败次数过多，请等 {} 秒后再试。";
    log_in_old: "This page is too old, or the browser keeps no cookies. Try again; if it stays so, allow cookies for this address.", "页面已失效，或浏览器禁用了 Cookie。请重试；如仍如此，请允许此地址使用 Cookie。";
    log_in_first: "Log in to go on.", "请先登录。";
    logged_out: "You are logged out.", "您已退出登录。";
    log_in_help: "Forgotten your password? Ask IT to add you under a new name.", "忘记密码？请联系 IT 用新的用户名重新开通。";

    // Orders
    orders_of: "Orders of {}", "{} 的订单";
    todays_orders: "Today's orders", "今日订单";
    business_day: "Business day", "营业日";
    order_number: "Order number", "订单号";
    order_number_hint: "from the receipt; a part is enough", "见小票；输入一部分即可";
    terminal: "Terminal", "收银机";
    terminal_hint: "like T0001", "例如 T0001";
    amount: "Amount", "金额";
    amount_hint: "like 12.50 or 10-20", "例如 12.50 或 10-20";
    from_time: "From", "起";
    to_time: "To", "止";
    code: "Code", "编码";
    code_hint: "goods or wallet's number", "商品编码或支付单号";
    state: "State", "状态";
    any_state: "Any", "全部";
    search: "Search", "查询";
    clear_search: "Clear", "清除";
    time: "Time", "时间";
    tender: "Tender", "支付方式";
    served_by: "Cashier", "收银员";
    discount: "Discount", "折扣";
    subtotal: "Subtotal", "小计";
    price_was: "price was {}", "原价 {}";
    approved_by: "approved by {}", "批准人：{}";
    order_note: "Note", "备注";
    age_looked_at: "Age", "年龄核验";
    years_old: "{} or older", "已满 {} 周岁";
    checked_by: "looked at by {}", "核验人：{}";
    lines_voided: "Lines voided before payment", "付款前删除的行数";
    reason_damaged: "damaged", "商品破损";
    reason_near_expiry: "short shelf life", "临近保质期";
    reason_price_tag: "price on the tag", "标签价格";
    reason_price_match: "price match", "同价承诺";
    reason_regular: "regular customer", "老顾客";
    reason_staff: "staff", "员工";
    reason_complaint: "goodwill", "补偿";
    reason_other: "other", "其他";
    any_cashier: "Any", "全部";
    no_cashier: "Nobody in particular", "未登录";
    cashier_not_on_staff: "Cashier not on the staff", "收银员不在员工名单";
    cashier_not_on_staff_long: "The terminal names a cashier who was not on the staff when the order came in. The sale counts all the same; find out who was at the terminal.", "收银机上报的收银员在订单到达时不在员工名单中。该笔销售照常计入，请核实当时由谁收银。";
    totals_by_cashier: "By cashier", "按收银员";
    refunded: "Refunded", "已退款";
    no_orders: "There are no orders like this on this day.", "该营业日没有符合条件的订单。";
    newest: "Newest", "最新";
    older: "Older", "较早";
    shown_part: "Orders on this page: {}", "本页 {} 单";
    found_count: "Orders: {}", "共 {} 单";
    totals: "Totals of the day", "当日合计";
    totals_sales: "Paid", "已收款";
    totals_refunds: "Refunded", "已退款";
    totals_held: "Refunds under way", "退款处理中";
    totals_net: "Net", "净额";
    count_orders: "Orders: {}", "{} 单";
    quarantine_note: "Not counted, since they come from blocked terminals: {}", "来自已停用收银机的 {} 单未计入。";
    complete_until: "List and totals are complete up to {}.", "列表与合计截至 {} 完整。";
    group_behind: "Group {} cannot be read: what happened there after {} is missing from this list and the totals.", "订单库 {} 无法读取：其 {} 之后的变化未列出，合计也不包含。";
    group_filling: "Not all orders of group {} are in this list and the totals yet: they are copied as soon as the group can be read.", "订单库 {} 的订单尚未全部列入列表与合计：能读取该库时会自动补齐。";
    view_missing: "Lists and totals cannot be shown now. An order opens by its whole number. IT: see the server's log for the merchant view.", "目前无法显示列表与合计。可输入完整订单号打开订单。IT：请查看服务器日志中的 merchant view。";
    bad_day: "This is not a day. Write it like 2026-11-20.", "日期格式不正确，请按 2026-11-20 填写。";
    bad_terminal: "This is not a terminal. Write it like T0001.", "收银机编号不正确，请按 T0001 填写。";
    bad_amount: "This is not an amount. Write it like 12.50, or 10-20 for a range.", "金额不正确，请按 12.50 填写，范围请按 10-20 填写。";
    bad_time: "This is not a time of day. Write it like 09:30.", "时间不正确，请按 09:30 填写。";
    number_mistyped: "A digit of the order number is mistyped. Compare it with the receipt.", "订单号有一位数字输错了，请与小票核对。";
    number_not_digits: "An order number has digits only. Remove {}.", "订单号只能包含数字，请去掉 {}。";
    number_length: "An order number has 25 digits, this has {}. Compare it with the receipt.", "订单号应为 25 位，现在是 {} 位，请与小票核对。";
    number_impossible: "This is not one of our order numbers: it does not begin with a date.", "这不是我们的订单号：开头不是日期。";
    cash: "Cash", "现金";
    cash_and_wallet: "Cash + {}", "现金 + {}";

    // States of an order
    order_draft: "Draft", "草稿";
    order_adopted: "Not paid yet", "待支付";
    order_paid: "Paid", "已支付";
    order_expired: "Draft expired", "草稿已过期";
    order_void: "Void", "已作废";
    part_refunded: "Part refunded", "部分退款";
    fully_refunded: "Fully refunded", "已全额退款";
    refund_running: "Refund under way", "退款处理中";
    quarantined: "Quarantined", "已隔离";
    quarantined_long: "This order came from a blocked terminal. It is not counted as a sale until a person accepts it.", "该订单来自已停用的收银机，经人工确认前不计入销售。";

    // An order
    order: "Order", "订单";
    sold: "Sold", "销售时间";
    sold_at: "Sold at", "销售收银机";
    sale: "Sale", "交易";
    group: "Group", "订单库";
    total: "Total", "合计";
    tax_inside: "including tax", "含税";
    paid_with: "Paid with", "支付方式";
    given: "given", "实收";
    change: "change", "找零";
    transaction: "Transaction", "交易单号";
    left_to_refund: "Left to refund", "可退金额";
    goods: "Goods", "商品";
    quantity: "Quantity", "数量";
    price: "Price", "单价";
    payments: "Payments", "支付";
    no_payments: "No wallet was asked.", "未向钱包发起支付。";
    attempt: "Attempt", "第几次";
    next_step: "Next step", "下一步";
    next_ask: "asks the wallet at {}", "{} 向钱包查询";
    next_look: "asks the wallet once more at {}", "{} 再次向钱包确认";
    next_take_back: "takes it back at {}", "{} 撤销支付";
    deadline: "Waiting ends", "等待截止";
    channel_number: "Number at the wallet", "钱包侧单号";
    refunds: "Refunds", "退款";
    no_refunds: "Nothing was refunded.", "没有退款。";
    asked_by: "Asked by", "申请人";
    story: "What happened", "经过";
    order_not_found: "There is no order with this number. Compare it with the receipt.", "没有这个订单号，请与小票核对。";

    // Payments
    payment_sent: "Asked", "已发起";
    payment_waiting: "Customer is confirming", "等待顾客确认";
    payment_unknown: "Unknown: do not charge again", "结果未知：请勿再次收款";
    payment_reversing: "Being taken back", "正在撤销";
    payment_paid: "Paid", "已支付";
    payment_declined: "Declined", "已拒绝";
    payment_reversed: "Taken back", "已撤销";
    decline_code_expired: "the payment code was too old or used", "付款码已过期或已使用";
    decline_not_enough_funds: "not enough money in the wallet", "余额不足";
    decline_card_not_accepted: "the card behind the wallet is not accepted", "银行卡不受支持";
    decline_payment_failed: "the customer cancelled, or the wallet failed", "顾客取消或钱包支付失败";
    decline_limit_or_risk: "a limit was exceeded, or the wallet suspects fraud", "超出限额或存在风险";
    decline_configuration: "our settings at the wallet are wrong: tell IT", "商户设置有误：请联系 IT";
    decline_channel_unreachable: "the wallet could not be reached", "无法连接钱包";
    decline_outside_limits: "our accounts at the wallet take no such amount", "金额超出本店钱包账户的收款范围";
    decline_no_account: "none of our accounts at the wallet takes such a payment", "没有可收此款项的钱包账户";

    // Refunds
    refund: "Refund", "退款";
    refund_title: "Refund this order", "为此订单退款";
    refund_whole: "All that is left: {}", "全部可退金额：{}";
    refund_part: "A part of it", "部分退款";
    refund_amount: "Amount to refund", "退款金额";
    refund_reason: "Reason", "退款原因";
    refund_reason_hint: "The customer brought it back, wrong price, …", "例如：顾客退货、价格错误……";
    refund_ask: "Ask for the refund", "申请退款";
    refund_parts: "The order was paid in parts: {} of what is left goes back to {} first, then {} in cash from the till's drawer.", "该订单分开支付：可退金额中先有 {} 退回{}，其余 {} 由收银机钱箱退现金。";
    refund_how: "The refund goes to till {}, which made this sale, and is carried out there.", "退款会发送到销售该订单的收银机 {}，并在那里办理。";
    refund_asked: "The refund of {} was asked for. It waits for till {}: carry it out there.", "已申请退款 {}，正等待收银机 {} 办理。";
    refund_reserved: "Waits for till {}", "等待收银机 {} 办理";
    refund_sent: "Under way", "处理中";
    refund_unknown: "Not known yet: the wallet is asked again", "结果未知：正在向钱包查询";
    refund_done: "Refunded", "已退款";
    refund_refused: "Not refunded", "未退款";
    refund_only_managers: "Only managers can ask for refunds. Call a manager.", "只有店长可以申请退款，请找店长办理。";
    refund_nothing_left: "All of this order is refunded or about to be.", "该订单已全部退款或正在退款。";
    refund_not_today: "This order is of {}, today is {}. Refund it in the wallet's own merchant system.", "该订单的营业日是 {}，今天是 {}。请在钱包的商户系统中退款。";
    refund_not_paid: "This order is not paid, so there is nothing to refund.", "该订单尚未支付，没有可退的款项。";
    refund_unknown_payment: "It is not known yet whether this order is paid. Wait until its payment is settled: this page shows it.", "尚不清楚该订单是否已支付。请等待支付结果：本页会显示。";
    refund_too_much: "{} was asked for, but only {} of this order is left to refund. Enter that or less.", "申请退款 {}，但该订单只剩 {} 可退，请填写不超过此数的金额。";
    refund_bad_amount: "Enter an amount more than zero, in {}, like 12.50.", "请填写大于零的金额（{}），例如 12.50。";
    refund_no_reason: "Say why: the reason is kept with the refund and shown to the till.", "请填写退款原因：原因会随退款保存并显示在收银机上。";
    refund_withdrawn: "The refund was withdrawn: no till took it in time. Ask again if it is still wanted.", "退款已撤回：没有收银机及时办理。如仍需退款请重新申请。";
    refund_by_channel: "The wallet refused: {}", "钱包拒绝退款：{}";
    refund_other_till: "Only till {} may carry out this refund: it sold the order.", "只有收银机 {} 可以办理此退款：订单在那里销售。";
    refund_conflict: "This form was sent before with another amount. Look at the refunds of the order, and ask anew if one is missing.", "此表单已用其他金额提交过。请查看该订单的退款，如有缺少再重新申请。";
    refund_choose: "Choose whether all or a part is refunded.", "请选择全部退款还是部分退款。";

    // Out of quarantine
    accept: "Accept into the books", "确认入账";
    accept_title: "Accept this order", "确认此订单";
    accept_how: "A blocked terminal handed this order in: it may be false. Compare it with the paper receipt and with the drawer. Once accepted it counts as a sale of its day and can be refunded. This cannot be taken back.", "该订单由已停用的收银机上传，可能不真实。请与纸质小票和钱箱核对。确认后计入当日销售，并可退款，且无法撤销。";
    accept_reason: "Why is it believed?", "为何可信？";
    accept_reason_hint: "like: the drawer holds the money", "例如：钱箱金额相符";
    accept_only_managers: "Only managers can accept it.", "只有店长可以确认。";
    accepted: "Accepted by {}: the order counts as a sale now.", "已由 {} 确认，该订单现已计入销售。";
    accept_not_quarantined: "This order is not in quarantine: there is nothing to accept.", "该订单未被隔离，无需确认。";

    // Refunds approved from afar
    approvals: "Approve", "授权";
    approval_title: "Approve a refund at a till", "授权收银机退款";
    approval_how: "Makes a code that the cashier scans on the page where the refund is approved. It counts once, for ten minutes, up to this amount, for this order or at this till. The refund stands under your name.", "生成一个授权码，由收银员在退款授权页面扫描。授权码仅可使用一次，十分钟内有效，不超过此金额，且仅限此订单或此收银机。退款记在您名下。";
    approval_most: "Up to how much", "最高金额";
    approval_order: "Order number", "订单号";
    approval_order_hint: "As it stands on the receipt. Leave it empty to approve any order of one till.", "见小票。留空则可用于某台收银机的任一订单。";
    approval_till: "Till", "收银机";
    approval_any_till: "The till that sold the order", "售出该订单的收银机";
    approval_make: "Make a code", "生成授权码";
    approval_choose: "Name the order, or choose the till.", "请填写订单号或选择收银机。";
    approval_bad_order: "This is no order number. Compare it with the receipt.", "订单号不正确，请与小票核对。";
    approval_too_many: "Too many codes of yours count at the moment. Wait until some are over.", "您当前有效的授权码过多，请稍后再试。";
    approval_for_order: "Up to {} of order {}", "订单 {1}，最高 {0}";
    approval_for_till: "Up to {} at {}", "收银机 {1}，最高 {0}";
    approval_picture: "The code to be scanned at the till", "供收银机扫描的授权码";
    approval_how_shown: "Let the cashier scan it at the till. It counts once, until {}, and is shown only now.", "请收银员在收银机上扫描。仅可使用一次，有效至 {}，且仅此次显示。";
    approval_from_order: "Approve it at the till by a code", "用授权码在收银机上授权";

    // Finished at the wallet by a person
    finish_title: "Money that waits for a person", "等待人工处理的款项";
    finish_how: "The wallet has taken this money from the store and cannot hand it to the customer, whose card is gone. Finish the refund in the wallet's merchant system first, then say here that it is done: the books are closed by it, and the money is never sent again from here.", "钱包已从商户扣款，但因顾客的银行卡失效无法退给顾客。请先在钱包商户平台完成退款，再在此确认：确认后账目即结清，系统不会再次退款。";
    finish_amount: "{} as {}", "{}，退款单号 {}";
    finish_amount_at: "{} as {}, from account {}", "{}，退款单号 {}，账户 {}";
    finish_reason: "How was it done?", "如何处理的？";
    finish_reason_hint: "like: paid to another card of the customer's, number 42", "例如：已退至顾客的另一张卡，流水号 42";
    finish: "It is finished", "已处理完成";
    finish_only_managers: "Only managers can say that it is finished.", "只有店长可以确认处理完成。";
    finish_done: "Refund {}: finished at the wallet.", "退款 {}：已在钱包处理完成。";
    finish_not_waiting: "This refund does not wait for a person any more. Look at the order's story.", "该退款已不再等待人工处理，请查看订单经过。";
    do_finish: "Finish {} in the wallet's merchant system, then open the order and say that it is done.", "请在钱包商户平台处理 {}，然后打开订单确认已完成。";

    // What a group says
    group_unavailable: "The group that keeps this order (group {}) cannot be reached. Nothing was done. Try again in a minute; if it stays so, tell IT.", "保存该订单的订单库（{}）无法连接，未做任何操作。请一分钟后重试；如仍如此请联系 IT。";
    outcome_unknown: "It is not known yet whether this was done. Press the button again: it is asked only once, however often you press.", "尚不清楚是否已完成。请再按一次：无论按多少次都只会申请一次。";
    overloaded: "The server is busy. Nothing was done. Try again in a moment.", "服务器繁忙，未做任何操作，请稍后重试。";
    not_possible: "The order does not allow this now. Open it again to see where it stands.", "该订单当前状态不允许此操作，请重新打开查看。";

    // The story
    fact_draft: "Number given out by {}", "由 {} 发放订单号";
    fact_draft_expired: "The draft expired: the till never chose this number", "草稿已过期：收银机未选用此号";
    fact_adopted: "The till chose this number for the sale", "收银机为此交易选用该订单号";
    fact_from_blocked: "(from a blocked terminal)", "（来自已停用的收银机）";
    fact_accepted: "Accepted from quarantine by {} ({}): {}", "由 {}（{}）确认解除隔离：{}";
    fact_cash_part: "{} of it taken in cash at the terminal, before the wallet was asked for the rest", "其中 {} 已在收银机收取现金，其余向钱包收款";
    fact_cash_part_of: "Attempt {}: {} is in the drawer in cash; the wallet is asked for the rest", "第 {} 次：钱箱内已收现金 {}，其余向钱包收款";
    fact_cash: "Paid in cash: {} given, {} change", "现金支付：实收 {}，找零 {}";
    fact_payment_sent: "Attempt {}: {} asked of {}", "第 {} 次：向{2}收款 {1}";
    fact_payment_is: "Attempt {}: {}", "第 {} 次：{}";
    fact_take_back: "Attempt {}: the till asked to take it back", "第 {} 次：收银机申请撤销";
    fact_late_success: "Attempt {}: the wallet says PAID after it was over (transaction {}). The money goes back by itself.", "第 {} 次：结束后钱包仍报告已支付（交易单号 {}）。款项将自动退还。";
    fact_paid_twice: "Attempt {}: PAID although the order was paid already. The money goes back by itself.", "第 {} 次：订单已支付后又被支付。款项将自动退还。";
    fact_given_back: "Attempt {}: {} went back by itself as {}", "第 {} 次：{} 已自动退还，退款单号 {}";
    fact_known_at_others: "Attempt {}: more than one of the merchant's accounts know this payment; only one may have it. It is being ended at: {}", "第 {} 次：不止一个商户账户有此笔支付，只能保留一个。正在以下账户结束：{}";
    fact_paid_at_another: "Attempt {}: account {} has the money as well, too late to be taken back. It goes back from there by itself.", "第 {} 次：账户 {} 也收到了款项，且已超过撤销期限。款项将从该账户自动退还。";
    fact_given_back_at: "Attempt {}: {} went back by itself from account {} as {}", "第 {} 次：{} 已从账户 {} 自动退还，退款单号 {}";
    fact_nothing_to_give_back: "Attempt {}: the wallet holds nothing to give back", "第 {} 次：钱包未持有需退还的款项";
    fact_not_given_back: "Attempt {}: the wallet would not give the money back ({}). It is tried again; look at it in the wallet's merchant system.", "第 {} 次：钱包未能退还款项（{}）。系统会继续尝试，请在钱包商户系统中核对。";
    fact_refund_asked: "Refund of {} asked by {} ({}): {}", "{1}（{2}）申请退款 {0}：{3}";
    fact_refund_carried: "Refund {}: carried out at {}", "退款 {}：由 {} 办理";
    fact_refund_is: "Refund {}: {}", "退款 {}：{}";
    fact_refund_needs_a_person: "Refund {}: the wallet could not hand the money to the customer, whose card is gone. Finish it in the wallet's merchant system; it is asked about until then.", "退款 {}：顾客的银行卡已失效，钱包未能退到顾客手中。请在钱包商户平台手动处理；处理完成前系统会继续查询。";
    fact_finished_by_hand: "Refund {}: finished at the wallet by {} ({}): {}", "退款 {}：由 {}（{}）在钱包商户平台处理完成：{}";
    fact_finished_by_hand_at: "Refund {} from account {}: finished at the wallet by {} ({}): {}", "退款 {}（账户 {}）：由 {}（{}）在钱包商户平台处理完成：{}";
    fact_refund_contradicted: "Refund {}: the wallet now says otherwise than \"{}\". Compare with the wallet's merchant system.", "退款 {}：钱包现在的说法与“{}”不符，请与钱包商户系统核对。";

    // Terminals
    terminal_name: "Name", "名称";
    last_seen: "Last seen", "最近联系";
    never_seen: "never", "从未";
    journal_position: "Journal entries", "日志条数";
    fingerprint: "Fingerprint of its key", "密钥指纹";
    registration_code: "Registration code", "注册码";
    terminal_pending: "Waits for activation", "等待启用";
    terminal_active: "Active", "使用中";
    terminal_blocked: "Blocked", "已停用";
    terminal_retired: "Retired", "已退役";
    terminal_not_enrolled: "Enrolment code not used yet", "注册码尚未使用";
    no_terminals: "There are no terminals yet. Make an enrolment code to add the first.", "还没有收银机。请生成注册码来添加第一台。";
    open: "Open", "打开";
    activate: "Activate", "启用";
    activate_title: "Activate this terminal", "启用此收银机";
    activate_how: "Go to the till. Its screen shows the fingerprint of its key. Compare all groups with these, one by one. If a single character differs, do not activate: somebody else may be posing as the till.", "请到收银机前，其屏幕上显示密钥指纹。请逐组核对。只要有一个字符不同，就不要启用：可能有人冒充该收银机。";
    activate_tick: "I stand at the till, and every group is the same.", "我就在收银机前，每一组都相同。";
    activate_last: "Type the last group as the till shows it", "请按收银机所示输入最后一组";
    activate_wrong: "The last group is another. Read it from the till's screen again. If it stays different, do not activate, and tell the one who answers for IT.", "最后一组不一致。请重新查看收银机屏幕。如仍不同，请勿启用，并报告 IT 负责人。";
    activate_not_ticked: "Tick the box when you have compared every group at the till.", "请在收银机前核对每一组后勾选确认。";
    activated: "{} is active now.", "{} 已启用。";
    block: "Block", "停用";
    block_title: "Block this terminal", "停用此收银机";
    block_how: "From then on it can start no sale, charge or refund on any server. Payments under way are finished. What it had queued goes into quarantine.", "停用后，该收银机在任何服务器上都不能开始销售、收款或退款。进行中的支付会完成，其排队的数据会被隔离。";
    block_reason: "Why is it blocked?", "停用原因";
    blocked: "{} is blocked. It can move no more money.", "{} 已停用，不能再动用任何款项。";
    unblock: "Unblock", "恢复使用";
    unblock_title: "Unblock this terminal", "恢复此收银机";
    unblock_how: "Only when it is back in the right hands and was not opened or copied.", "仅当收银机已回到可信人员手中，且未被拆开或复制时才可恢复。";
    unblock_reason: "Why may it be used again?", "恢复原因";
    unblocked: "{} is active again.", "{} 已恢复使用。";
    retire: "Retire for good", "永久退役";
    retire_title: "Retire this terminal", "退役此收银机";
    retire_how: "For a terminal that will never be used again. It cannot be undone. What it sold and has not handed in will not be accepted any more: if it still runs, wait until its status line says that all sales are sent. If it was stolen, block it instead.", "用于不再使用的收银机，无法撤销。尚未上传的销售将不再被接收：如果它仍能运行，请等到状态栏显示全部销售已上传。如果被盗，请改为停用。";
    retire_warning: "The server has {} entries of its journal. It was last seen: {}.", "服务器已收到其日志 {} 条。最近联系：{}。";
    retire_tick: "All that it sold is handed in, or may be lost.", "其销售已全部上传，或可以放弃。";
    retire_not_ticked: "Tick the box when all is handed in, or may be lost.", "请在全部上传或可以放弃时勾选确认。";
    retire_reason: "Why is it retired?", "退役原因";
    retired: "{} is retired. Nothing more is taken from it.", "{} 已退役，不再接收其任何数据。";
    terminal_moved: "Somebody changed this terminal in the meantime. This is how it stands now: nothing was done.", "有人刚刚更改了此收银机。这是它现在的状态，未做任何操作。";
    reason_needed: "Say why: it is written into the audit trail.", "请填写原因：会写入审计记录。";
    retired_note: "This terminal is out of use for good. Register it again to use it.", "此收银机已永久退役。如需使用请重新注册。";
    not_enrolled_note: "The till has not been registered with its code yet.", "收银机尚未使用注册码注册。";
    new_terminal: "Add a terminal", "添加收银机";
    new_terminal_name: "What shall it be called?", "收银机名称";
    new_terminal_hint: "like Till 1, front", "例如：1 号机，前台";
    make_code: "Make an enrolment code", "生成注册码";
    code_title: "Enrolment code for {}", "{} 的注册码";
    code_how: "Type this code at the till now. It is shown only this once, works for one till, and ends at {}.", "请立即在收银机上输入此码。它只显示这一次，仅可用于一台收银机，有效期至 {}。";
    code_next: "After that the till appears in the list and waits for activation.", "之后该收银机会出现在列表中等待启用。";
    name_needed: "Give the terminal a name of 1 to 60 characters, so that people can tell it from the others.", "请填写 1 至 60 个字符的名称，便于区分。";

    // Groups
    groups_title: "Order groups", "订单库";
    group_healthy: "Healthy", "正常";
    group_slow: "Slow: new orders go here last", "缓慢：新订单最后才用";
    group_testing: "Being tested", "正在测试";
    group_skipped: "Skipped by new orders", "新订单已绕开";
    group_broken: "Cannot be used", "不可用";
    group_engine: "Database", "数据库";
    engine_open: "Open", "已打开";
    failures: "Failures in this period", "本周期失败次数";
    last_error: "Last error", "最近错误";
    orders_created: "Orders created here", "已创建订单";
    jumps_away: "Jumps away from here", "跳转离开次数";
    counts_since_start: "Counts are of this server, since it was started.", "计数为本服务器启动以来的数值。";
    open_missing: "Payments and refunds of group {} are missing here: it cannot be reached.", "订单库 {} 无法连接：其支付和退款未列出。";

    // What is not settled
    unsettled: "Unsettled", "未结";
    unsettled_title: "Payments and refunds not settled", "未结支付与退款";
    unsettled_none: "Every payment and refund is settled.", "所有支付和退款均已结清。";
    unsettled_how: "Open longest first. The servers settle these by themselves; here is what comes next, and what you can do.", "按等待时间排列，最久的在前。服务器会自动处理；下面列出下一步以及您可以做的事。";
    unsettled_more: "More than {} are not settled: those that are open longest are shown.", "未结超过 {} 笔，仅列出等待最久的。";
    unsettled_long: "Longer than an hour", "超过一小时";
    amount_and_wallet: "Amount, wallet, number there", "金额、钱包、商户单号";
    next_and_your_part: "Next step, and what you can do", "下一步，以及您可以做的事";
    longer_open: "Open longer", "等待更久";
    shorter_open: "Open for less long", "等待较短";
    give_back: "Goes back by itself", "自动退回";
    give_back_open: "On its way back", "正在退回";
    give_back_refused: "The wallet does not take it back", "钱包未退回";
    give_back_next: "Tried again at {}", "{} 再次尝试";
    given_back_title: "Money that went back by itself", "自动退回的款项";
    given_back_how: "Money that a wallet took although no sale needed it. The servers give it back under a number of its own, once however often they ask, and nobody has to do it at a till. Newest first.", "钱包收取了但并无交易需要的款项。服务器以单独的退款单号自动退回：无论询问多少次，只会退回一次，收银台无需操作。最新的在前。";
    given_back_none: "No wallet has taken money that no sale needed.", "没有钱包收取多余的款项。";
    given_back_more: "There are more than {}: the newest are shown.", "超过 {} 笔，仅列出最新的。";
    given_back_missing: "What went back in group {} is missing here: it cannot be reached.", "订单库 {} 无法连接：其自动退回的款项未列出。";
    given_back_late: "Paid after it was over", "结束后才付款";
    given_back_double: "Paid beside another payment", "与另一笔付款重复";
    given_back_elsewhere: "Another account took it as well", "另一账户也收取了";
    given_back_done: "Went back", "已退回";
    given_back_nothing: "The wallet holds nothing", "钱包未持有款项";
    given_back_ended: "at {}", "于 {}";
    given_back_found: "found {}", "发现于 {}";
    given_back_over: "Nothing is left to do.", "无需再处理。";
    newer: "Newer", "较新";
    refund_next_till: "Waits for {}; withdrawn after the end of the day", "等待 {} 执行；当日结束后撤回";
    refund_next_ask: "Asks the wallet at {}", "{} 向钱包查询";
    wallet_says: "The wallet says: {}.", "钱包答复：{}。";
    do_look_up: "Look up {} in the wallet's merchant system.", "请在钱包商户后台查询 {}。";
    do_refund_at_till: "Carry it out at {}.", "请在 {} 执行退款。";
    do_wait_customer: "The customer confirms on the phone. To stop that, take it back at the till.", "顾客正在手机上确认。如需停止，请在收银台撤销。";
    do_wait_payment: "Nothing. Do not charge again.", "无需操作，请勿再次收款。";
    do_wait_refund: "Nothing. Do not give the money back another way.", "无需操作，请勿以其他方式退款。";

    // Wallets
    channels_title: "Wallets", "支付渠道";
    channel_well: "Charges go there", "正常收款";
    channel_refusing: "Does not answer: charges are refused at once", "无应答：收款立即拒绝";
    channel_busy: "Customers waiting, of at most", "等待顾客数／上限";
    channel_none: "No wallet is set up.", "未设置支付渠道。";
    domain: "Address", "地址";
    domain_line: "Used for", "用途";
    domain_ill: "Fails too often", "故障频繁";
    domain_first: "Called first", "优先使用";
    domain_delay: "Delay", "延迟";
    domain_trouble: "Last trouble", "最近故障";
    domain_ms: "{} ms", "{} 毫秒";

    // Staff
    staff_title: "Staff", "员工";
    person: "Person", "姓名";
    role: "Role", "角色";
    add_person: "Add a person", "添加员工";
    login_hint: "letters, digits, dots or dashes", "字母、数字、点或短横";
    full_name: "Name that others see", "显示姓名";
    first_password: "First password", "初始密码";
    first_password_hint: "8 characters at least", "至少 8 个字符";
    added_person: "{} was added and can log in now.", "已添加 {}，现在可以登录。";
    login_taken: "The name {} is taken. Choose another to log in with.", "用户名 {} 已被使用，请换一个。";
    bad_names: "Give a name of 1 to 60 characters, and a name to log in with of letters, digits, dots or dashes.", "请填写 1 至 60 个字符的姓名，以及由字母、数字、点或短横组成的用户名。";
    bad_password: "The first password needs 8 characters at least.", "初始密码至少需要 8 个字符。";
    choose_role: "Choose what this person may do.", "请选择该员工的角色。";

    pin_title: "PIN for the terminals", "收银机 PIN";
    pin_how: "With a PIN a person logs in at every terminal of the store, also without the network. Once anybody has one, the terminals lock; with no PIN at all they work without logging in.", "设置 PIN 后，该员工可在本店任一收银机上登录，断网时也可以。只要有人设置了 PIN，收银机就会锁定；若无人设置，则无需登录。";
    pin: "PIN", "PIN 码";
    pin_hint: "4 to 8 digits; leave it empty to take the PIN away", "4 到 8 位数字；留空则取消 PIN";
    pin_button: "Set the PIN", "设置 PIN";
    pin_set: "{} has a new PIN. Terminals know it within seconds.", "已为 {} 设置新 PIN，收银机几秒内即可使用。";
    pin_removed: "{} has no PIN any more.", "已取消 {} 的 PIN。";
    bad_pin: "A PIN has 4 to 8 digits, not all the same and not in a row.", "PIN 为 4 到 8 位数字，不能全部相同，也不能是连续数字。";
    left_title: "A person left", "员工离职";
    left_how: "They cannot log in any more, and their sessions end at once. Their name stays in the audit trail and is given to nobody else.", "该员工将无法再登录，其会话立即结束。其用户名保留在审计记录中，不会再给他人使用。";
    left_choose: "Choose a person", "请选择员工";
    left_reason: "Why?", "原因是什么？";
    left_button: "Close the account", "关闭账号";
    left_since: "Left on {}", "{} 离职";
    person_left: "The account of {} is closed.", "{} 的账号已关闭。";
    last_of_it: "{} is the last person of IT. Add another first, or nobody could look after terminals and staff.", "{} 是最后一名 IT 人员。请先添加另一名，否则无人能管理收银机和员工。";

    // One's own password
    password_title: "Change your password", "修改密码";
    password_how: "Your other sessions end: whoever used them must log in again.", "您的其他会话将结束，需要重新登录。";
    password_old: "Password until now", "原密码";
    password_new: "New password", "新密码";
    password_again: "The new password again", "再次输入新密码";
    password_button: "Change the password", "修改密码";
    password_changed: "Your password is changed. Your other sessions have ended.", "密码已修改，其他会话已结束。";
    password_wrong: "The password until now is wrong. Nothing was changed.", "原密码不正确，未做更改。";
    password_differs: "The two new passwords differ. Nothing was changed.", "两次输入的新密码不一致，未做更改。";
    password_short: "The new password needs 8 characters at least. Nothing was changed.", "新密码至少需要 8 个字符，未做更改。";

    // Audit
    audit_title: "Audit trail", "审计记录";
    audit_last: "The last {} entries, newest first", "最近 {} 条，按时间倒序";
    audit_good: "The chain is whole: nothing was changed or taken out.", "链条完整：没有被修改或删除。";
    audit_bad: "The chain is broken at entry {}: something was changed or taken out. Call the one who answers for IT, and keep the database as it is.", "链条在第 {} 条处断开：有内容被修改或删除。请联系 IT 负责人，并保留数据库原样。";
    audit_unread: "The chain could not be checked. Try again; if it stays so, tell IT.", "无法检查链条，请重试；如仍如此请联系 IT。";
    audit_empty: "Nothing has happened yet.", "还没有记录。";
    who: "Who", "谁";
    what: "What", "操作";
    about: "About", "对象";
    why: "Why", "原因";

    did_staff_added: "Added to the staff", "添加员工";
    did_code_made: "Made an enrolment code", "生成注册码";
    did_enrolled: "Registered its key", "注册密钥";
    did_activated: "Activated the terminal", "启用收银机";
    did_blocked: "Blocked the terminal", "停用收银机";
    did_unblocked: "Unblocked the terminal", "恢复收银机";
    did_retired: "Retired the terminal", "退役收银机";
    did_left: "Closed the account", "关闭账号";
    did_pin_set: "Set a till PIN", "设置收银机 PIN";
    did_pin_removed: "Removed a till PIN", "取消收银机 PIN";
    did_password: "Changed the own password", "修改自己的密码";
    group_serves: "Orders ending in", "订单尾号";
    group_moves: "Moving", "迁移";
    group_no_new_orders: "no new orders", "不接收新订单";
    group_is_moving: "its orders are moving", "订单迁移中";
    group_has_moved: "its orders are in group {}", "订单已在组 {}";
    group_is_empty: "serves nothing: can be retired", "无订单：可退役";
    move_line: "to {}: {}, {} of {} orders", "至 {}：{}，已复制 {} / {} 笔订单";
    move_draining: "counting the orders", "统计订单";
    move_copying: "copying, sales go on", "复制中，销售照常";
    move_catching_up: "copying what changed meanwhile", "追赶变更";
    move_frozen: "last changes, its orders wait for a moment", "最后同步，订单稍候";
    move_publishing: "telling all servers", "通知所有服务器";
    move_done: "done", "已完成";
    move_stopped: "stopped, the orders stay where they are", "已停止，订单留在原处";
    move_aborting: "being taken back", "撤销中";
    move_aborted: "taken back", "已撤销";
    did_group_added: "Added an order group", "新增订单组";
    did_group_drained: "No new orders for the order group", "订单组停止接收新订单";
    did_group_moved: "Sent the orders of the group elsewhere", "迁移订单组的订单";
    did_move_aborted: "Took a drain or a move back", "撤销停用或迁移";
    did_group_retired: "Retired the order group", "退役订单组";
    did_make_approval: "Code made that approves a refund", "生成退款授权码";
    did_use_approval: "Refund approved by a code", "用授权码批准退款";
    did_finish_refund: "Refund finished at the wallet", "在钱包处理完成退款";
    did_accept: "Accepted from quarantine", "确认解除隔离";
    did_refund: "Asked for a refund", "申请退款";
    did_catalogue: "Changed the catalogue", "更改商品目录";
    did_account_added: "Added an account at a wallet", "新增钱包账户";
    did_account_changed: "Changed an account at a wallet", "修改钱包账户";
    did_account_enabled: "Enabled an account at a wallet", "启用钱包账户";
    did_account_disabled: "Disabled an account at a wallet", "停用钱包账户";
    did_account_deleted: "Deleted an account at a wallet", "删除钱包账户";
    did_routing: "Changed a routing rule", "修改收款路由规则";
    did_resealed: "Sealed the accounts' secrets anew", "重新加密账户密钥";
    did_doubt_settled: "Looked into a doubt", "核实存疑事项";
    did_receipt_changed: "Changed how receipts look", "更改小票样式";
    serial_number: "Serial number", "序列号";
    did_newer: "Something a newer server did", "新版服务器的操作";
    did_picture: "Changed the picture of goods", "更改商品图片";
    did_shift_given_up: "Gave up a shift that its till would never end", "了结无法交班的班次";
    did_journal_fault: "Found a fault in the journal", "发现日志异常";

    // Errors
    error_title: "Something went wrong", "出错了";
    not_found_title: "There is no such page", "没有这个页面";
    not_found_text: "The address may be mistyped, or what it showed is gone. Go back to the orders and look from there.", "地址可能输错，或内容已不存在。请回到订单页面再查找。";
    forbidden_title: "You may not do this", "您没有权限";
    forbidden_text: "Your role does not allow it. Ask someone who may: managers for refunds, IT for terminals and staff.", "您的角色不允许此操作。退款请找店长，收银机和员工请找 IT。";
    csrf_title: "This form is too old", "表单已失效";
    csrf_text: "The form did not come from a page of your present session, so nothing was done. Go back, refresh the page and try again.", "该表单不是来自您当前会话的页面，未做任何操作。请返回并刷新页面后重试。";
    internal_title: "The server has a fault", "服务器故障";
    internal_text: "It is not certain whether this was done: look before you try again. If it stays so, tell IT the time at which it happened.", "无法确定是否已完成：请先查看再重试。如仍如此，请把发生时间告诉 IT。";
    to_orders: "Go to the orders", "前往订单";
    bad_form: "A part of the form is missing or cannot be read. Fill it in again.", "表单有缺失或无法读取的部分，请重新填写。";

    // Shifts
    shifts: "Shifts", "班次";
    shifts_title: "Shifts at the tills", "收银班次";
    shifts_none: "No shift began on this day.", "当天没有开班。";
    shift_bad_day: "This is no day. Today is shown.", "日期无效，显示今天。";
    shift_show: "Show", "查看";
    shift_till: "Till", "收银机";
    shift_began: "Began", "开班";
    shift_ended: "Ended", "交班";
    shift_opened_by: "Opened by", "开班人";
    shift_counted_by: "Counted by", "清点人";
    shift_approved_by: "Approved by", "批准人";
    shift_by: "By", "操作人";
    shift_when: "When", "时间";
    shift_what: "What", "项目";
    shift_why: "Why", "原因";
    shift_how_often: "How often", "笔数";
    shift_value: "Value", "面额";
    shift_pieces: "Pieces", "张数";
    shift_place: "Place in the journal", "流水位置";
    shift_heading: "Shift at {} on {}", "{} 的班次，{}";
    shift_open: "Still open", "未交班";
    shift_given_up: "Given up", "已了结";
    shift_given_up_by: "{0}, {1}: {2}. Found in the drawer: {3}.", "{0}，{1}：{2}。钱箱实有：{3}。";
    shift_give_up: "Give up this shift", "了结本班次";
    shift_give_up_how: "Only if its till will never end it: it was stolen, or is broken. What should be in the drawer and was not found is written down as short. If the till ends the shift after all, that counts.", "仅当收银机再也无法交班时使用（被盗或损坏）。应有而未找到的现金记为短款。若该收银机日后仍交班，则以交班为准。";
    shift_found: "Found in the drawer", "钱箱实有现金";
    shift_found_needed: "Say how much was found in the drawer: 0 if nothing was.", "请填写钱箱中实有的现金，没有则填 0。";
    shift_not_given_up: "It was not given up: it has ended, or its till can still end it.", "未了结：该班次已交班，或收银机仍可交班。";
    shift_unreadable: "Cannot be read", "无法读取";
    shift_unreadable_long: "The record of this shift cannot be read by this server: a later version made it, or it is damaged. Nothing of it is counted here. Tell IT: \"evertill-server shifts rebuild\" makes it anew from the till's journal.", "本服务器无法读取该班次的记录：由更新的版本写入，或已损坏。此处未计入其内容。请告知 IT：运行 \"evertill-server shifts rebuild\" 可由收银机流水重建。";
    shift_exact: "Exact", "相符";
    shift_over: "Over", "长款";
    shift_short: "Short", "短款";
    shift_differs: "Does not add up", "账目不符";
    shift_differs_long: "The end of this shift says otherwise than what the till handed in before it: {}. Compare with the till's journal and call IT.", "本班次的结账与收银机此前上传的流水不符：{}。请核对收银机流水并联系 IT。";
    shift_comma: ", ", "、";
    shift_gap: "Not all of this shift was seen here, so it is not compared with its end.", "本服务器未收到该班次的全部流水，因此不与结账核对。";
    shift_not_seen: "Not seen", "未收到";
    shift_z_report: "Z report, as the till signed it", "Z 报表（收银机签名）";
    shift_drawer_so_far: "The drawer so far", "钱箱现状";
    shift_so_far_how: "By what was handed in, before cash refunds.", "按已上传的流水计算，未扣除现金退款。";
    shift_so_far: "In the drawer", "钱箱现金";
    shift_float: "Float", "备用金";
    shift_cash_sales: "Cash sales", "现金销售";
    shift_all_sales: "All sales", "销售合计";
    shift_tax: "Tax included", "含税";
    shift_cash_refunds: "Cash refunds", "现金退款";
    shift_wallet_refunds: "{} refunds", "{}退款";
    shift_other_refunds: "Other refunds", "其他退款";
    shift_paid_in: "Paid in", "存入现金";
    shift_paid_out: "Paid out", "取出现金";
    shift_parts_back: "Cash parts given back", "部分现金退回";
    part_kept: "Cash part that nobody came for", "无人来取的部分现金";
    part_back_later: "After the sale was left", "交易搁置之后";
    shift_voids: "Voided", "作废";
    shift_no_sales: "Drawer without a sale", "无销售开箱";
    shift_foreign: "Other currency", "其他币种";
    shift_unsent: "Sales not yet sent", "未上传交易";
    shift_unknown: "Not yet known", "结果未知";
    shift_expected: "Expected", "应有现金";
    shift_counted: "Counted", "实点现金";
    shift_over_or_short: "Over or short", "长短款";
    shift_acts: "Done without a sale", "非销售操作";
    cash_safe: "Safe or bank", "保险箱或银行";
    cash_expense: "Expense", "费用";
    cash_supplier: "Supplier", "供应商";
    cash_correction: "Correction", "更正";
    drawer_change_money: "Change of notes or coins", "换零钱";
    drawer_wrong_change: "Change given wrongly", "找零有误";
    drawer_check: "To look", "查看";
    drawer_count: "To count", "清点";
    drawer_did_not_open: "It had not opened for a sale", "收款时未弹开";
    right_discount: "Discount", "折扣";
    right_price: "Another price", "改价";
    right_refund: "Refund", "退款";
    right_pay_in_out: "Cash in or out", "存取现金";
    right_open_shift: "Begin a shift", "开班";
    right_close_shift: "End a shift", "交班";
    right_read_shift: "X report", "X 报表";
    right_set_up: "Set up devices", "设备设置";
    right_train: "Switch to training", "切换到练习模式";
    right_leave_kiosk: "End the till's program", "退出收银程序";
    said_title: "Countersigned", "已会签";
    said_how: "When the day was over the server had everything up to this entry, and had understood it. No till puts entries into its archive before that.", "营业日结束后，服务器已收到并核对到该流水号为止的全部记录。在此之前，收银机不会归档任何记录。";
    said_upto: "Up to entry", "截至流水号";
    said_apart: "Of these kept apart", "其中隔离";
    part_doubts_title: "Cash that the entries do not show", "与流水不符的现金";
    part_doubts_how: "A till said that a part of a sale was in its drawer in cash, and its entries before that say otherwise. It counts all the same. Count the drawer, and ask who was there.", "收银机声明某笔销售的部分现金在钱箱内，但此前的流水与此不符。该笔仍然有效。请清点钱箱并询问当时在场的人员。";
    part_doubt: "Sale {}: {} said, {} by the entries before", "销售 {}：声明 {}，此前流水为 {}";
    doubts_title: "Done without the right to", "无权限的操作";
    doubts_how: "Neither who did it nor who approved it may do so by the staff list. It counts all the same. Ask them.", "按员工名单，操作人和批准人均无此权限。记录照常计入，请向当事人核实。";
    doubt_settled: "Looked into", "核实情况";
    doubt_settled_by: "{0}, {1}: {2}", "{0}，{1}：{2}";
    doubt_settle: "Settle", "已核实";
    doubt_why: "What came of it", "核实结果";
    doubt_why_needed: "Say in a few words what came of it, 200 characters at most.", "请简要填写核实结果（不超过 200 字）。";
    list_more: "More", "更多";
    list_from_start: "From the start", "回到开头";
    doubt_right: "Right", "权限";
    doubt_entry: "Entry", "流水号";

    // Receipts
    receipts: "Receipts", "小票";
    receipt_title: "How receipts look", "小票样式";
    receipt_how: "What is kept here counts for all tills within a minute. A till with a file receipt.template of its own goes by that one. A wrong template is kept nowhere. To see one as a picture: evertill-receipt preview --template FILE.", "保存后一分钟内对所有收银机生效。自带 receipt.template 文件的收银机以该文件为准。有误的样式不会保存。查看效果图：evertill-receipt preview --template 文件。";
    receipt_own: "This shop has a template of its own.", "本店使用自定义样式。";
    receipt_usual: "This shop has no template of its own: below is the one that comes with the tills, as a beginning.", "本店未设置样式：以下是收银机自带的样式，可在此基础上修改。";
    receipt_text: "Template", "样式";
    receipt_keep: "Keep", "保存";
    receipt_remove: "Back to the one that comes with the tills", "恢复收银机自带样式";
    receipt_kept: "Kept. The tills get it within a minute.", "已保存，收银机将在一分钟内更新。";
    receipt_removed: "The tills go by the template that comes with them.", "收银机已恢复自带样式。";
    receipt_wrong: "Nothing was kept: {}", "未保存：{}";

    // Bills
    bills_title: "The wallets' bills against our books", "钱包账单与本店账簿核对";
    bills_none: "No bill has been compared yet. The first is that of the day before, in the morning.", "尚未核对过账单。第一份是前一天的账单，于早上核对。";
    bill_channel: "Wallet", "钱包";
    bill_day: "Day of the wallet", "钱包账单日";
    bill_lines: "Lines of the bill", "账单行数";
    bill_at_lines: "line", "账单行";
    bill_books: "Rows of our books", "本店账簿行数";
    bill_agreed: "Agree", "一致";
    bill_findings: "Findings", "差异";
    bill_settled: "Settled by the bill", "由账单确定";
    bill_carried: "Wait for the next bill", "待下一份账单";
    bill_difference: "Our net less the bill's", "本店净额减账单净额";
    bill_waiting: "Waiting for the bill", "等待账单";
    bill_refused: "Bill refused", "账单被拒收";
    bill_good: "All agree", "全部一致";
    bill_has_findings: "Look at the findings", "请查看差异";
    bill_settled_short: "Settled", "账单确定";
    bill_carried_short: "Carried", "结转";
    bill_difference_short: "Difference", "净差额";
    bill_again: "{} Tried {} times, again at {}.", "{} 已尝试 {} 次，下次：{}。";
    bill_heading: "The bill of {} for {}", "{} 的账单，{}";
    bill_csv: "Download as a table (CSV)", "下载表格（CSV）";
    bill_no_findings: "Nothing differs.", "没有差异。";
    bill_more: "Only the first {} are shown here; the table has all of them.", "此处仅显示前 {} 条；完整内容请下载表格。";
    bill_number: "Number", "编号";
    bill_movement: "Movement", "收支";
    bill_payment: "Payment", "收款";
    bill_refund: "Refund", "退款";
    bill_field: "What differs", "差异字段";
    bill_ours: "Our books", "本店";
    bill_theirs: "Bill", "账单";
    bill_unknown_order: "not in our books", "本店无此单";
    bill_moved: "The money moved", "款项已收付";
    bill_not_moved: "No money moved", "款项未收付";
    bill_not_known: "Not known", "未知";
    bill_back: "All days", "全部日期";
    field_amount: "Amount", "金额";
    field_fee: "Fee", "手续费";
    field_currency: "Currency", "币种";
    field_standing: "Standing", "状态";
    field_account: "Account at the wallet", "钱包账户";
    category_missing_at_channel: "Missing in the bill", "账单缺失";
    category_missing_here: "Missing in our books", "本店缺失";
    category_paid_there_not_here: "Paid at the wallet, not here", "钱包已付，本店未付";
    category_paid_here_not_there: "Paid here, not at the wallet", "本店已付，钱包未付";
    category_amount_differs: "Amounts differ", "金额不符";
    category_fee_differs: "Fees differ", "手续费不符";
    category_duplicate: "More than once", "重复";
    category_currency_differs: "Currencies differ", "币种不符";
    category_revoked_alone: "Taken back without a payment", "撤销无对应收款";
    category_unknown_here_not_there: "Not known here, not in the bill", "本店未知，账单无";

    // Accounts at the wallets
    wallets: "Wallets", "钱包账户";
    accounts_none: "No accounts yet: the settings file says which wallets are taken.", "尚无账户：由服务器配置文件决定可收的钱包。";
    account_add: "New account at {}", "新增{}账户";
    account_add_short: "Add an account:", "新增账户：";
    account_change: "Account {} at {}", "账户 {}（{}）";
    account_saved: "Account {} is saved. All servers go by it within seconds.", "账户 {} 已保存，所有服务器数秒内生效。";
    account_gone: "Account {} is deleted.", "账户 {} 已删除。";
    account_refused: "Not saved: {}", "未保存：{}";
    account_in_use: "Payments of the last four days, or what is not settled yet, rest on this account. Leave it disabled.", "该账户有近四天内或尚未结清的款项，不能删除，请保持停用。";
    account_forsaken: "Payments rest on {} {}, which the settings file names no more: they are not asked about and cannot be refunded here. Put its section back; import it before it is removed.", "{}账户 {} 已从配置文件移除，但仍有款项依赖它，无法查询或退款。请恢复该配置段；如需移除，请先导入账户。";
    account_may_hold: "The account takes no new payments since {}. A till that was offline may still hand in a payment of it until {}. It can be deleted after that.", "该账户自 {} 起停用；离线收银机在 {} 之前仍可能补报其款项，此后方可删除。";
    account_no_keys: "The servers' settings name no account_keys: secrets cannot be stored. See docs/wallet-accounts.md.", "服务器配置未设置 account_keys，无法保存密钥。参见 docs/wallet-accounts.md。";
    account_file_new: "{} {} from the settings file takes payments, until there is an account of this wallet here.", "配置文件中的{}账户 {} 正在收款；在此新增该钱包的账户后即由其接替。";
    account_file_old: "{} {} from the settings file takes no new payments: the accounts here do. Its old ones are still asked about.", "配置文件中的{}账户 {} 不再收取新款项，由下列账户收款；其旧款项仍可查询。";
    account_enabled: "Takes payments", "收款中";
    account_disabled: "Disabled", "已停用";
    account_fits: "The wallet answers", "钱包应答正常";
    account_unasked: "Not asked yet", "尚未查询";
    account_wrong: "Cannot be used", "无法使用";
    account_name: "Name", "名称";
    account_merchant_stays: "It stays: payments rest on it.", "不可更改：已有款项依赖它。";
    account_store: "Store", "门店";
    account_all_stores: "All stores", "所有门店";
    account_kinds: "Payments", "收款方式";
    account_scanned: "Scanned codes", "扫顾客付款码";
    account_shown: "Shown codes", "出示收款码";
    account_currency: "Currency", "币种";
    bad_currency: "This is not a currency. Write its three letters, like CNY.", "币种不正确，请填写三位字母代码，例如 CNY。";
    account_amounts: "Amounts", "金额范围";
    account_any_amount: "Any amount", "不限金额";
    account_lowest: "Lowest amount", "最低金额";
    account_highest: "Highest amount", "最高金额";
    account_fee: "Fee in percent", "手续费率（%）";
    account_fee_hint: "What the wallet keeps, like 0.6. It counts for bills that are compared from now on. Left empty: as in the servers' settings, or not compared.", "钱包收取的费率，如 0.6；自下一次对账起生效。留空则按服务器配置，未配置则不核对。";
    account_fee_short: "Fee", "手续费率";
    account_fee_unsaid: "not said here", "此处未填";
    bad_fee: "This is not a fee. Write percents with at most two decimals, like 0.6.", "费率不正确，请填写百分数，最多两位小数，例如 0.6。";
    account_changed: "Changed", "修改时间";
    account_edit: "Edit", "修改";
    account_save: "Save", "保存";
    account_why: "Reason", "原因";
    account_disable: "Disable", "停用";
    account_enable: "Enable", "启用";
    account_delete: "Delete", "删除";
    secrets: "Keys and certificates", "密钥与证书";
    secrets_how: "They are sealed and never shown again. Fields left empty stay as they are.", "保存后加密存放，不再显示；留空则保持不变。";
    secret_set_on: "Set on {}. Leave empty to keep it.", "设置于 {}，留空则保持不变。";
    rules: "Routing", "收款路由";
    rules_how: "The rule with the smallest number that fits a sale decides alone. Without rules any enabled account that takes the sale may be asked; of several, those that answer best.", "金额与门店相符且序号最小的规则单独决定。没有规则时，任一可收此款项的启用账户均可收款；有多个时，优先应答良好的账户。";
    rules_none: "No rules.", "没有规则。";
    rule_add: "Add a rule", "新增规则";
    rule_remove: "Remove", "移除";
    rule_priority: "Number", "序号";
    rule_priority_hint: "The smallest that fits decides.", "相符规则中序号最小者生效。";
    rule_any_currency: "Any", "不限";
    rule_currency_hint: "Its three letters, like CNY. Left empty: any.", "三位字母代码，如 CNY；留空则不限。";
    rule_amounts_of_what: "Amounts need a currency: name one, or leave both amounts empty.", "限定金额须同时指定币种：请填写币种，或将两个金额留空。";
    rule_accounts: "Accounts", "账户";
    rule_accounts_hint: "Their numbers, like 1, 2. Left empty: such sales are declined.", "填写账户编号，如 1, 2；留空则拒收此类款项。";
    rule_nobody: "Nobody: declined", "无：拒收";
    rule_unreadable: "The rule cannot be read. Write numbers like 10, currencies like CNY, amounts like 12.50, accounts like 1, 2.", "规则无法识别。序号如 10，币种如 CNY，金额如 12.50，账户如 1, 2。";
    routing_saved: "The routing is saved. All servers go by it within seconds.", "收款路由已保存，所有服务器数秒内生效。";
}
