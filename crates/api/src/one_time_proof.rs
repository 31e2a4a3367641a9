//! What a person shows of a mail: the token of its link, or the address that it was sent to and its code.

use crate::limits::RequestLimits;
use crate::problem::Problem;
use crate::sign_in_limits::{AccountKey, Guess};
use actix_web::HttpRequest;
use auth::OneTimeProof;
use kernel::Invalid;

/// Reads a proof from the fields of a body; notes what is missing or too much.
pub fn take_proof(
    invalid: &mut Invalid,
    token: Option<String>,
    email: Option<String>,
    otp: Option<String>,
) -> Option<OneTimeProof> {
    if let Some(token) = token {
        for (pointer, given) in [("/email", email.is_some()), ("/otp", otp.is_some())] {
            if given {
                invalid.add(pointer, "unexpected", "not together with a token");
            }
        }
        return Some(OneTimeProof::Link(token));
    }
    if email.is_none() && otp.is_none() {
        invalid.add("/token", "missing", "a token, or an address and a code");
        return None;
    }
    for (pointer, given) in [("/email", email.is_some()), ("/otp", otp.is_some())] {
        if !given {
            invalid.add(pointer, "missing", "address and code belong together");
        }
    }
    let email = email.and_then(|text| invalid.take("/email", "format", text.parse()));
    let code: String = otp?.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        invalid.add("/otp", "format", "six digits");
    }
    Some(OneTimeProof::Code { email: email?, code })
}

/// Does what a proof is shown for; gives whether the proof was good. A code is a guess at its account and counted as one;
/// the token of a link is not guessed.
pub async fn try_proof(
    limits: &RequestLimits,
    request: &HttpRequest,
    proof: &OneTimeProof,
    work: impl Future<Output = Result<bool, Problem>>,
) -> Result<bool, Problem> {
    let OneTimeProof::Code { email, .. } = proof else {
        return work.await;
    };
    let attempt = limits
        .attempt(Guess::Code, request, AccountKey::of(email))
        .await?;
    let answer = work.await;
    match &answer {
        Ok(true) => attempt.succeeded().await,
        Ok(false) => attempt.failed(),
        Err(_) => attempt.void().await,
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: Option<&str>, email: Option<&str>, otp: Option<&str>) -> (bool, Vec<String>) {
        let mut invalid = Invalid::none();
        let [token, email, otp] = [token, email, otp].map(|text| text.map(str::to_owned));
        let proof = take_proof(&mut invalid, token, email, otp);
        let pointers = invalid.0.into_iter().map(|error| error.pointer).collect();
        (proof.is_some(), pointers)
    }

    #[test]
    fn a_token_or_an_address_with_a_code_is_a_proof() {
        assert_eq!(read(Some("x"), None, None), (true, vec![]));
        assert_eq!(read(None, Some("a@example.org"), Some("123 456")), (true, vec![]));
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let named = |token, email, otp| read(token, email, otp).1;
        assert_eq!(named(None, None, None), ["/token"]);
        assert_eq!(named(None, Some("a@example.org"), None), ["/otp"]);
        assert_eq!(named(None, None, Some("123456")), ["/email"]);
        assert_eq!(
            named(Some("x"), Some("a@example.org"), Some("123456")),
            ["/email", "/otp"]
        );
        assert_eq!(named(None, Some("no address"), Some("12345")), ["/email", "/otp"]);
    }
}
