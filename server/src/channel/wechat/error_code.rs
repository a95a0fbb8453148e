//! The error words that WeChat Pay documents for the calls we make. Spelt as there, misprints included.

use crate::channel::words::documented_words;

documented_words! {
    /// A documented error word of WeChat Pay v2.
    ErrorCode
    SystemError = "SYSTEMERROR", "Their system failed half-way: it may have happened.";
    BankError = "BANKERROR", "The bank failed half-way: it may have happened.";
    UserPaying = "USERPAYING", "The customer is typing a password.";
    AuthCodeExpired = "AUTHCODEEXPIRE", "The payment code is older than a minute.";
    AuthCodeError = "AUTH_CODE_ERROR", "Not a payment code.";
    AuthCodeInvalid = "AUTH_CODE_INVALID", "The payment code was used, has expired, or never was one.";
    NotEnough = "NOTENOUGH", "Not enough money (the customer's; for a refund, the merchant's).";
    CardNotSupported = "NOTSUPORTCARD", "The card behind the wallet is not taken.";
    TradeError = "TRADE_ERROR", "Business rules forbid it: risk, limits, the state of the account.";
    OrderPaid = "ORDERPAID", "This number is paid already.";
    NumberUsed = "OUT_TRADE_NO_USED", "This number is in use already.";
    OrderClosed = "ORDERCLOSED", "This number is closed.";
    OrderReversed = "ORDERREVERSED", "This number was taken back.";
    BuyerMismatch = "BUYER_MISMATCH", "Another customer tried to pay this number before.";
    InvalidRequest = "INVALID_REQUEST", "This number was sent before with other content.";
    SignError = "SIGNERROR", "Our signature is wrong.";
    LackParams = "LACK_PARAMS", "A field is missing.";
    ParamError = "PARAM_ERROR", "A field is wrong.";
    NotUtf8 = "NOT_UTF8", "Not UTF-8.";
    XmlFormatError = "XML_FORMAT_ERROR", "Not XML.";
    RequirePost = "REQUIRE_POST_METHOD", "Not a POST.";
    PostDataEmpty = "POST_DATA_EMPTY", "An empty POST.";
    NoAuthority = "NOAUTH", "The merchant may not do this.";
    AppIdNotExist = "APPID_NOT_EXIST", "No such app.";
    MerchantNotExist = "MCHID_NOT_EXIST", "No such merchant.";
    AppMerchantMismatch = "APPID_MCHID_NOT_MATCH", "App and merchant do not belong together.";
    CertificateError = "CERT_ERROR", "Our client certificate is wrong.";
    OrderNotExist = "ORDERNOTEXIST", "No such order.";
    ReverseExpired = "REVERSE_EXPIRE", "Too late to take back: seven days are over.";
    TradeStateError = "TRADE_STATE_ERROR", "The order's state does not allow this.";
    InvalidTransaction = "INVALID_TRANSACTIONID", "No such transaction.";
    RetryLater = "BIZERR_NEED_RETRY", "Not finished: send the same refund again.";
    TradeOverdue = "TRADE_OVERDUE", "Too late to refund: a year is over.";
    BusinessError = "ERROR", "A business rule forbids the refund; the text says which.";
    AccountAbnormal = "USER_ACCOUNT_ABNORMAL", "The customer's account is closed.";
    TooManyRequests = "INVALID_REQ_TOO_MUCH", "Too many bad requests: slow down.";
    FrequencyLimited = "FREQUENCY_LIMITED", "Too many refunds of one order in a short time.";
    RefundMismatch = "REFUND_FEE_MISMATCH", "This refund number was sent before with another amount.";
    RefundNotExist = "REFUNDNOTEXIST", "No such refund.";
    NotReady = "ORDER_NOT_READY", "The order is still being worked on: later.";
}
