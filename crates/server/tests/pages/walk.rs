//! Steps that several tests of the pages take.

use kernel::EmailAddress;
use std::fmt::Write;
use testkit::{Answer, Harness};

/// A person asks for the mail that lets them set a new password.
pub async fn forgot(harness: &Harness, email: &str) {
    let ctx = harness.system();
    let address: EmailAddress = email.parse().expect("an address");
    let secrets = auth::generate_secrets().expect("randomness");
    let keys = harness.server_keys();
    harness
        .store()
        .write(move |tx| auth::forgot_password(tx, &ctx, &keys, &address, &secrets))
        .await
        .expect("a mail in the outbox");
}

/// Fields as a form sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let encoded = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    encoded.collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            // Writing into a String cannot fail.
            other => drop(write!(encoded, "%{other:02X}")),
        }
    }
    encoded
}

/// Sends a form to a page.
pub async fn post(harness: &Harness, page: &str, fields: &str) -> Answer {
    let request = harness.client().root().post(page);
    request
        .text("application/x-www-form-urlencoded", fields.to_owned())
        .await
}
