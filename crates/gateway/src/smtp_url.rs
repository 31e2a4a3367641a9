//! `mail.smtp_url`, read: where the mail server is, how it is spoken to, and who we are to it.

use crate::http::is_this_machine;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use std::fmt;

/// Where the mail server is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SmtpUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// Name and password.
    pub(crate) user: Option<(String, String)>,
}

/// Who may read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Everybody on the way.
    Plain,
    /// Nobody: nothing is sent before STARTTLS.
    StartTls,
    /// Nobody: TLS from the first byte on.
    Tls,
}

/// Names the server, never who we are to it.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpUrl({}:{}, {:?})", self.host, self.port, self.security)
    }
}

/// Why `mail.smtp_url` cannot be used. Says nothing of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpUrl {
    /// It is no URL.
    #[error(
        "is no URL such as smtp://user:password@host:587; in user and password, write what is neither letter nor digit \
         as its code (@ is %40)"
    )]
    NoUrl,
    /// Another protocol.
    #[error("is to begin with smtp:// (STARTTLS) or smtps:// (TLS)")]
    Scheme,
    /// No host, or none that can be asked for.
    #[error("names no host in ASCII")]
    Host,
    /// One of user and password is missing.
    #[error("has a user without a password, or a password without a user")]
    HalfAUser,
    /// There is something behind the port that means nothing.
    #[error("has more behind the port than ?tls=required or ?tls=none, which smtps:// does not have")]
    Rest,
}

/// Checks `mail.smtp_url`.
pub fn check_smtp_url(text: &str) -> Result<(), InvalidSmtpUrl> {
    SmtpUrl::parse(text).map(|_| ())
}

impl SmtpUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let url: Url = text.trim().parse().map_err(|_| InvalidSmtpUrl::NoUrl)?;
        let is_tls = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(InvalidSmtpUrl::Scheme),
        };
        let host = url
            .host_str()
            .filter(|host| is_host(host))
            .ok_or(InvalidSmtpUrl::Host)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtpUrl::Rest);
        }
        let security = match (is_tls, url.query()) {
            (true, None) => Security::Tls,
            (false, Some("tls=none")) => Security::Plain,
            (false, None) if is_this_machine(host) => Security::Plain,
            (false, None | Some("tls=required")) => Security::StartTls,
            _ => return Err(InvalidSmtpUrl::Rest),
        };
        let standard = match security {
            Security::Plain => 25,
            Security::StartTls => 587,
            Security::Tls => 465,
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(standard),
            security,
            user: user(&url)?,
        })
    }
}

/// A name or an address as it may stand in TLS and in DNS; what is not ASCII comes percent-encoded here.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte))
}

fn user(url: &Url) -> Result<Option<(String, String)>, InvalidSmtpUrl> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        // NUL parts the fields of AUTH PLAIN.
        (!text.contains('\0')).then(|| text.into_owned())
    };
    match (url.username(), url.password().unwrap_or_default()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(InvalidSmtpUrl::HalfAUser),
        (name, password) => decoded(name)
            .zip(decoded(password))
            .map(Some)
            .ok_or(InvalidSmtpUrl::NoUrl),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_plain_but_on_this_machine_or_when_it_is_said() {
        for (text, host, port, security) in [
            (
                "smtp://mail.example.org",
                "mail.example.org",
                587,
                Security::StartTls,
            ),
            (
                "smtp://mail.example.org:25",
                "mail.example.org",
                25,
                Security::StartTls,
            ),
            (
                "smtp://mail.example.org?tls=required",
                "mail.example.org",
                587,
                Security::StartTls,
            ),
            (
                "smtp://mail.example.org:25/?tls=none",
                "mail.example.org",
                25,
                Security::Plain,
            ),
            ("smtps://mail.example.org", "mail.example.org", 465, Security::Tls),
            ("smtp://localhost", "localhost", 25, Security::Plain),
            ("smtp://127.0.0.1:2525", "127.0.0.1", 2525, Security::Plain),
            ("smtp://[::1]:2525", "::1", 2525, Security::Plain),
            (
                "smtp://localhost?tls=required",
                "localhost",
                587,
                Security::StartTls,
            ),
            (
                "smtp://localhost.example.org",
                "localhost.example.org",
                587,
                Security::StartTls,
            ),
        ] {
            let url = SmtpUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (url.host.as_str(), url.port, url.security),
                (host, port, security),
                "{text}"
            );
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let url = SmtpUrl::parse("smtp://ev%40example.org:p%C3%A4ss%2F@mail.example.org").unwrap();
        assert_eq!(url.user, Some(("ev@example.org".to_owned(), "päss/".to_owned())));
        assert_eq!(format!("{url:?}"), "SmtpUrl(mail.example.org:587, StartTls)");
    }

    #[test]
    fn what_is_no_mail_server_is_refused_without_being_repeated() {
        for (text, reason) in [
            ("", InvalidSmtpUrl::NoUrl),
            ("mail.example.org", InvalidSmtpUrl::NoUrl),
            ("smtp://user:hush/hush@mail.example.org", InvalidSmtpUrl::NoUrl),
            ("smtp://user:hush@mail.example.org:port", InvalidSmtpUrl::NoUrl),
            ("https://user:hush@mail.example.org", InvalidSmtpUrl::Scheme),
            ("smtp:user", InvalidSmtpUrl::Host),
            ("smtp://bücher.example", InvalidSmtpUrl::Host),
            ("smtp://user@mail.example.org", InvalidSmtpUrl::HalfAUser),
            ("smtp://:hush@mail.example.org", InvalidSmtpUrl::HalfAUser),
            ("smtp://user:hush%00@mail.example.org", InvalidSmtpUrl::NoUrl),
            ("smtp://mail.example.org?tls=opportunistic", InvalidSmtpUrl::Rest),
            (
                "smtp://mail.example.org?tls=none&tls=required",
                InvalidSmtpUrl::Rest,
            ),
            ("smtps://mail.example.org?tls=none", InvalidSmtpUrl::Rest),
            ("smtp://mail.example.org/name", InvalidSmtpUrl::Rest),
        ] {
            assert_eq!(SmtpUrl::parse(text), Err(reason), "{text}");
            assert!(!reason.to_string().contains("hush"));
        }
    }
}
