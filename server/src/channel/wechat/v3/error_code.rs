//! The error words of v3 for the calls we make, spelt as in the wallet's tables and, where those are silent about
//! code payments, as in v2. Some came in two spellings: both mean the same.

use crate::channel::words::documented_words;

documented_words! {
    /// A documented error word of WeChat Pay v3.
    ErrorCode
    SystemError = "SYSTEM_ERROR", "Their system failed half-way: it may have happened.";
    SystemErrorV2 = "SYSTEMERROR", "The same, as v2 spells it.";
    BankError = "BANK_ERROR", "The bank failed half-way: it may have happened.";
    BankErrorV2 = "BANKERROR", "The same, as v2 spells it.";
    UserPaying = "USERPAYING", "The customer is typing a password.";
    AuthCodeExpired = "AUTHCODEEXPIRE", "The payment code is older than a minute.";
    AuthCodeError = "AUTH_CODE_ERROR", "Not a payment code.";
    AuthCodeInvalid = "AUTH_CODE_INVALID", "The payment code was used, has expired, or never was one.";
    NotEnough = "NOT_ENOUGH", "Not enough money (the customer's; for a refund, the merchant's).";
    NotEnoughV2 = "NOTENOUGH", "The same, as v2 spells it.";
    CardNotSupported = "NOTSUPORTCARD", "The card behind the wallet is not taken.";
    TradeError = "TRADE_ERROR", "Business rules forbid it: risk, limits, the state of the account.";
    RuleLimit = "RULE_LIMIT", "Business rules forbid it: risk, limits.";
    AccountError = "ACCOUNT_ERROR", "The customer's account is not in order.";
    UserAccountAbnormal = "USER_ACCOUNT_ABNORMAL", "The customer's account is closed.";
    OrderPaid = "ORDERPAID", "This number is paid already.";
    NumberUsed = "OUT_TRADE_NO_USED", "This number is in use already.";
    OrderClosed = "ORDER_CLOSED", "This number is closed.";
    OrderClosedV2 = "ORDERCLOSED", "The same, as v2 spells it.";
    OrderReversed = "ORDERREVERSED", "This number was taken back.";
    BuyerMismatch = "BUYER_MISMATCH", "Another customer tried to pay this number before.";
    InvalidRequest = "INVALID_REQUEST", "A rule of the call is broken; often: sent before with other content.";
    ParamError = "PARAM_ERROR", "A field is wrong or missing.";
    SignError = "SIGN_ERROR", "Our signature is wrong.";
    NoAuthority = "NO_AUTH", "The merchant may not do this.";
    MerchantNotExist = "MCH_NOT_EXISTS", "No such merchant.";
    AppMerchantMismatch = "APPID_MCHID_NOT_MATCH", "App and merchant do not belong together.";
    OrderNotExist = "ORDER_NOT_EXIST", "No such order.";
    OrderNotExistV2 = "ORDERNOTEXIST", "The same, as v2 spells it.";
    ResourceNotExists = "RESOURCE_NOT_EXISTS", "No such thing: of a refund, no such refund or no such order.";
    ReverseExpired = "REVERSE_EXPIRE", "Too late to take back: seven days are over.";
    TradeStateError = "TRADE_STATE_ERROR", "The order's state does not allow this.";
    InvalidTransaction = "INVALID_TRANSACTIONID", "No such transaction.";
    TradeOverdue = "TRADE_OVERDUE", "Too late to refund: a year is over.";
    FrequencyLimited = "FREQUENCY_LIMITED", "Too many calls about one order in a short time.";
    RateLimited = "RATELIMIT_EXCEEDED", "Too many calls: slow down.";
    NoStatement = "NO_STATEMENT_EXIST", "There is no bill of that day.";
    StatementCreating = "STATEMENT_CREATING", "The bill is being written.";
}

impl ErrorCode {
    /// Whether it says that our settings at the wallet are wrong, and nothing else.
    #[must_use]
    pub fn is_configuration(self) -> bool {
        matches!(
            self,
            Self::ParamError
                | Self::SignError
                | Self::NoAuthority
                | Self::MerchantNotExist
                | Self::AppMerchantMismatch
        )
    }
}
