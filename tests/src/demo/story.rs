//! The scripted cashier's hands and eyes: a shop, a till in its window, a folder for what was seen.

use super::summary::Summary;
use crate::process::wait_until;
use crate::scripted_till::ScriptedTill;
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{RigError, StoreRig, WalletControl};
use crate::window_till::WindowTill;
use evertill_shared::order_number::OrderNumber;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Barcodes of the demo's catalogue: water, tea, cola, crisps.
pub const GOODS: [&str; 4] = ["6901234560015", "6901234560022", "6901234560039", "6901234560091"];

/// Everything that the script needs.
pub struct Story {
    /// The shop.
    pub rig: StoreRig,
    /// The till in its window.
    pub till: WindowTill,
    /// Another till of the same shop, without a window.
    pub other: Option<ScriptedTill>,
    /// The number of the window's till.
    pub terminal: Option<evertill_shared::id::TerminalId>,
    /// Order numbers of paid sales, oldest first.
    pub orders: Vec<OrderNumber>,
    /// What happened.
    pub summary: Summary,
    out: PathBuf,
    receipts_saved: usize,
}

impl Story {
    /// A story about this shop and this till, told into `out`.
    #[must_use]
    pub fn new(rig: StoreRig, till: WindowTill, out: &Path) -> Self {
        Self {
            rig,
            till,
            other: None,
            terminal: None,
            orders: Vec::new(),
            summary: Summary::default(),
            out: out.into(),
            receipts_saved: 0,
        }
    }

    /// The hand on the wallet.
    #[must_use]
    pub fn wallet(&self) -> WalletControl {
        self.rig.wallet_control()
    }

    /// Takes a picture of the screen.
    /// # Errors
    /// The till does not answer, or the disk does not take it.
    pub fn shot(&mut self, name: &str) -> Result<(), RigError> {
        self.summary.pictures += 1;
        let file = format!("{:02}-{name}.png", self.summary.pictures);
        Ok(self.till.shot(&self.out.join("screens").join(file))?)
    }

    /// Scans so many articles into the cart.
    /// # Errors
    /// The scanner or the screen does not follow.
    pub fn scan_goods(&mut self, count: usize) -> Result<(), RigError> {
        for code in GOODS.iter().cycle().take(count) {
            self.till.scan(code).map_err(RigError::from)?;
            // A person needs a moment between two scans as well.
            std::thread::sleep(Duration::from_millis(60));
        }
        let items = if count == 1 { "1 item".to_owned() } else { format!("{count} items") };
        self.till.wait_containing(&items, Duration::from_secs(5))?;
        Ok(())
    }

    /// Scans so many articles, in whatever language the till speaks.
    /// # Errors
    /// The scanner or the screen does not follow.
    pub fn scan_goods_quietly(&mut self, count: usize) -> Result<(), RigError> {
        for code in GOODS.iter().cycle().take(count) {
            self.till.scan(code).map_err(RigError::from)?;
            std::thread::sleep(Duration::from_millis(60));
        }
        self.till.wait_containing(&format!("{count} 件"), Duration::from_secs(5))?;
        Ok(())
    }

    /// Scans goods, chooses the payment code as tender, scans a customer's code.
    /// # Errors
    /// Something does not follow.
    pub async fn start_code_payment(&mut self, goods: usize, customer: Behaviour) -> Result<(), RigError> {
        self.scan_goods(goods)?;
        self.till.tap("Payment code")?;
        self.scan_customer(customer).await
    }

    /// The customer shows a code and the cashier scans it.
    /// # Errors
    /// Something does not follow.
    pub async fn scan_customer(&mut self, customer: Behaviour) -> Result<(), RigError> {
        self.till.wait("Scan the code on the customer's phone")?;
        let code = self.wallet().code(customer).await?;
        Ok(self.till.scan(&code)?)
    }

    /// A whole sale by code.
    /// # Errors
    /// It does not end paid, with a receipt.
    pub async fn sale_by_code(&mut self, goods: usize, customer: Behaviour) -> Result<(), RigError> {
        self.start_code_payment(goods, customer).await?;
        self.finish_code_sale(Duration::from_secs(20))
    }

    /// Waits for "paid" and the receipt, and goes on to the next sale.
    /// # Errors
    /// It does not end paid, with a receipt.
    pub fn finish_code_sale(&mut self, patience: Duration) -> Result<(), RigError> {
        self.till.wait_containing("Next sale", patience)?;
        self.summary.sales += 1;
        self.summary.paid_by_code += 1;
        self.take_receipt()?;
        Ok(self.till.tap("Next sale")?)
    }

    /// A whole cash sale, with a note larger than the total.
    /// # Errors
    /// It does not end paid, with a receipt and an open drawer.
    pub fn sale_for_cash(&mut self, goods: usize, picture: Option<&str>) -> Result<(), RigError> {
        self.scan_goods(goods)?;
        self.till.tap("Cash")?;
        self.till.wait("Confirm cash")?;
        let pulses = self.till.printer.pulses().len();
        let quick = self.quick_amount()?;
        self.till.tap(&quick)?;
        if let Some(name) = picture {
            self.shot(name)?;
        }
        self.till.tap("Confirm cash")?;
        self.till.wait("Next sale")?;
        self.summary.sales += 1;
        self.summary.paid_in_cash += 1;
        self.take_receipt()?;
        let printer = &self.till.printer;
        if !wait_until(Duration::from_secs(3), || printer.pulses().len() == pulses + 1) {
            let pulses = printer.pulses().len() - pulses;
            return Err(RigError::Unexpected(format!("the drawer opened {pulses} times, not once")));
        }
        self.summary.drawer_openings += 1;
        Ok(())
    }

    /// The largest of the quick amounts that the cash page offers.
    fn quick_amount(&mut self) -> Result<String, RigError> {
        let given = |label: &String| {
            let digits = label.strip_prefix("Given ¥")?.replace([',', '.'], "");
            Some((digits.parse::<u64>().ok()?, label.clone()))
        };
        // Notes that are less than the total stand there as well, for a part in cash.
        let most = self.till.labels()?.iter().filter_map(given).max().map(|(_, label)| label);
        most.ok_or_else(|| RigError::Unexpected("no quick amount on the cash page".into()))
    }

    /// Takes the receipt from the printer, as picture and as text, and reads the order number from its QR code.
    /// # Errors
    /// No receipt comes out.
    pub fn take_receipt(&mut self) -> Result<String, RigError> {
        let wanted = self.receipts_saved + 1;
        if !self.till.printer.wait_for_receipts(wanted, Duration::from_secs(15)) {
            let problems = self.till.printer.problems();
            return Err(RigError::Unexpected(format!("receipt {wanted} did not come out: {problems:?}")));
        }
        let receipts = self.till.printer.receipts();
        let Some(receipt) = receipts.get(self.receipts_saved) else {
            return Err(RigError::Unexpected("the receipt is gone".into()));
        };
        self.receipts_saved = wanted;
        self.summary.receipts_printed += 1;
        let failed = |error: &dyn std::fmt::Display| RigError::Unexpected(error.to_string());
        let base = self.out.join("receipts").join(format!("{wanted:02}"));
        fs::write(base.with_extension("txt"), receipt.text()).map_err(|e| failed(&e))?;
        let font = fs::read(crate::workspace::root().join("terminal/ui/fonts/NotoSansSC-Regular.otf"))
            .map_err(|e| failed(&e))?;
        let png = receipt.to_png(&font).map_err(|e| failed(&e))?;
        fs::write(base.with_extension("png"), png).map_err(|e| failed(&e))?;
        let number = receipt.qr_codes().first().cloned().unwrap_or_default();
        if let Ok(number) = number.parse::<OrderNumber>()
            && !self.orders.contains(&number)
        {
            self.orders.push(number);
        }
        Ok(receipt.text())
    }
}
