//! What becomes of a mail whose delivery broke off.

use crate::texts::reason;
use lettre::transport::smtp::Error;
use notification::Delivery;

/// At which command a delivery broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Mail,
    Recipient,
    Data,
    Content,
}

/// Why it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// The server answered so.
    Answer(u16, String),
    /// The connection is lost, or what comes over it cannot be understood.
    Lost(String),
    /// No answer came in time.
    Silent,
    /// The server does not take addresses beyond ASCII.
    NotSupported,
}

impl Why {
    pub(super) fn of(error: &Error) -> Self {
        match error.status() {
            Some(code) => Self::Answer(code.into(), error.to_string()),
            None => Self::Lost(error.to_string()),
        }
    }
}

/// A delivery that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenOff {
    at: Step,
    why: Why,
}

/// The server is about to hang up (RFC 5321, section 3.8).
const CLOSING: u16 = 421;

impl BrokenOff {
    pub(super) fn new(at: Step, why: Why) -> Self {
        Self { at, why }
    }

    /// Whether a connection that was kept shows by this that it was closed meanwhile: nothing but MAIL was said on it.
    pub(super) fn was_stale(&self) -> bool {
        self.at == Step::Mail && matches!(self.why, Why::Answer(CLOSING, _) | Why::Lost(_) | Why::Silent)
    }

    /// Whether the next mail can go over the same connection.
    pub(super) fn leaves_the_connection(&self) -> bool {
        match self.why {
            Why::Answer(code, _) => code != CLOSING,
            Why::NotSupported => true,
            Why::Lost(_) | Why::Silent => false,
        }
    }
}

/// What becomes of the mail:
///
/// - An answer of 5yz to RCPT, DATA or the content means this mail, for good (RFC 5321, section 4.2.1): refused. To RCPT it
///   means the address where an enhanced code says so: bounced. Others are about the sender, the path or policy, and what has
///   no such code may be anything, as `550 relay not permitted`: what is noted of an address keeps mails from it for good.
/// - MAIL names nobody but us, and no size: an answer of 5yz (a sender that the server does not let this user send from, or
///   that is not verified) means every mail alike. The set-up is wrong: unreachable, and no mail is to blame. Only where
///   the recipient's address is beyond ASCII, MAIL says so (SMTPUTF8), which may be what is refused; then it is refused
///   as this mail, since otherwise one address could hold up all the others.
/// - Also 530, 534, 535 and 538 mean us, who did not sign in or encrypt as the server wants it (RFC 4954, section 6; RFC
///   3207, section 4), at whichever command: unreachable, like all that goes wrong before MAIL (no connection, no name, no TLS, a greeting
///   other than 220 (RFC 5321, section 3.1), a sign-in that is refused). Then the set-up is wrong or the server away, and
///   no mail is to blame.
/// - An answer of 4yz is for now (RFC 5321, section 4.2.1): failed, to be tried again. Also 421.
/// - A connection that is lost, or an answer that does not come in time or cannot be understood: failed. After the dot at
///   the end of the content nobody knows whether the server has the mail (RFC 1047); it goes again, with its Message-ID.
/// - An address beyond ASCII at a server without SMTPUTF8 (RFC 6531, section 3.2): refused.
pub(super) fn of(broken: &BrokenOff, recipient: &str) -> Delivery {
    let step = match broken.at {
        Step::Mail => "MAIL",
        Step::Recipient => "RCPT",
        Step::Data => "DATA",
        Step::Content => "the content",
    };
    let told = |what: &str| reason(&format!("at {step}: {what}"), recipient);
    match &broken.why {
        Why::Answer(530 | 534 | 535 | 538, said) => Delivery::Unreachable(told(said)),
        Why::Answer(500..=599, said) if broken.at == Step::Mail && recipient.is_ascii() => {
            Delivery::Unreachable(told(said))
        }
        Why::Answer(500..=599, said) if broken.at == Step::Recipient && takes_nothing(said) => {
            Delivery::Bounced(told(said))
        }
        Why::Answer(500..=599, said) => Delivery::Refused(told(said)),
        Why::Answer(_, said) => Delivery::Failed(told(said)),
        Why::Lost(how) => Delivery::Failed(told(how)),
        Why::Silent => Delivery::Failed(told("no answer in time")),
        Why::NotSupported => {
            Delivery::Refused("the mail server takes no addresses beyond ASCII (SMTPUTF8)".to_owned())
        }
    }
}

/// What says that an address takes no mail (RFC 3463, sections 3.2 and 3.3; 5.1.10: RFC 7505, section 4.2): no such mailbox, no
/// such domain, a wrong address, one that has moved, a domain that takes no mail, a mailbox that is closed.
const NOBODY_THERE: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

/// Whether the answer begins with such a code; one that is only cited in it says nothing.
fn takes_nothing(said: &str) -> bool {
    let is_code = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_number)
    };
    let first = said.split_whitespace().find(is_code);
    first.is_some_and(|code| NOBODY_THERE.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered_at(step: Step, code: u16, recipient: &str) -> Delivery {
        of(
            &BrokenOff::new(step, Why::Answer(code, format!("({code}): no"))),
            recipient,
        )
    }

    fn answered(code: u16) -> Delivery {
        answered_at(Step::Recipient, code, "ada@example.net")
    }

    #[test]
    fn a_sender_that_is_refused_means_us_unless_the_recipient_may_be_meant() {
        for code in [501, 550, 552, 553, 554, 555] {
            let ours = answered_at(Step::Mail, code, "ada@example.net");
            assert!(matches!(ours, Delivery::Unreachable(_)), "{code}");
            let theirs = answered_at(Step::Mail, code, "jürgen@bücher.example");
            assert!(matches!(theirs, Delivery::Refused(_)), "{code}");
        }
        let signed_out = answered_at(Step::Mail, 530, "jürgen@bücher.example");
        assert!(matches!(signed_out, Delivery::Unreachable(_)));
        let later = answered_at(Step::Mail, 451, "ada@example.net");
        assert!(matches!(later, Delivery::Failed(_)));
    }

    #[test]
    fn an_answer_means_the_mail_or_us() {
        for code in [500, 550, 552, 554, 571] {
            assert!(matches!(answered(code), Delivery::Refused(_)), "{code}");
            let theirs = answered_at(Step::Content, code, "ada@example.net");
            assert!(matches!(theirs, Delivery::Refused(_)), "{code}");
        }
        for code in [421, 450, 451, 452] {
            assert!(matches!(answered(code), Delivery::Failed(_)), "{code}");
        }
        for code in [530, 534, 535, 538] {
            assert!(matches!(answered(code), Delivery::Unreachable(_)), "{code}");
        }
    }

    #[test]
    fn an_address_is_meant_only_where_a_code_says_so() {
        let answer_at = |at, said: &str| {
            let why = Why::Answer(550, said.to_owned());
            of(&BrokenOff::new(at, why), "ada@example.net")
        };
        for code in ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"] {
            let said = format!("permanent error (550): {code} <ada@example.net>: nobody");
            assert!(
                matches!(answer_at(Step::Recipient, &said), Delivery::Bounced(_)),
                "{said}"
            );
            // What the content is refused for says nothing of the address.
            assert!(
                matches!(answer_at(Step::Content, &said), Delivery::Refused(_)),
                "{said}"
            );
        }
        for said in [
            "5.7.1 relaying denied",
            "5.1.0 sender rejected",
            "5.1.7 bad sender",
            "5.1.8 bad sender's system",
            "5.2.2 mailbox full",
            "5.4.1 recipient address rejected: access denied",
            "relay not permitted",
            "mailbox unavailable",
            "5.7.1 listed after too many 5.1.1",
            "5.1.1.example.org is not us",
            "15.1.1 is nothing",
        ] {
            let said = format!("permanent error (550): {said}");
            assert!(
                matches!(answer_at(Step::Recipient, &said), Delivery::Refused(_)),
                "{said}"
            );
        }
    }

    #[test]
    fn only_what_nothing_was_said_on_is_stale() {
        let stale = |at, why| BrokenOff::new(at, why).was_stale();
        assert!(stale(Step::Mail, Why::Lost(String::new())));
        assert!(stale(Step::Mail, Why::Answer(421, String::new())));
        assert!(stale(Step::Mail, Why::Silent));
        assert!(!stale(Step::Mail, Why::Answer(451, String::new())));
        assert!(!stale(Step::Recipient, Why::Lost(String::new())));
        assert!(!stale(Step::Content, Why::Silent));
    }
}
