//! Links and codes that are mailed to prove control of an address: made by the operating system's generator, kept hashed,
//! good for a while and for one use. Five tries void a code; its link lives on.

use crate::AuthTx;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use kernel::{Ctx, EmailAddress, Instant, KeyPurpose, OneTimeId, ServerKeys, StoreError, TypedId, UserId};
use notification::{MailedSecrets, SealedSecrets};
use sha2::{Digest, Sha256};
use std::fmt;

/// Tries of one code.
pub const MOST_CODE_TRIES: i16 = 5;

/// What is proven by a link or a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimePurpose {
    /// That the account's address is the person's.
    VerifyEmail,
    /// That the address which the account is to have is the person's.
    ChangeEmail,
    /// That the person who forgot the password reads the account's mail.
    ResetPassword,
}

impl OneTimePurpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// The purpose of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// A link and a code as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTime {
    /// Its id.
    pub id: OneTimeId,
    /// For whose account it was made.
    pub user_id: UserId,
    /// What it proves.
    pub purpose: OneTimePurpose,
    /// Where it was sent.
    pub email: EmailAddress,
    /// SHA-256 of the link's token, which is random.
    pub link_hash: String,
    /// The code under the server's key, since its digits are soon guessed.
    pub code_hash: String,
    /// When it was made.
    pub created_at: Instant,
    /// Until when it is good.
    pub expires_at: Instant,
    /// When it was used.
    pub used_at: Option<Instant>,
    /// When it was taken back.
    pub voided_at: Option<Instant>,
}

impl OneTime {
    /// Whether it is still good.
    pub fn is_live(&self, now: Instant) -> bool {
        self.used_at.is_none() && self.voided_at.is_none() && self.expires_at > now
    }
}

/// What a person shows: the link's token, or an address and the code that was sent there.
#[derive(Clone)]
pub enum OneTimeProof {
    /// The token of a link.
    Link(String),
    /// Six digits.
    Code {
        /// Where they were sent.
        email: EmailAddress,
        /// As typed; blanks do not count.
        code: String,
    },
}

impl fmt::Debug for OneTimeProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link(_) => "Link(…)",
            Self::Code { .. } => "Code(…)",
        })
    }
}

/// A new token and a new code, from the operating system's generator.
pub fn generate_secrets() -> Result<MailedSecrets, getrandom::Error> {
    let mut token = [0_u8; 32];
    getrandom::fill(&mut token)?;
    Ok(MailedSecrets {
        token: URL_SAFE_NO_PAD.encode(token),
        code: format!("{:06}", digits()?),
    })
}

/// A new code without a link, from the operating system's generator.
pub fn generate_code() -> Result<MailedSecrets, getrandom::Error> {
    Ok(MailedSecrets::code_alone(format!("{:06}", digits()?)))
}

/// Every number below a million is as likely as another: what lies in the last, incomplete million is drawn again.
fn digits() -> Result<u32, getrandom::Error> {
    const MILLION: u32 = 1_000_000;
    loop {
        let mut bytes = [0_u8; 4];
        getrandom::fill(&mut bytes)?;
        let drawn = u32::from_ne_bytes(bytes);
        if drawn < u32::MAX - u32::MAX % MILLION {
            return Ok(drawn % MILLION);
        }
    }
}

fn link_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

/// What a message needs of a link and code that were made.
pub(crate) struct Issued {
    pub(crate) id: OneTimeId,
    pub(crate) secrets: SealedSecrets,
    pub(crate) expires_at: Instant,
}

/// Whom a link and a code are made for, and for what.
pub(crate) struct Issue<'a> {
    pub(crate) user_id: UserId,
    pub(crate) purpose: OneTimePurpose,
    pub(crate) email: &'a EmailAddress,
    pub(crate) lifetime: TimeDelta,
}

/// Keeps a new link and code. The codes that were made before for the same purpose are void, so that asking again gives
/// nobody more tries; their links live on.
pub(crate) fn issue(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    wanted: &Issue<'_>,
    secrets: &MailedSecrets,
) -> Result<Issued, StoreError> {
    tx.void_codes_of(wanted.user_id, wanted.purpose)?;
    let id: OneTimeId = ctx.new_id();
    let expires_at = ctx.now + wanted.lifetime;
    tx.insert_one_time(&OneTime {
        id,
        user_id: wanted.user_id,
        purpose: wanted.purpose,
        email: wanted.email.clone(),
        link_hash: link_hash(&secrets.token),
        code_hash: keys.mac(KeyPurpose::OneTimeCode, &code_parts(id, &secrets.code)),
        created_at: ctx.now,
        expires_at,
        used_at: None,
        voided_at: None,
    })?;
    let secrets = secrets
        .seal(keys)
        .map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(Issued {
        id,
        secrets,
        expires_at,
    })
}

fn code_parts(id: OneTimeId, code: &str) -> [Vec<u8>; 2] {
    [id.uuid().as_bytes().to_vec(), code.as_bytes().to_vec()]
}

/// What a proof stands for, if it is good. A code's try is charged before it is compared: commit whatever this says.
pub(crate) fn find_proven(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    purposes: &[OneTimePurpose],
    proof: &OneTimeProof,
) -> Result<Option<OneTime>, StoreError> {
    match proof {
        OneTimeProof::Link(token) => Ok(tx
            .find_one_time_by_link(&link_hash(token))?
            .filter(|one_time| purposes.contains(&one_time.purpose) && one_time.is_live(ctx.now))),
        OneTimeProof::Code { email, code } => {
            let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
            let mut proven = None;
            for one_time in tx.list_live_one_times(email.key(), ctx.now)? {
                if purposes.contains(&one_time.purpose)
                    && tx.charge_code_try(one_time.id)?
                    && keys.mac_fits(
                        KeyPurpose::OneTimeCode,
                        &code_parts(one_time.id, &code),
                        &one_time.code_hash,
                    )
                {
                    proven = Some(one_time);
                }
            }
            Ok(proven)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn tokens_have_256_bits_and_codes_six_digits_and_none_comes_twice() {
        let made: Vec<MailedSecrets> = (0..1_000).map(|_| generate_secrets().unwrap()).collect();
        let tokens: HashSet<&String> = made.iter().map(|secrets| &secrets.token).collect();
        assert_eq!(tokens.len(), 1_000);
        for secrets in &made {
            assert_eq!(URL_SAFE_NO_PAD.decode(&secrets.token).unwrap().len(), 32);
            assert!(secrets.code.len() == 6 && secrets.code.bytes().all(|b| b.is_ascii_digit()));
        }
        // 1,000 draws of a million: about half a collision is to be expected, ten would be no accident.
        let codes: HashSet<&String> = made.iter().map(|secrets| &secrets.code).collect();
        assert!(codes.len() > 990);
        assert!(made.iter().any(|secrets| secrets.code.starts_with('0')));
    }
}
