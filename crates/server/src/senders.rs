//! Who takes messages, as it is configured.

use crate::config::Config;
use anyhow::Context;
use gateway::{EmlFolder, SmsGateway, SmsOptions, SmtpMailer, SmtpOptions};
use notification::{Mailer, SmsSender};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a gateway for text messages may take to answer.
const SMS_LIMIT: Duration = Duration::from_secs(15);

/// Who takes mails: a mail server, or else a folder.
pub fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    if let Some(mailer) = smtp(config)? {
        return Ok(Arc::new(mailer));
    }
    let folder = EmlFolder::new(mail_folder(config), &config.mail.from).context("mail.from")?;
    Ok(Arc::new(folder))
}

/// The mail server, if one is configured.
pub fn smtp(config: &Config) -> anyhow::Result<Option<SmtpMailer>> {
    let Some(url) = &config.mail.smtp_url else {
        return Ok(None);
    };
    let options = SmtpOptions {
        url: url.expose().to_owned(),
        from: config.mail.from.clone(),
        connections: config.worker.concurrency,
        extra_root: None,
    };
    let mailer = SmtpMailer::new(options).context("mails cannot be sent")?;
    Ok(Some(mailer))
}

/// Where mails are written to if no mail server is configured.
pub fn mail_folder(config: &Config) -> PathBuf {
    config.data.dir.join("mail")
}

/// The same folder where mails are written as files now.
pub fn written_mails(config: &Config) -> Option<PathBuf> {
    config.mail.smtp_url.is_none().then(|| mail_folder(config))
}

/// Who takes text messages, if anybody does.
pub fn sms(config: &Config) -> anyhow::Result<Option<Arc<dyn SmsSender>>> {
    let Some(gateway) = &config.sms.gateway else {
        return Ok(None);
    };
    let options = SmsOptions {
        url: gateway.url.clone(),
        account_sid: gateway.account_sid.clone(),
        auth_token: gateway.auth_token.expose().to_owned(),
        from: gateway.from.clone(),
        time_limit: SMS_LIMIT,
    };
    let sender = SmsGateway::new(options).context("text messages cannot be sent")?;
    Ok(Some(Arc::new(sender)))
}
