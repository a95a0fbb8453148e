//! The words that Alipay documents for the calls we make: what the gateway says (`code`), and why the business says
//! no (`sub_code` of 40004). Spelt as there, misprints included.

use crate::channel::words::documented_words;

documented_words! {
    /// What the gateway itself says.
    Code
    Success = "10000", "Done.";
    Waiting = "10003", "The order is made; the customer must act.";
    Unknown = "20000", "Their system failed half-way: it may have happened.";
    NotAuthorised = "20001", "The merchant's authorisation is missing or over.";
    MissingParameter = "40001", "A field is missing.";
    InvalidParameter = "40002", "A field is wrong: the signature, the app, the time.";
    Business = "40004", "The business says no; `sub_code` says why.";
    NotPermitted = "40006", "The app may not do this.";
}

documented_words! {
    /// Why the business says no.
    SubCode
    SystemError = "ACQ.SYSTEM_ERROR", "Their system failed half-way: it may have happened.";
    SystemErrorMisspelt = "AQC.SYSTEM_ERROR", "The same, as some answers to a cancellation spell it.";
    InvalidParameter = "ACQ.INVALID_PARAMETER", "A field is wrong.";
    AccessForbidden = "ACQ.ACCESS_FORBIDDEN", "The merchant may not do this.";
    ForbiddenWord = "ACQ.EXIST_FORBIDDEN_WORD", "The description holds a forbidden word.";
    AuthCodeInvalid = "ACQ.PAYMENT_AUTH_CODE_INVALID", "The payment code was used, has expired, or never was one.";
    Inconsistent = "ACQ.CONTEXT_INCONSISTENT", "This number was sent before with other content.";
    TradePaid = "ACQ.TRADE_HAS_SUCCESS", "This number is paid already.";
    TradeClosed = "ACQ.TRADE_HAS_CLOSE", "This number is closed.";
    BalanceNotEnough = "ACQ.BUYER_BALANCE_NOT_ENOUGH", "Not enough money in the wallet.";
    CardNotEnough = "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH", "Not enough money on the card.";
    BalanceSwitchedOff = "ACQ.ERROR_BALANCE_PAYMENT_DISABLE", "The customer has switched paying from the balance off.";
    WalletSwitchedOff = "ACQ.MOBILE_PAYMENT_SWITCH_OFF", "The customer has switched paying by phone off.";
    CodesSwitchedOff = "ACQ.USER_FACE_PAYMENT_SWITCH_OFF", "The customer has switched paying by code off.";
    NoInstrument = "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE", "Nothing that the customer could pay with.";
    BuyerIsSeller = "ACQ.BUYER_SELLER_EQUAL", "The merchant cannot pay itself.";
    BuyerMismatch = "ACQ.TRADE_BUYER_NOT_MATCH", "Another customer tried to pay this number before.";
    CashierFailed = "ACQ.PULL_MOBILE_CASHIER_FAIL", "The customer's phone did not open the payment.";
    PaymentFailed = "ACQ.PAYMENT_FAIL", "The payment failed.";
    BuyerForbidden = "ACQ.BUYER_ENABLE_STATUS_FORBID", "The customer's account may not pay.";
    Risk = "ACQ.PAYMENT_REQUEST_HAS_RISK", "Risk rules forbid it.";
    TotalExceeded = "ACQ.TOTAL_FEE_EXCEED", "More than may be paid at once.";
    DayLimit = "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "More than the customer may pay in a day.";
    MonthLimit = "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR", "More than the customer may pay in a month.";
    BuyerNotCertified = "ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT", "The customer has not proved who they are.";
    SellerLimit = "ACQ.BEYOND_PAY_RESTRICTION", "More than the merchant may take.";
    SellerMonthLimit = "ACQ.BEYOND_PER_RECEIPT_RESTRICTION", "More than the merchant may take in a month.";
    SellerBlocked = "ACQ.SELLER_BEEN_BLOCKED", "The merchant's account is blocked.";
    TradeNotExist = "ACQ.TRADE_NOT_EXIST", "No such trade.";
    TradeNotExistBare = "TRADE_NOT_EXIST", "The same, as some answers about refunds spell it.";
    SellerBalance = "ACQ.SELLER_BALANCE_NOT_ENOUGH", "Not enough money in the merchant's account.";
    NotWholeTotal = "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "More is to go back than is left.";
    TradeFinished = "ACQ.TRADE_HAS_FINISHED", "Too late: the trade is finished for good.";
    TradeStatus = "ACQ.TRADE_STATUS_ERROR", "The trade's state does not allow this.";
    Frozen = "ACQ.REASON_TRADE_BEEN_FREEZEN", "The trade is frozen.";
    CancelTooLate = "ACQ.TRADE_CANCEL_TIME_OUT", "Too late to cancel: a day is over.";
    CancelNotAllowed = "ACQ.CANCEL_NOT_ALLOWED", "This trade may not be cancelled.";
    RefundFee = "ACQ.REASON_TRADE_REFUND_FEE_ERR", "The amount is wrong, or some went back before a cancellation.";
    Discordant = "ACQ.DISCORDANT_REPEAT_REQUEST", "This refund number was sent before with another amount.";
    RefundNotAllowed = "ACQ.TRADE_NOT_ALLOW_REFUND", "This trade may not be refunded.";
}
