//! Money in minor units.

use iso_currency::Currency;

/// An amount in the currency's minor unit (paise, cents). Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

/// Not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Below zero, or beyond what a payment provider takes.
    #[error("the amount is a whole number of minor units from 0 to 1,000,000,000,000")]
    Amount,
    /// Not a code of ISO 4217.
    #[error("the currency is a code of ISO 4217, such as INR")]
    Currency,
}

impl Money {
    /// The largest amount that is taken, in minor units.
    pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

    /// An amount of minor units of a currency named by its code (ISO 4217).
    pub fn new(amount: i64, currency: &str) -> Result<Self, InvalidMoney> {
        if !(0..=Self::MAX_AMOUNT).contains(&amount) {
            return Err(InvalidMoney::Amount);
        }
        let currency = Currency::from_code(currency).ok_or(InvalidMoney::Currency)?;
        Ok(Self { amount, currency })
    }

    /// The amount, in minor units.
    pub fn amount(&self) -> i64 {
        self.amount
    }

    /// The currency's code (ISO 4217).
    pub fn currency(&self) -> &'static str {
        self.currency.code()
    }

    /// Whether there is nothing to pay.
    pub fn is_free(&self) -> bool {
        self.amount == 0
    }
}
