//! Renders messages and hands them to whoever takes them, as it is configured.

use crate::config::Config;
use crate::senders;
use kernel::ServerKeys;
use notification::{
    Delivery, Destination, Job, Mailer, Medium, Message, OutgoingMail, OutgoingText, RenderedMail, SmsSender,
    render_mail, render_text, unsubscribe_token, vote_token,
};
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

/// What came of a try.
pub enum Attempt {
    /// Whoever takes messages was asked, and said this.
    Asked(Delivery),
    /// It did not come so far: the fault is here, such as a key that this process lacks. Another may be able to.
    NotAsked(String),
}

impl Couriers {
    /// As it is configured. Says so.
    pub fn of(config: &Config, keys: Arc<ServerKeys>) -> anyhow::Result<Self> {
        let couriers = Self {
            mailer: senders::mailer(config)?,
            texts: senders::sms(config)?,
            keys,
            public_url: config.http.public_url.to_string(),
        };
        say(config);
        Ok(couriers)
    }

    /// By what messages leave. Others wait in the queue.
    pub fn media(&self) -> Vec<Medium> {
        let mut media = vec![Medium::Email];
        media.extend(self.texts.is_some().then_some(Medium::Sms));
        media
    }

    /// Hands one over. A reason that is given says nothing of what the message keeps secret: some servers cite what they
    /// refuse.
    pub async fn deliver(&self, job: &Job) -> Attempt {
        let attempt = match (&job.to, &self.texts) {
            (Destination::Email(address), _) => self.deliver_mail(job, address).await,
            (Destination::Phone(number), Some(texts)) => self.deliver_text(job, number, texts.as_ref()).await,
            (Destination::Phone(_), None) => {
                Attempt::NotAsked("there is no gateway for text messages".to_owned())
            }
        };
        match attempt {
            Attempt::Asked(delivery) => Attempt::Asked(self.without_secrets(job, delivery)),
            not_asked @ Attempt::NotAsked(_) => not_asked,
        }
    }

    fn without_secrets(&self, job: &Job, delivery: Delivery) -> Delivery {
        let sealed = job.message.secrets();
        let mut secrets: Vec<String> = sealed
            .and_then(|(sealed, _)| sealed.open(&self.keys))
            .map_or_else(Vec::new, |secrets| vec![secrets.token, secrets.code]);
        if let Some((_, _, code)) = job.message.ticket() {
            secrets.extend([code.as_str().to_owned(), code.grouped()]);
        }
        if let (Message::Campaign { delivery_id, .. }, Destination::Email(address)) = (&job.message, &job.to)
        {
            secrets.push(vote_token(&self.keys, *delivery_id));
            secrets.push(unsubscribe_token(&self.keys, *delivery_id, address));
        }
        let hide = |reason: String| {
            secrets
                .iter()
                .filter(|secret| !secret.is_empty())
                .fold(reason, |reason, secret| without(&reason, secret))
        };
        match delivery {
            Delivery::Sent => Delivery::Sent,
            Delivery::Refused(reason) => Delivery::Refused(hide(reason)),
            Delivery::Bounced(reason) => Delivery::Bounced(hide(reason)),
            Delivery::Failed(reason) => Delivery::Failed(hide(reason)),
            Delivery::Unreachable(reason) => Delivery::Unreachable(hide(reason)),
        }
    }

    async fn deliver_mail(&self, job: &Job, address: &str) -> Attempt {
        let content = match self.render(job).await {
            Ok(content) => content,
            Err(error) => return Attempt::NotAsked(error),
        };
        let mail = OutgoingMail {
            id: job.id.to_string(),
            date: job.created_at,
            to_name: job.name.clone(),
            to_email: address.to_owned(),
            content,
        };
        Attempt::Asked(self.mailer.deliver(&mail).await)
    }

    /// A ticket is drawn where nobody else waits; as many at a time as there are senders.
    async fn render(&self, job: &Job) -> Result<RenderedMail, String> {
        if job.message.ticket().is_none() {
            return render_mail(job, &self.public_url, &self.keys).map_err(|error| error.to_string());
        }
        let (job, public_url, keys) = (job.clone(), self.public_url.clone(), Arc::clone(&self.keys));
        let drawn = tokio::task::spawn_blocking(move || render_mail(&job, &public_url, &keys));
        match drawn.await {
            Ok(rendered) => rendered.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn deliver_text(&self, job: &Job, number: &str, texts: &dyn SmsSender) -> Attempt {
        let body = match render_text(job, &self.public_url, &self.keys) {
            Ok(body) => body,
            Err(error) => return Attempt::NotAsked(error.to_string()),
        };
        let text = OutgoingText {
            id: job.id.to_string(),
            to: number.to_owned(),
            body,
        };
        Attempt::Asked(texts.deliver(&text).await)
    }
}

/// Fewer letters of a secret are none.
const FEWEST_OF_SECRET: usize = 4;

/// The reason without the secret. A long one is cut, and the secret at its end with it: nearly all of one is as good as all.
fn without(reason: &str, secret: &str) -> String {
    let mut reason = reason.replace(secret, "…");
    let begun = (FEWEST_OF_SECRET..secret.len())
        .rev()
        .filter_map(|end| secret.get(..end))
        .find(|begun| reason.ends_with(begun));
    if let Some(begun) = begun {
        reason.truncate(reason.len() - begun.len());
        reason.push('…');
    }
    reason
}

/// Says once how messages leave.
fn say(config: &Config) {
    if config.mail.smtp_url.is_some() {
        tracing::info!("mails leave by the mail server of mail.smtp_url");
    } else {
        tracing::info!(
            folder = %senders::mail_folder(config).display(),
            "mails are written as files, as mail.smtp_url is not set; `podium mail` lists them"
        );
    }
    if let Some(gateway) = &config.sms.gateway {
        tracing::info!(gateway = gateway.url, "text messages leave by a gateway");
    } else {
        tracing::info!("text messages are off: sms.url is not set");
    }
}
