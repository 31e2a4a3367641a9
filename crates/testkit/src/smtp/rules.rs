//! What the server is told to do wrong, and when.

use std::time::Duration;

/// Where in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before its first word.
    Greeting,
    /// At EHLO and HELO.
    Hello,
    /// At STARTTLS: TLS begins after an answer of 220, whatever comes along with it.
    StartTls,
    /// At AUTH, once name and password are there.
    Auth,
    /// At MAIL.
    Mail,
    /// At RCPT.
    Recipient,
    /// At DATA.
    Data,
    /// When the first bytes of a content have come.
    Content,
    /// When a whole content has come, before the answer to it.
    EndOfContent,
}

/// What it does instead of what a good server does.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Answers this code and text; with 421 it hangs up afterwards.
    Answer(u16, String),
    /// Waits, and goes on as if nothing were.
    Delay(Duration),
    /// Hangs up without an answer; the mail is not taken.
    HangUp,
    /// Takes the mail and hangs up without an answer: at the end of a content only, elsewhere it is [`Reaction::HangUp`].
    TakeAndHangUp,
    /// Answers nothing any more, and keeps the connection.
    Hang,
}

/// One thing that the server is to do.
#[derive(Debug, Clone)]
pub struct Rule {
    stage: Stage,
    reaction: Reaction,
    recipient: Option<String>,
    left: Option<usize>,
}

impl Rule {
    /// At every such stage.
    pub fn at(stage: Stage, reaction: Reaction) -> Self {
        Self {
            stage,
            reaction,
            recipient: None,
            left: None,
        }
    }

    /// An answer at every such stage.
    pub fn answer(stage: Stage, code: u16, text: &str) -> Self {
        Self::at(stage, Reaction::Answer(code, text.to_owned()))
    }

    /// Only for mails to this recipient: from RCPT on.
    #[must_use]
    pub fn to(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_owned());
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.left = Some(times);
        self
    }
}

/// Everything that it was told.
#[derive(Default)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// What is to be done here, if anything; one time less is left of it then.
    pub(super) fn take(&mut self, stage: Stage, recipients: &[String]) -> Option<Reaction> {
        let position = self.0.iter().position(|rule| {
            rule.stage == stage && rule.recipient.as_ref().is_none_or(|one| recipients.contains(one))
        })?;
        let rule = &mut self.0[position];
        let reaction = rule.reaction.clone();
        if let Some(left) = &mut rule.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(position);
            }
        }
        Some(reaction)
    }
}
