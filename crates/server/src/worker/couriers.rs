//! Renders messages and hands them to whoever takes them, as it is configured.

use crate::config::Config;
use kernel::ServerKeys;
use notification::{
    Delivery, Destination, Job, Mailer, Medium, OutgoingMail, OutgoingText, SmsSender, render_mail,
    render_text,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Who takes messages.
pub struct Couriers {
    /// Mails.
    pub mailer: Arc<dyn Mailer>,
    /// Text messages, if anybody does.
    pub texts: Option<Arc<dyn SmsSender>>,
    /// Opens the secrets that messages carry.
    pub keys: Arc<ServerKeys>,
    /// Where links in messages lead.
    pub public_url: String,
}

impl Couriers {
    /// As it is configured. Says so.
    pub fn of(config: &Config, keys: Arc<ServerKeys>) -> anyhow::Result<Self> {
        Ok(Self {
            mailer: mailer(config)?,
            texts: texts(config)?,
            keys,
            public_url: config.http.public_url.to_string(),
        })
    }

    /// By what messages leave. Others wait in the queue.
    pub fn media(&self) -> Vec<Medium> {
        let mut media = vec![Medium::Email];
        media.extend(self.texts.is_some().then_some(Medium::Sms));
        media
    }

    /// Hands one over.
    pub async fn deliver(&self, job: &Job) -> Delivery {
        match (&job.to, &self.texts) {
            (Destination::Email(address), _) => self.deliver_mail(job, address).await,
            (Destination::Phone(number), Some(texts)) => self.deliver_text(job, number, texts.as_ref()).await,
            (Destination::Phone(_), None) => {
                Delivery::Failed("there is no gateway for text messages".to_owned())
            }
        }
    }

    async fn deliver_mail(&self, job: &Job, address: &str) -> Delivery {
        let content = match render_mail(job, &self.public_url, &self.keys) {
            Ok(content) => content,
            // The next try would find the same.
            Err(error) => return Delivery::Refused(error.to_string()),
        };
        let mail = OutgoingMail {
            id: job.id.to_string(),
            date: job.created_at,
            to_name: job.name.clone(),
            to_email: address.to_owned(),
            content,
        };
        self.mailer.deliver(&mail).await
    }

    async fn deliver_text(&self, job: &Job, number: &str, texts: &dyn SmsSender) -> Delivery {
        let body = match render_text(job, &self.public_url, &self.keys) {
            Ok(body) => body,
            Err(error) => return Delivery::Refused(error.to_string()),
        };
        let text = OutgoingText {
            id: job.id.to_string(),
            to: number.to_owned(),
            body,
        };
        texts.deliver(&text).await
    }
}

fn mailer(_config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    anyhow::bail!("no mailer yet")
}

fn texts(_config: &Config) -> anyhow::Result<Option<Arc<dyn SmsSender>>> {
    Ok(None)
}

/// Where mails are written as files if no mail server is configured.
pub fn mail_folder(config: &Config) -> PathBuf {
    config.data.dir.join("mail")
}
