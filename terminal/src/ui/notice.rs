//! Notices and questions.

use super::generated::{ConfirmData, ConfirmKind, DrawerKind, NoticeData, NoticeKind};
use super::money::format_amount;
use super::payment;
use super::status::{printer, whole};
use crate::view::{Confirm, MoneyStyle, Notice, PrinterState};

pub fn data(notice: Option<&Notice>, money: &MoneyStyle) -> NoticeData {
    use NoticeKind as K;
    let amount;
    let plain = |kind| (kind, "", 0, PrinterState::None);
    let (kind, text, count, state) = match notice {
        None => plain(K::None),
        Some(Notice::UnknownBarcode { code }) => (K::UnknownBarcode, code.as_str(), 0, PrinterState::None),
        Some(Notice::NothingFound { text }) => (K::NothingFound, text.as_str(), 0, PrinterState::None),
        Some(Notice::GoodsCodeAtTender) => plain(K::GoodsCodeAtTender),
        Some(Notice::ShopCodeAtTender) => plain(K::ShopCodeAtTender),
        Some(Notice::PaymentCodeBeforeTender) => plain(K::PaymentCodeBeforeTender),
        Some(Notice::UnknownPaymentCode) => plain(K::UnknownPaymentCode),
        Some(Notice::CodeTriedBefore) => plain(K::CodeTriedBefore),
        Some(Notice::OrderCodeAtTender) => plain(K::OrderCodeAtTender),
        Some(Notice::OrderNotHere { number }) => (K::OrderNotHere, number.as_str(), 0, PrinterState::None),
        Some(Notice::ArchiveMissing { file }) => (K::ArchiveMissing, file.as_str(), 0, PrinterState::None),
        Some(Notice::UnreadableScan) => plain(K::UnreadableScan),
        Some(Notice::NoEnrolmentCode) => plain(K::NoEnrolmentCode),
        Some(Notice::EmptySale) => plain(K::EmptySale),
        Some(Notice::CodeNeedsNetwork) => plain(K::CodeNeedsNetwork),
        Some(Notice::NotEnoughCash) => plain(K::NotEnoughCash),
        Some(Notice::CashInPlace { minor }) => {
            amount = format_amount(*minor, money);
            (K::CashInPlace, amount.as_str(), 0, PrinterState::None)
        }
        Some(Notice::HandBack { minor, .. }) => {
            amount = format_amount(*minor, money);
            (K::HandBack, amount.as_str(), 0, PrinterState::None)
        }
        Some(Notice::ScanNotUsed) => plain(K::ScanNotUsed),
        Some(Notice::ScanAtFault) => plain(K::ScanAtFault),
        Some(Notice::NotInOrder { name }) => (K::NotInOrder, name.as_str(), 0, PrinterState::None),
        Some(Notice::AllPicked { name }) => (K::AllPicked, name.as_str(), 0, PrinterState::None),
        Some(Notice::SecretTyped) => plain(K::SecretTyped),
        Some(Notice::SaleUnderWay) => plain(K::SaleUnderWay),
        Some(Notice::SaleVoided) => plain(K::SaleVoided),
        Some(Notice::LockedScan) => plain(K::LockedScan),
        Some(Notice::CardUnknown) => plain(K::CardUnknown),
        Some(Notice::CardUnreadable) => plain(K::CardUnreadable),
        Some(Notice::CardNotNow) => plain(K::CardNotNow),
        Some(Notice::CardApprovesNothing) => plain(K::CardApprovesNothing),
        Some(Notice::LoggedIn { name }) => (K::LoggedIn, name.as_str(), 0, PrinterState::None),
        Some(Notice::DoubleScanIgnored) => plain(K::DoubleScanIgnored),
        Some(Notice::QuantityLimit) => plain(K::QuantityLimit),
        Some(Notice::NoPrice { name }) => (K::NoPrice, name.as_str(), 0, PrinterState::None),
        Some(Notice::NotSold { name }) => (K::NotSold, name.as_str(), 0, PrinterState::None),
        Some(Notice::NoWeight { name }) => (K::NoWeight, name.as_str(), 0, PrinterState::None),
        Some(Notice::Expired { name }) => (K::Expired, name.as_str(), 0, PrinterState::None),
        Some(Notice::LabelUnclear { name }) => (K::LabelUnclear, name.as_str(), 0, PrinterState::None),
        Some(Notice::RefundsArrived { count }) => (K::RefundsArrived, "", whole(*count), PrinterState::None),
        Some(Notice::RefundApproved { order_number, .. }) => {
            (K::RefundApproved, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::RefundRefusedInConsole { order_number, .. }) => {
            (K::RefundRefusedInConsole, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::RefundExpired { order_number }) => {
            (K::RefundExpired, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::RefundForbidden { order_number }) => {
            (K::RefundForbidden, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::RefundToPayOut { order_number, .. }) => {
            (K::RefundToPayOut, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::EarlierPaymentPaid { order_number }) => {
            (K::EarlierPaymentPaid, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::EarlierPaymentReversed { order_number }) => {
            (K::EarlierPaymentReversed, order_number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::Printer(state)) => (K::Printer, "", 0, *state),
        Some(Notice::CopyPrinted) => plain(K::CopyPrinted),
        Some(Notice::ScannerLost) => plain(K::ScannerLost),
        Some(Notice::ClockWrong { ahead_seconds }) => {
            (K::ClockWrong, "", seconds(*ahead_seconds), PrinterState::None)
        }
        Some(Notice::SaleQuarantined { number }) => {
            (K::SaleQuarantined, number.as_str(), 0, PrinterState::None)
        }
        Some(Notice::ServerRefused { code }) => (K::ServerRefused, code.as_str(), 0, PrinterState::None),
        Some(Notice::NoNetwork) => plain(K::NoNetwork),
        Some(Notice::TooMuchOff) => plain(K::TooMuchOff),
        Some(Notice::ReasonNeeded) => plain(K::ReasonNeeded),
        Some(Notice::DiscountGone) => plain(K::DiscountGone),
        Some(Notice::PriceGone) => plain(K::PriceGone),
        Some(Notice::NothingToPay) => plain(K::NothingToPay),
        Some(Notice::SaleHeld { name }) => (K::SaleHeld, name.as_str(), 0, PrinterState::None),
        Some(Notice::HoldFirst) => plain(K::HoldFirst),
        Some(Notice::TooManyHeld) => plain(K::TooManyHeld),
        Some(Notice::NobodyMayApprove) => plain(K::NobodyMayApprove),
        Some(Notice::DrawerOpened) => plain(K::DrawerOpened),
        Some(Notice::DrawerUnknown) => plain(K::DrawerUnknown),
        Some(Notice::DrawerShut(state)) => (K::DrawerShut, "", 0, *state),
        Some(Notice::DrawerByKey) => plain(K::DrawerByKey),
        Some(Notice::ShiftNeeded) => plain(K::ShiftNeeded),
        Some(Notice::TemplateUnreadable) => plain(K::TemplateUnreadable),
        Some(Notice::LanguageUnusable { detail }) => {
            (K::LanguageUnusable, detail.as_str(), 0, PrinterState::None)
        }
        Some(Notice::NotASerial) => plain(K::NotASerial),
        Some(Notice::PaymentCodeNotSerial) => plain(K::PaymentCodeNotSerial),
        Some(Notice::OnePiece) => plain(K::OnePiece),
        Some(Notice::SerialTwice { serial }) => (K::SerialTwice, serial.as_str(), 0, PrinterState::None),
        Some(Notice::RealCodeInTraining) => plain(K::RealCodeInTraining),
        Some(Notice::NotInTraining) => plain(K::NotInTraining),
        Some(Notice::DrawerInTraining) => plain(K::DrawerInTraining),
        Some(Notice::NoTrainingNow) => plain(K::NoTrainingNow),
        Some(Notice::TrainingBroken) => plain(K::TrainingBroken),
    };
    let (drawer, why) = match notice {
        Some(Notice::HandBack { drawer, .. }) => payment::drawer(*drawer),
        _ => (DrawerKind::NotAsked, state),
    };
    let who = match notice {
        Some(Notice::RefundApproved { by, .. } | Notice::RefundRefusedInConsole { by, .. }) => by.as_str(),
        _ => "",
    };
    let amount = match notice {
        Some(Notice::RefundToPayOut { amount_minor, .. }) => format_amount(*amount_minor, money),
        _ => String::new(),
    };
    let (text, who, amount) = (text.into(), who.into(), amount.into());
    NoticeData { kind, text, who, amount, count, printer: printer(why), drawer }
}

/// Seconds that may be negative, for the screen.
pub fn seconds(value: i64) -> i32 {
    value.clamp(-i64::from(i32::MAX), i64::from(i32::MAX)).try_into().unwrap_or(0)
}

pub fn question(confirm: Option<&Confirm>, money: &MoneyStyle) -> ConfirmData {
    let given;
    let (kind, text, amount_minor, count) = match confirm {
        None => return ConfirmData::default(),
        Some(Confirm::OldEnough { name, years, born_by, waiting }) => {
            return ConfirmData {
                kind: ConfirmKind::OldEnough,
                text: name.into(),
                amount: born_by.into(),
                count: i32::from(*years),
                more: whole(*waiting),
                ..ConfirmData::default()
            };
        }
        Some(Confirm::VoidSale { item_count, total_minor }) => {
            (ConfirmKind::VoidSale, "", *total_minor, whole(*item_count))
        }
        Some(Confirm::CarryOutRefund { order_number, amount_minor, cash: true }) => {
            (ConfirmKind::CarryOutCashRefund, order_number.as_str(), *amount_minor, 0)
        }
        Some(Confirm::CarryOutRefund { order_number, amount_minor, cash: false }) => {
            (ConfirmKind::CarryOutRefund, order_number.as_str(), *amount_minor, 0)
        }
        Some(Confirm::LargeChange { given_minor, change_minor }) => {
            given = format_amount(*given_minor, money);
            (ConfirmKind::LargeChange, given.as_str(), *change_minor, 0)
        }
        Some(Confirm::CashBack { minor }) => (ConfirmKind::CashBack, "", *minor, 0),
        Some(Confirm::CashLeft { number, minor }) => (ConfirmKind::CashLeft, number.as_str(), *minor, 0),
        Some(Confirm::CashKept { number, minor }) => (ConfirmKind::CashKept, number.as_str(), *minor, 0),
        Some(Confirm::SetAside { total_minor }) => (ConfirmKind::SetAside, "", *total_minor, 0),
        Some(Confirm::EndShift { counted_minor }) => (ConfirmKind::EndShift, "", *counted_minor, 0),
    };
    let amount = format_amount(amount_minor, money).into();
    ConfirmData { kind, text: text.into(), amount, count, ..ConfirmData::default() }
}
